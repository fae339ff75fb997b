// SPDX-License-Identifier: Apache-2.0
// Directed attacks on the promises of the ledger: keys that another program has spoilt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { pause, until } from './support/processes.mjs';
import { collect, collected, joined, mailOf, say } from './support/talk.mjs';
import { twoInstances } from './support/two_instances.mjs';

const scripts = async (store) =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await store.command('INFO', 'commandstats'))?.[1] ?? 0);

test('a claim that can never succeed is not tried five times a second for ever', bounded, async (t) => {
  const { one, store } = await twoInstances(t);
  await store.command(
    'LPUSH',
    'ws:offline_messages:bob',
    JSON.stringify({ type: 'message', roomId: 'tea', content: 1 }),
  );
  await store.command('LPUSH', 'ws:offline_dropped:bob', 'no number');
  const bob = await clientAs(t, 'bob', one.url);
  await pause(300);
  await clientAs(t, 'bystander', one.url);
  const before = await scripts(store);
  await pause(3000);
  const used = (await scripts(store)) - before;
  assert.ok(bob.isOpen);
  assert.ok(used < 30, `${used} scripts in 3 s`);
});

test('a room that can never be entered is not tried five times a second for ever, and costs no other room',
  bounded, async (t) => {
  const { one, two, store, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await clientAs(t, 'bob', one.url);
  await deafFor(500, async () => {
    await store.command('SET', 'ws:room_log:bad', 'spoilt');
    for (const room of ['bad', 'tea']) {
      await store.command('SADD', `ws:room_members:${room}`, 'bob');
      await store.command('SADD', 'ws:member_rooms:bob', room);
    }
  });
  await until('bob to hear tea', async () => (await say(alice, 1), collect(bob.come).length > 0));
  const before = await scripts(store);
  await pause(3000);
  const used = (await scripts(store)) - before;
  assert.ok(used < 30, `${used} scripts in 3 s`);
});

test('one user’s spoilt key keeps nobody else from being compared', bounded, async (t) => {
  const { one, two, ctl, deafFor, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await clientAs(t, 'mallory', one.url);
  await store.command('SET', 'ws:member_rooms:mallory', 'spoilt');
  await deafFor(500, () => ctl('room', 'remove-member', 'tea', 'bob'));
  await until(
    'the instance to hear again',
    async () => (await bob.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus',
  );
  await pause(1500);
  await say(alice, 'secret');
  assert.deepEqual(await collected(bob), []);
});

test('a member of a room whose log is spoilt does not stay online', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await joined(t, 'bob', one.url, 'go').then((each) => each.leaves());
  await alice.join('go');
  await say(alice, 1);
  await store.command('SET', 'ws:room_log:tea', 'spoilt');
  await alice.ask({ type: 'message', roomId: 'tea', content: 2 }); // refused
  await bob.vanishes();
  await pause(700);
  await say(alice, 'in another room', 'go');
  assert.equal(await store.command('SISMEMBER', 'ws:online_users', 'bob'), 0);
  assert.deepEqual(await mailOf(store, 'bob'), ['in another room']);
});

test('a spoilt room costs its members no mail of other rooms', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  const bad = Array.from({ length: 15 }, (_, n) => `bad ${n}`); // sets have no order: `tea` comes behind one of them
  for (const room of bad) await bob.join(room);
  for (const room of bad) await store.command('SET', `ws:room_participants:${room}`, 'spoilt');
  await bob.vanishes();
  await pause(700);
  await say(alice, 'for bob');
  assert.deepEqual(await mailOf(store, 'bob'), ['for bob']);
});

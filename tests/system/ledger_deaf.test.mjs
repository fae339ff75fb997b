// SPDX-License-Identifier: Apache-2.0
// An instance that was away from Redis learns of all changes when it is back, and a removed user gets no more messages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { pause, until } from './support/processes.mjs';
import { away, collected, contents, joined, say } from './support/talk.mjs';
import { ownRedis, twoInstances } from './support/two_instances.mjs';

test('a user who is let into a room while the instance is deaf gets the messages of the room', bounded, async (t) => {
  const { one, two, ctl, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url, 'chess');
  await deafFor(800, async () => {
    await ctl('room', 'add-member', 'tea', 'bob');
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
  });
  await until('bob to hear tea', async () => (await collected(alice, 0), await say(alice, 'now'), true));
  const heard = new Set();
  await until('all messages', async () => {
    for (const content of await collected(bob, 100)) heard.add(content);
    return heard.size === 4;
  });
  assert.deepEqual([...heard], [1, 2, 3, 'now']);
});

test('a user who is removed from a room while the instance is deaf hears nothing of it any more',
  bounded, async (t) => {
  const { store, one, two, ctl, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, async () => {
    await ctl('room', 'remove-member', 'tea', 'bob');
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
  });
  await until(
    'the instance to hear again',
    async () => (await bob.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus',
  );
  for (let n = 4; n <= 8; n += 1) {
    await say(alice, n);
    await pause(200);
  }
  assert.deepEqual(await collected(bob), []);
  await bob.leaves();
  await away(store, 'bob');
  assert.equal(await store.command('EXISTS', 'ws:offline_messages:bob'), 0);
});

test('a user who is disconnected while the instance is deaf is ended when it hears', bounded, async (t) => {
  const { one, ctl, deafFor } = await twoInstances(t);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, () => ctl('disconnect', 'bob'));
  assert.deepEqual(await bob.closed, { code: 4403, reason: 'disconnected by an operator' });
  await until(
    'the instance to be ready',
    async () => (await fetch(`http://127.0.0.1:${one.port}/ready`)).status === 200,
  );
  const again = await joined(t, 'bob', one.url);
  assert.deepEqual(await again.rest(), []);
});

test('mail that comes while the instance is deaf is fetched when it hears', bounded, async (t) => {
  const { store, one, deafFor } = await twoInstances(t);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, () =>
    store.command(
      'LPUSH',
      'ws:offline_messages:bob',
      JSON.stringify({ type: 'message', roomId: 'tea', content: 'from elsewhere' }),
    ),
  );
  const { messages } = await bob.hears({ type: 'offlineMessages' }, { within: 10_000 });
  assert.deepEqual(contents(messages), ['from elsewhere']);
});

test('a claim of mail that failed is made again', bounded, async (t) => {
  const { store, start } = await ownRedis(t, '--rate-messages', '0');
  const daemon = await start();
  const users = Array.from({ length: 60 }, (_, n) => `user ${n}`);
  for (const user of users)
    await store.command(
      'LPUSH',
      `ws:offline_messages:${user}`,
      JSON.stringify({ type: 'message', roomId: 'tea', content: user }),
    );
  const people = await Promise.all(
    users.map(async (user) => Object.assign(await clientAs(t, undefined, daemon.url), { userId: user })),
  );
  people.forEach((person, n) => setTimeout(() => person.say({ type: 'register', userId: person.userId }), 5 * n));
  await pause(100);
  await store.command('CLIENT', 'PAUSE', 2_600, 'ALL');
  await until('everybody to be registered and to have the mail', async () => {
    for (const person of people) {
      for (const frame of person.come) {
        if (frame.type === 'registered') person.registered = true;
        if (frame.type === 'error') person.say({ type: 'register', userId: person.userId });
        if (frame.type === 'offlineMessages') person.mail = contents(frame.messages);
      }
    }
    return people.every(({ mail, userId, registered }) => registered && mail?.[0] === userId);
  }, 20_000);
});

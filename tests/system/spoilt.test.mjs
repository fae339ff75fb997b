// SPDX-License-Identifier: Apache-2.0
// Keys that another program has spoilt, of a wrong type or with bytes that are no text: only the owner of the key loses
// something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';

const mailbox = 'ws:offline_messages:bob';

async function stage(t) {
  const daemon = await daemonWith(t);
  const store = await look(t, daemon.redisSocket);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  for (const absent of ['bob', 'carol']) {
    await store.command('SADD', 'ws:room_members:tea', absent);
    await store.command('SADD', `ws:member_rooms:${absent}`, 'tea');
    await store.command('SADD', 'ws:room_absent:tea', absent);
  }
  return { daemon, store, alice };
}

test('a mailbox that is no list keeps no message from the others, and its user neither out nor in',
  bounded, async (t) => {
  const { daemon, store, alice } = await stage(t);
  await store.command('SET', mailbox, 'not a list');
  const dave = await clientAs(t, 'dave', daemon.url);
  await dave.join('tea');
  for (const again of [false, true])
    assert.equal(
      (await alice.ask({ type: 'message', roomId: 'tea', content: 1, clientMsgId: 'once' })).duplicate ?? false,
      again,
    );
  await dave.hears({ type: 'message', content: 1 });
  assert.equal(await store.command('LLEN', 'ws:offline_messages:carol'), 1);
  const bob = await clientAs(t, 'bob', daemon.url);
  alice.say({ type: 'message', roomId: 'tea', content: 'live' });
  await bob.hears({ type: 'message', content: 'live' });
  bob.vanishes();
  await until('bob to be gone', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 0);
  assert.equal(await store.command('EXISTS', 'ws:user_connections:bob', 'ws:user_rooms:bob'), 0);
  assert.equal(await store.command('GET', mailbox), 'not a list');
});

test('a room whose place is spoilt keeps none of its members out', bounded, async (t) => {
  const { daemon, store, alice } = await stage(t);
  await store.command('SET', 'ws:room_head:tea', 'spoilt');
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('go');
  await alice.join('go');
  await alice.ask({ type: 'message', roomId: 'go', content: 'elsewhere' });
  await bob.hears({ type: 'message', content: 'elsewhere' });
});

test('ids that are no UTF-8 reach nobody as they are', bounded, async (t) => {
  const { daemon, store, alice } = await stage(t);
  const bytes = Buffer.from([0x62, 0xff, 0xfe]);
  await store.command('SADD', 'ws:room_participants:tea', bytes);
  await store.command('SADD', 'ws:member_rooms:alice', bytes);
  const { participants } = await alice.ask({ type: 'joinRoom', roomId: 'tea' });
  assert.ok(participants.some((id) => id.startsWith('b\ufffd')), participants);
  const again = await clientAs(t, 'alice', daemon.url);
  await again.join('tea');
});

// The document's Node service does this when one of a user's sockets closes while the user is connected here, too.
test('a user whom another service takes offline, and who is connected here, gets live messages and no mail of them',
  bounded, async (t) => {
  const { daemon, store, alice } = await stage(t);
  const dave = await clientAs(t, 'dave', daemon.url);
  await dave.join('tea');
  await store.command('SREM', 'ws:online_users', 'dave');
  await store.command('SREM', 'ws:room_participants:tea', 'dave');
  await store.command('DEL', 'ws:user_rooms:dave');
  for (let n = 0; n < 3; n += 1) await alice.ask({ type: 'message', roomId: 'tea', content: n });
  for (let n = 0; n < 3; n += 1) await dave.hears({ type: 'message', content: n });
  assert.equal(await store.command('LLEN', 'ws:offline_messages:dave'), 0);
  assert.equal(await store.command('LLEN', 'ws:offline_messages:carol'), 3);
});

for (const [what, ...fields] of [
  ['no UTF-8', 'm', Buffer.from([0xff, 0xfe]), 'c', 'c'],
  ['no JSON', 'm', 'nonsense', 'c', 'c'],
  ['nothing', 'c', 'c'],
]) {
  test(`an entry of a room’s log that is ${what} is left out, and all others are read`, bounded, async (t) => {
    const data = await folder(t);
    const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
    const store = await look(t, daemon.redisSocket);
    const alice = await clientAs(t, 'alice', daemon.url);
    await alice.join('tea');
    const bob = await clientAs(t, 'bob', daemon.url);
    await bob.join('tea');
    const { messageId: since } = await alice.ask({ type: 'message', roomId: 'tea', content: 'first' });
    bob.vanishes();
    await store.command('XADD', 'ws:room_log:tea', '2-0', ...fields);
    await store.command('HSET', 'ws:room_head:tea', 'seq', 2);
    await alice.ask({ type: 'message', roomId: 'tea', content: 'third' });

    const again = await clientAs(t, 'bob', daemon.url, { fields: { ack: true, resume: { tea: since } } });
    await again.hears({ type: 'gap', roomId: 'tea', from: 2, to: 2 });
    await again.hears({ type: 'message', content: 'third' });
    const contents = (messages) => messages.map(({ content }) => content);
    assert.deepEqual(contents((await again.ask({ type: 'history', roomId: 'tea' })).messages), ['first', 'third']);
    const short = await again.ask({ type: 'history', roomId: 'tea', after: since, limit: 1 });
    assert.deepEqual([contents(short.messages), short.complete], [['third'], true]);
    const carol = await clientAs(t, 'carol', daemon.url);
    const joined = await carol.ask({ type: 'joinRoom', roomId: 'tea', since });
    assert.deepEqual(contents(joined.messages), ['third']);
    const api = new Api(daemon);
    assert.deepEqual(contents((await api.get('/rooms/tea/messages')).items), ['first', 'third']);
    const walked = [];
    for (let next = ''; next !== null; ) {
      const found = await api.get(`/rooms/tea/messages?limit=1${next && `&cursor=${next}`}`);
      walked.unshift(...contents(found.items));
      next = found.next;
    }
    assert.deepEqual(walked, ['first', 'third']);
    assert.match(daemon.told.stderr, /warning room\.poison room=tea entries=1/);
    assert.doesNotMatch(daemon.told.stderr, / error /);

    // The number is missing; nothing asks for it for ever.
    const asked = async () => /cmdstat_xrange:calls=(\d+)/.exec(await store.command('INFO', 'commandstats'))[1];
    const before = await asked();
    await pause(1_500);
    assert.equal(await asked(), before);
  });
}

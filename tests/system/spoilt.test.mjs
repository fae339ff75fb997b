// SPDX-License-Identifier: Apache-2.0
// Keys that another program has spoilt, of a wrong type or with bytes that are no text: only the owner of the key loses
// something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonWith } from './support/daemon.mjs';
import { until } from './support/processes.mjs';
import { look } from './support/redis.mjs';

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

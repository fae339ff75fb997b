// SPDX-License-Identifier: Apache-2.0
// The promises of a message's place in its room: times that never fall, and mail for each member who is away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

async function stage(t) {
  const redis = await startRedis(t, await folder(t));
  const store = await look(t, redis.socket);
  const daemon = await daemonFor(t, { redis: redis.url });
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const say = (content) => alice.ask({ type: 'message', roomId: 'tea', content });
  return { store, daemon, alice, say };
}

async function absent(store, user) {
  await store.command('SADD', 'ws:room_members:tea', user);
  await store.command('SADD', `ws:member_rooms:${user}`, 'tea');
  await store.command('SADD', 'ws:room_absent:tea', user);
}

test('a room’s times rise with its numbers, though the clock of Redis has stepped back an hour', bounded, async (t) => {
  const { store, say } = await stage(t);
  const { timestamp } = await say('before');
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 5_000);
  // The data as a server has left them whose clock was an hour ahead.
  const ahead = Date.now() + 3_600_000;
  const [[, fields]] = await store.command('XRANGE', 'ws:room_log:tea', '-', '+');
  await store.command('HSET', 'ws:room_head:tea', 'seq', 2, 't', ahead);
  await store.command(
    'XADD',
    'ws:room_log:tea',
    '2-0',
    ...fields.map((value, i) => (fields[i - 1] === 't' ? ahead : value)),
  );
  const told = [await say('after'), await say('later')];
  const entries = await store.command('XRANGE', 'ws:room_log:tea', '-', '+');
  const times = entries.map(([, each]) => Number(each[each.indexOf('t') + 1]));
  assert.deepEqual(times.slice(1), [ahead, ahead + 1, ahead + 2]);
  assert.deepEqual(told.map((ack) => Date.parse(ack.timestamp)), [ahead + 1, ahead + 2]);
  const messages = entries.slice(2).map(([, each]) => JSON.parse(each[each.indexOf('m') + 1]));
  assert.deepEqual(messages.map(({ timestamp: at }) => Date.parse(at)), [ahead + 1, ahead + 2]);
  // With a clock that is ahead again, the clock counts.
  await store.command('HSET', 'ws:room_head:tea', 't', Date.now() - 1000);
  await store.command('SET', 'ws:clock', Date.now() - 1000);
  assert.ok(Math.abs(Date.parse((await say('at last')).timestamp) - Date.now()) < 5_000);
});

test('a message whose mail Redis refuses is not acknowledged, and leaves nothing', bounded, async (t) => {
  const { store, say } = await stage(t);
  await absent(store, 'bob');
  assert.equal((await say('kept')).type, 'messageAck');
  await store.command('ACL', 'SETUSER', 'default', '-lpush');
  const refused = await say('promised to nobody');
  await store.command('ACL', 'SETUSER', 'default', '+lpush');
  assert.deepEqual([refused.type, refused.code], ['error', 'internal']);
  assert.equal(await store.command('XLEN', 'ws:room_log:tea'), 1);
  assert.equal(await store.command('HGET', 'ws:room_head:tea', 'seq'), '1');
  assert.equal((await say('kept, too')).messageId.split(':')[1], '2');
  assert.deepEqual(
    (await store.command('LRANGE', 'ws:offline_messages:bob', 0, -1)).map((text) => JSON.parse(text).content),
    ['kept, too', 'kept'],
  );
});

test('a counter of lost mail that is no number, and a mailbox that is no list, are their user’s loss alone',
  bounded, async (t) => {
  const { store, say } = await stage(t);
  for (const user of ['bob', 'carol', 'dan']) await absent(store, user);
  await store.command('SET', 'ws:offline_messages:bob', 'no list');
  for (const user of ['carol', 'dan'])
    await store.command('RPUSH', `ws:offline_messages:${user}`, ...Array.from({ length: 100 }, (_, n) => `{"n":${n}}`));
  await store.command('SET', 'ws:offline_dropped:carol', 'many');
  assert.equal((await say('through')).type, 'messageAck');
  for (const user of ['carol', 'dan']) {
    assert.equal(await store.command('LLEN', `ws:offline_messages:${user}`), 100);
    assert.equal(JSON.parse(await store.command('LINDEX', `ws:offline_messages:${user}`, 0)).content, 'through');
  }
  assert.equal(await store.command('GET', 'ws:offline_dropped:dan'), '1');
});

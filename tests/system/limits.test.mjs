// SPDX-License-Identifier: Apache-2.0
// The limits of rooms and answers, and how a client learns its limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { look } from './support/redis.mjs';

test('a room more than a connection may have is refused, and the others stay', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-rooms', '3');
  const alice = await clientAs(t, 'alice', daemon.url);
  for (const room of ['a', 'b', 'c']) await alice.join(room);
  const refusal = await alice.ask({ type: 'joinRoom', roomId: 'd' });
  assert.equal(refusal.code, 'forbidden');
  assert.match(refusal.message, /^at most 3 rooms per connection/);
  assert.equal((await metricsOf(daemon)).get('hiky_rooms_limited_total'), 1);
  await alice.join('a');
  await alice.ask({ type: 'leaveRoom', roomId: 'a' });
  await alice.join('d');
});

test('registered tells the limits to a client that asks for more than the document', bounded, async (t) => {
  const daemon = await daemonWith(
    t,
    '--limit-frame',
    '4096',
    '--rate-messages',
    '7:9',
    '--rate-typing',
    '0',
    '--limit-rooms',
    '3',
    '--limit-user-connections',
    '2',
    '--limit-outbox',
    '70000',
  );
  for (const asked of [{ events: true }, { ack: true }, { resume: {} }]) {
    const alice = await clientAs(t, undefined, daemon.url);
    const told = await alice.ask({ type: 'register', userId: 'alice', ...asked });
    assert.deepEqual(told.limits, {
      frame: 4096,
      rooms: 3,
      outbox: 70_000,
      connections: 2,
      messages: { perSecond: 7, burst: 9 },
      requests: { perSecond: 50, burst: 1000 },
    });
    assert.deepEqual(told.heartbeat, { intervalMs: 25_000, timeoutMs: 10_000 });
    assert.equal(told.largestFrame, (1 << 20) + 4096);
    assert.ok(Math.abs(Date.parse(told.serverTime) - Date.now()) < 5_000, told.serverTime);
    assert.equal((await alice.ask({ type: 'register' })).limits, undefined, 'once');
  }
  const bob = await clientAs(t, undefined, daemon.url);
  const { type, id, userId, connectionId, rooms, ...more } = await bob.ask({ type: 'register', userId: 'bob' });
  assert.deepEqual(more, {});
});

test('no answer to any request is larger than registered says', { timeout: 120_000 }, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '0', '--rate-requests', '0');
  const redis = await look(t, daemon.redisSocket, 1);
  const awkward = (n) => `${n}`.padEnd(128, '"');
  for (let n = 0; n < 1_000; n += 500) {
    const users = Array.from({ length: 500 }, (_, i) => awkward(n + i));
    await redis.command('SADD', 'ws:room_participants:tea', ...users);
    await redis.command('SADD', 'ws:online_users', ...users);
  }
  const sizes = [];
  const alice = await clientAs(t, undefined, daemon.url);
  const { largestFrame } = await alice.ask({ type: 'register', userId: 'alice', events: true });
  const answer = async (request) => {
    alice.say(request);
    const text = await alice.raw(20_000);
    sizes.push(Buffer.byteLength(text));
    return JSON.parse(text);
  };
  await answer({ type: 'joinRoom', roomId: 'tea' });
  let last;
  for (let n = 0; n < 20; n += 1)
    last = (await answer({ type: 'message', roomId: 'tea', content: '"'.repeat(30_000), id: `${n}` })).messageId;
  await answer({ type: 'joinRoom', roomId: 'tea', since: `${last.split(':')[0]}:1` });
  await answer({ type: 'history', roomId: 'tea', limit: 200 });
  await answer({ type: 'participants', roomId: 'tea', limit: 1000 });
  assert.ok(Math.max(...sizes) > 250_000, `the largest has ${Math.max(...sizes)} bytes`);
  assert.ok(Math.max(...sizes) <= largestFrame, `${Math.max(...sizes)} bytes`);
});

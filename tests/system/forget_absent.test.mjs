// SPDX-License-Identifier: Apache-2.0
// A user who came once and never again does not stay a member for ever, and messages do not wait for this user for
// ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const days = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString();

// A hundredth of a day, so that the next look is not long in coming.
const unit = 0.01;

async function world(t, ...flags) {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: flags.length > 0 ? flags : ['--forget-absent', String(unit)],
  });
  const store = await look(t, redis.socket);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  // Comes, joins, goes; and was last seen as many days ago.
  const guest = async (name, ago, ...rooms) => {
    const client = await clientAs(t, name, daemon.url);
    for (const room of rooms) await client.join(room);
    await client.leaves();
    await until(`${name} to be gone`, async () => (await store.command('HLEN', `ws:user_connections:${name}`)) === 0);
    await store.command('SET', `ws:last_seen:${name}`, days(ago));
  };
  const members = async (room) => (await store.command('SMEMBERS', `ws:room_members:${room}`)).sort();
  const waits = (name) => store.command('LLEN', `ws:offline_messages:${name}`);
  const numbers = () => metricsOf(daemon);
  return { redis, daemon, store, alice, guest, members, waits, numbers };
}

test('a guest who was not seen for long is no member any more, and has no mailbox', bounded, async (t) => {
  const { daemon, store, alice, guest, members, waits, numbers } = await world(t);
  await guest('lately', 0.5 * unit, 'tea');
  await guest('long ago', 2 * unit, 'tea', 'attic', 'cellar');
  await alice.ask({ type: 'message', roomId: 'tea', content: 'who is there?' });
  await until('the guest to be forgotten', async () => (await store.command('EXISTS', 'ws:last_seen:long ago')) === 0);
  assert.deepEqual(await members('tea'), ['alice', 'lately']);
  assert.deepEqual([await members('attic'), await members('cellar')], [[], []]);
  assert.deepEqual([await waits('lately'), await waits('long ago')], [1, 0]);
  await alice.ask({ type: 'message', roomId: 'tea', content: 'still?' });
  assert.deepEqual([await waits('lately'), await waits('long ago')], [2, 0]);
  // The key ws:left:… ends by itself.
  const left = (await store.command('KEYS', '*long ago*')).filter((key) => key !== 'ws:left:long ago');
  assert.deepEqual(left, []);
  const found = await numbers();
  assert.deepEqual([found.get('hiky_forgotten_users_total'), found.get('hiky_forgotten_memberships_total')], [1, 3]);
  assert.match(daemon.told.stderr, /info users\.forgotten users=1 memberships=3$/m);
  // A user who comes back after all is like a new one.
  const again = await clientAs(t, 'long ago', daemon.url);
  await again.join('tea');
  assert.equal((await again.ask({ type: 'message', roomId: 'tea', content: 'me' })).type, 'messageAck');
});

test('a user who is here, or whose last time is unknown, is not forgotten', bounded, async (t) => {
  const { store, guest, members, numbers } = await world(t);
  await store.command('SET', 'ws:last_seen:alice', days(400)); // is here
  await store.command('SADD', 'ws:room_members:tea', 'by hand'); // was never seen
  await store.command('SADD', 'ws:member_rooms:by hand', 'tea');
  await store.command('SADD', 'ws:online_users', 'next door'); // is with the document's own service
  for (const each of ['next door', 'odd']) {
    await store.command('SADD', 'ws:room_members:tea', each);
    await store.command('SADD', `ws:member_rooms:${each}`, 'tea');
  }
  await store.command('SET', 'ws:last_seen:next door', days(400));
  await store.command('SET', 'ws:last_seen:odd', 'long ago'); // no time of ours
  await guest('long ago', 2 * unit);
  await until('somebody to be forgotten', async () => (await numbers()).get('hiky_forgotten_users_total') === 1);
  await pause(2_500);
  assert.deepEqual(await members('tea'), ['alice', 'by hand', 'next door', 'odd']);
  assert.equal((await numbers()).get('hiky_forgotten_users_total'), 1);
});

test('the default is 90 days, and 0 is never', bounded, async (t) => {
  const { redis, daemon, guest, members } = await world(t, '--forget-absent', '0');
  await guest('lately', 89.9, 'tea');
  await guest('long ago', 90.1, 'tea');
  await pause(2_500);
  assert.deepEqual(await members('tea'), ['alice', 'lately', 'long ago']);
  await daemon.stop();
  await daemonFor(t, { redis: redis.url });
  await until('the guest to be forgotten', async () => (await members('tea')).join() === 'alice,lately');
});

test('a member of very many rooms ends little by little', bounded, async (t) => {
  const { store, numbers } = await world(t);
  const rooms = Array.from({ length: 250 }, (_, n) => `room ${n}`);
  await store.command('SADD', 'ws:member_rooms:long ago', ...rooms);
  for (const room of rooms) await store.command('SADD', `ws:room_members:${room}`, 'long ago');
  await store.command('SET', 'ws:last_seen:long ago', days(2 * unit));
  await until('the first rooms', async () => (await numbers()).get('hiky_forgotten_memberships_total') > 0);
  assert.ok((await numbers()).get('hiky_forgotten_memberships_total') <= 200);
  await until('all of them', async () => (await numbers()).get('hiky_forgotten_users_total') === 1);
  assert.equal((await numbers()).get('hiky_forgotten_memberships_total'), 250);
  assert.deepEqual(await store.command('KEYS', 'ws:room_members:room *'), []);
});

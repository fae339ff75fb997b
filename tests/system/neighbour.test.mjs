// SPDX-License-Identifier: Apache-2.0
// Another program on the same Redis, the document's own service on ioredis (bench/compare): a user who is connected to
// both stays online when one of the two connections closes, whichever it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bounded } from './support/bounded.mjs';
import { Client, clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, launch, pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const service = fileURLToPath(new URL('../../bench/compare/node_service.mjs', import.meta.url));
const lease = 2;

async function sideBySide(t, ...flags) {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--lease', `${lease}`, ...flags] });
  const neighbour = await launch('node', [service, redis.socket], /^ready on (\d+)$/);
  atEnd(t, () => neighbour.stop());
  return { store: await look(t, redis.socket), daemon, neighbour: `http://127.0.0.1:${neighbour.match[1]}` };
}

async function at(t, url, user, room) {
  const client = await Client.open(url);
  atEnd(t, () => client.vanishes());
  client.say({ type: 'register', userId: user });
  await client.hears({ type: 'registered', userId: user });
  client.say({ type: 'joinRoom', roomId: room });
  await client.hears({ type: 'joinedRoom', roomId: room });
  return client;
}

const standing = async (store) => ({
  online: await store.command('SISMEMBER', 'ws:online_users', 'alice'),
  takesPart: await store.command('SISMEMBER', 'ws:room_participants:tea', 'alice'),
  rooms: await store.command('SMEMBERS', 'ws:user_rooms:alice'),
});
const here = { online: 1, takesPart: 1, rooms: ['tea'] };
const entry = async (store) => JSON.parse(await store.command('HGET', 'ws:clients', 'alice'));

async function staysHere(store, within = 0) {
  const isHere = async () => JSON.stringify(await standing(store)) === JSON.stringify(here);
  if (within > 0) await until('alice to be here again', isHere, within);
  for (let n = 0; n < 20; n += 1, await pause(50)) assert.deepEqual(await standing(store), here);
}

for (const order of ['neighbour first', 'neighbour second']) {
  test(`a user whose connection here closes stays online by the neighbour's (${order})`, bounded, async (t) => {
    const { store, daemon, neighbour } = await sideBySide(t);
    const bob = await clientAs(t, 'bob', daemon.url);
    await bob.join('tea');
    const open = { here: () => at(t, daemon.url, 'alice', 'tea'), there: () => at(t, neighbour, 'alice', 'tea') };
    const there = order === 'neighbour first' ? await open.there() : undefined;
    const mine = await open.here();
    const other = there ?? (await open.there());
    await mine.leaves();
    await until('the end to be known', async () => (await store.command('EXISTS', 'ws:user_connections:alice')) === 0);
    await staysHere(store);
    const about = await entry(store);
    assert.equal(typeof about.connectedAt, 'string');
    assert.deepEqual([about.connections, about.neighbour], [undefined, undefined]);
    assert.deepEqual(await bob.rest(), [], 'nobody is told that she has gone');
    await other.leaves();
    await until('alice to be gone', async () => (await store.command('HEXISTS', 'ws:clients', 'alice')) === 0);
    assert.equal((await standing(store)).online, 0);
  });

  test(`a user whose connection at the neighbour's closes is back within a lease (${order})`, bounded, async (t) => {
    const { store, daemon, neighbour } = await sideBySide(t);
    const open = { here: () => at(t, daemon.url, 'alice', 'tea'), there: () => at(t, neighbour, 'alice', 'tea') };
    const there = order === 'neighbour first' ? await open.there() : undefined;
    const mine = await open.here();
    const other = there ?? (await open.there());
    await other.leaves();
    // The neighbour's entry is gone; perhaps ours stands there again already.
    await until('the neighbour to have cleaned up', async () => {
      const text = (await store.command('HGET', 'ws:clients', 'alice')) ?? '"connections":0}';
      return /"connections":\d+}$/.test(text) && !text.includes('"neighbour"');
    });
    await staysHere(store, lease * 1000);
    assert.equal((await entry(store)).connections, 1);
    assert.equal((await entry(store)).neighbour, undefined);
    assert.equal(await store.command('SISMEMBER', 'ws:joined_room_participants:tea', 'alice'), 1);
    assert.deepEqual(await mine.rest(), []);
    await mine.leaves();
    await until('alice to be gone', async () => (await standing(store)).online === 0);
    assert.deepEqual(await standing(store), { online: 0, takesPart: 0, rooms: [] });
  });
}

test('a user with two connections here and one there is offline when all three have closed', bounded, async (t) => {
  const { store, daemon, neighbour } = await sideBySide(t);
  const first = await at(t, daemon.url, 'alice', 'tea');
  const other = await at(t, neighbour, 'alice', 'tea');
  const second = await at(t, daemon.url, 'alice', 'tea');
  assert.deepEqual([(await entry(store)).connections, (await entry(store)).neighbour], [2, true]);
  await first.leaves();
  await until('one to be left', async () => (await store.command('HLEN', 'ws:user_connections:alice')) === 1);
  assert.deepEqual([(await entry(store)).connections, (await entry(store)).neighbour], [1, true]);
  await second.leaves();
  await until('none to be left', async () => (await store.command('EXISTS', 'ws:user_connections:alice')) === 0);
  await staysHere(store);
  await other.leaves();
  await until('alice to be gone', async () => (await standing(store)).online === 0);
});

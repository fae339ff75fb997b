// SPDX-License-Identifier: Apache-2.0
// A user whose connections have ended does not stay online, also when Redis or an instance missed the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { Gate } from './support/gate.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';

// A Redis with a gate for each daemon.
async function stage(t) {
  const data = await folder(t);
  const port = await freePort();
  const redis = await startRedis(t, data, '--port', port, '--bind', '127.0.0.1');
  const start = async (name, { lease = '6', workers = '2', grace = '0' } = {}) => {
    const gate = await Gate.open({ host: '127.0.0.1', port });
    atEnd(t, () => gate.close());
    const url = `redis://127.0.0.1:${gate.port}`;
    const flags = ['--lease', lease, '--workers', workers, '--grace', grace, '--instance-id', name];
    return Object.assign(await daemonFor(t, { redis: url, flags }), { gate });
  };
  return { redis, start, store: await look(t, redis.socket) };
}

const online = async (store) => (await store.command('SMEMBERS', 'ws:online_users')).sort();

// A drain waits 5 s for Redis to know of every end. Redis comes back within the last half second of the drain: in time
// for the end of the instance, and perhaps not for the ends of all connections.
test('instances that are ended in an outage leave nobody online, though they tell Redis of their own end',
  bounded, async (t) => {
  const { start, store } = await stage(t);
  const two = await start('two');
  await clientAs(t, 'witness', two.url);
  const ended = await Promise.all(Array.from({ length: 12 }, (_, n) => start(`ended ${n}`, { workers: '1' })));
  const people = Array.from({ length: 120 }, (_, i) => clientAs(t, `user ${i}`, ended[i % ended.length].url));
  await Promise.all(people);
  assert.equal((await online(store)).length, 121);
  await Promise.all(ended.map(async (daemon, n) => {
    daemon.gate.stall(true); // from now on, connecting hangs
    daemon.gate.cut(false);
    daemon.signal('SIGTERM');
    await until('the drain', () => daemon.told.stderr.includes('daemon.draining'));
    await pause(4_600 + 30 * n);
    daemon.gate.heal();
    assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  }));
  await until('all to be offline', async () => (await online(store)).join() === 'witness', 20_000);
  assert.deepEqual(await store.command('KEYS', 'ws:instance_connections:*'), ['ws:instance_connections:two']);
  assert.deepEqual(await store.command('ZRANGE', 'ws:instances', 0, -1), ['two']);
});

// As a failover to a replica that was behind brings them back.
test('a Redis that missed the end of a connection learns of it, and later messages wait', bounded, async (t) => {
  const data = await folder(t);
  const port = await freePort();
  const begin = () => startRedis(t, data, '--port', port, '--bind', '127.0.0.1');
  const redis = await begin();
  const daemon = await daemonFor(t, { redis: `redis://127.0.0.1:${port}`, flags: ['--lease', '20'] });
  const names = ['alice', 'bob', 'carol'];
  const comes = (name) => clientAs(t, name, daemon.url, { fields: { ack: true } });
  const [alice, ...others] = await Promise.all(names.map(comes));
  for (const person of [alice, ...others]) await person.ask({ type: 'joinRoom', roomId: 'tea' });
  const before = await look(t, redis.socket);
  await before.command('SAVE');
  for (const person of others) await person.leaves();
  await until('both to be offline', async () => (await online(before)).join() === 'alice');
  await redis.stop('SIGKILL');
  const again = await begin();
  const store = await look(t, again.socket);
  await until('both to be offline again', async () => (await online(store)).join() === 'alice', 15_000);
  assert.equal(await store.command('HLEN', 'ws:instance_connections:one'), 1);
  await until('every connection to Redis to be back', async () => (await fetch(`${daemon.url}/ready`)).ok, 15_000);
  const said = await until('a message to be taken', async () => {
    const told = await alice.ask({ type: 'message', roomId: 'tea', content: 'are you there?' });
    return told.type === 'messageAck' && told;
  });
  const bob = await clientAs(t, 'bob', daemon.url);
  const { messages } = await bob.hears({ type: 'offlineMessages' });
  assert.deepEqual(messages.map(({ messageId }) => messageId), [said.messageId]);
});

test('connections of an earlier life, and of nobody, are undone within four leases', bounded, async (t) => {
  const { start, store } = await stage(t);
  const one = await start('one', { lease: '2' });
  const alice = await clientAs(t, 'alice', one.url);
  await alice.join('tea');
  const json = await store.command('HGET', 'ws:user_connections:alice', alice.connectionId);
  const own = alice.connectionId.split('.')[0];
  for (const [user, id] of [['alice', 'ancient.7'], ['zoe', 'ancient.8'], ['zoe', `${own}.fff`]]) {
    await store.command('HSET', `ws:user_connections:${user}`, id, json);
    await store.command('HSET', 'ws:instance_connections:one', id, user);
    await store.command('SADD', 'ws:online_users', user);
  }
  await until('zoe to be offline', async () => (await online(store)).join() === 'alice', 12_000);
  assert.deepEqual(await store.command('HKEYS', 'ws:user_connections:alice'), [alice.connectionId]);
  assert.deepEqual(await store.command('HKEYS', 'ws:instance_connections:one'), [alice.connectionId]);
  assert.match(await (await fetch(`${one.url}/metrics`)).text(), /^hiky_undone_connections_total(\{[^}]*\})? 3$/m);
});

// A failover to a machine whose clock is an hour behind leaves times of the old clock.
test('a clock that has stepped back hides no dead instance, and delays no absence', bounded, async (t) => {
  const { start, store } = await stage(t);
  const one = await start('one', { lease: '2' });
  const two = await start('two', { lease: '2', grace: '1' });
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => clientAs(t, name, two.url)));
  await clientAs(t, 'carol', one.url);
  for (const person of [alice, bob]) await person.ask({ type: 'joinRoom', roomId: 'tea' });
  const ahead = async (key, member) => {
    const [seconds] = await store.command('TIME');
    await store.command('ZADD', key, 'XX', (Number(seconds) + 3600) * 1000, member);
  };
  await one.stop('SIGKILL');
  await ahead('ws:instances', 'one');
  await bob.leaves();
  await until('the absence to be noted', async () => (await store.command('ZCARD', 'ws:pending_offline')) === 1);
  await ahead('ws:pending_offline', 'bob');
  await alice.hears({ type: 'userOffline', userId: 'bob' }, { within: 6_000 });
  await until('carol to be offline', async () => (await online(store)).join() === 'alice', 8_000);
  assert.deepEqual(await store.command('ZRANGE', 'ws:instances', 0, -1), ['two']);
});

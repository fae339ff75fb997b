// SPDX-License-Identifier: Apache-2.0
// Nobody stays online whose connections have ended, whatever Redis or an instance missed meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { Gate } from './support/gate.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';

const bounded = { timeout: 60_000 };

// A Redis with a door for each daemon.
async function stage(t) {
  const data = await folder(t);
  const port = await freePort();
  const redis = await startRedis(t, data, '--port', port, '--bind', '127.0.0.1');
  const start = async (name, ...flags) => {
    const gate = await Gate.open({ host: '127.0.0.1', port });
    atEnd(t, () => gate.close());
    const url = `redis://127.0.0.1:${gate.port}`;
    return Object.assign(await daemonFor(t, { redis: url, flags: ['--lease', '6', '--instance-id', name, ...flags] }), { gate });
  };
  return { redis, start, store: await look(t, redis.socket) };
}

const online = async (store) => (await store.command('SMEMBERS', 'ws:online_users')).sort();

// A drain waits 5 s for Redis to know of every end. Redis comes back within its last half second: in time for the daemon's last word, and
// perhaps not for everybody's end.
test('instances that are ended in an outage leave nobody online, though they can say that they end', bounded, async (t) => {
  const { start, store } = await stage(t);
  const two = await start('two');
  await clientAs(t, 'witness', two.url);
  const ended = await Promise.all(Array.from({ length: 12 }, (_, n) => start(`ended ${n}`, '--workers', '1')));
  await Promise.all(ended.map((daemon, n) => Promise.all(Array.from({ length: 10 }, (__, i) => clientAs(t, `user ${n} ${i}`, daemon.url)))));
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

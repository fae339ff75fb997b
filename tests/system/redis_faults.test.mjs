// SPDX-License-Identifier: Apache-2.0
// Redis hangs, refuses or changes its role: nobody gets what is another's, nothing becomes a command that is none, and the daemon finds its way back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const bounded = { timeout: 60_000 };

async function daemonOn(t, redisFlags = [], flags = []) {
  const redis = await startRedis(t, await folder(t), ...redisFlags);
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--rate-requests', '0', '--rate-messages', '0', ...flags] });
  return { redis, daemon, store: await look(t, redis.socket) };
}

async function people(t, daemon, count) {
  const all = await Promise.all(Array.from({ length: count }, (_, n) => clientAs(t, `user ${n}`, daemon.url)));
  await Promise.all(all.map((client, n) => client.join(`room ${n}`)));
  return all;
}

const isReady = (daemon) => fetch(`${daemon.url}/ready`).then(({ ok }) => ok);

test('what clients said while Redis hung is never read as commands', bounded, async (t) => {
  const { redis, daemon, store } = await daemonOn(t, [], ['--workers', '1']);
  const all = await people(t, daemon, 24);
  await store.command('SET', 'planted', 1);
  redis.signal('SIGSTOP');
  const content = `[0${`${',0'.repeat(500)},\n"FLUSHALL"\n`.repeat(45)}]`;
  all.forEach((client, n) => client.say(`{"type":"message","roomId":"room ${n}","content":${content}}`));
  await until('the hang to be noticed', () => /redis\.lost.*hangs/.test(daemon.told.stderr));
  redis.signal('SIGCONT');
  await until('Redis to be back', () => isReady(daemon));
  assert.equal(await store.command('GET', 'planted'), '1');
  assert.doesNotMatch(await store.command('INFO', 'commandstats'), /flushall/);
});

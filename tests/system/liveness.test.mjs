// SPDX-License-Identifier: Apache-2.0
// /live and /ready are two questions: whether the process must be restarted, and whether clients should come. During an
// outage of Redis only the second answer is no.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { peerOf, webSocketOf } from './support/peer.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, freePort, startRedis } from './support/redis.mjs';

const page = async (daemon, path) => {
  const answer = await fetch(`${daemon.url}${path}`, { signal: AbortSignal.timeout(8_000) });
  return `${answer.status} ${await answer.text()}`;
};

test('/live stays 200 while Redis hangs and while it is gone; /ready turns within two seconds, and back',
  bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url });
  const alice = await clientAs(t, 'alice', daemon.url);
  assert.deepEqual([await page(daemon, '/live'), await page(daemon, '/ready')], ['200 live\n', '200 ready\n']);
  redis.signal('SIGSTOP');
  const begin = Date.now();
  const turned = await until('/ready to turn', async () => {
    const told = await page(daemon, '/ready');
    return told.startsWith('503') && told;
  });
  const took = Date.now() - begin;
  assert.match(turned, /^503 (Redis does not answer|no connection to Redis)\n$/);
  assert.ok(took < 2_000, `${took} ms`);
  assert.equal(await page(daemon, '/live'), '200 live\n');
  redis.signal('SIGCONT');
  await until('/ready to be back', async () => (await page(daemon, '/ready')) === '200 ready\n');
  await redis.stop('SIGKILL');
  await until('/ready to turn', async () => (await page(daemon, '/ready')) === '503 no connection to Redis\n');
  for (let n = 0; n < 20; n += 1) {
    assert.equal(await page(daemon, '/live'), '200 live\n');
    await pause(50);
  }
  assert.equal((await alice.ask({ type: 'ping' })).type, 'pong'); // nobody was thrown out
});

test('/live is 200 in a drain, and HEAD has no body', bounded, async (t) => {
  const daemon = await daemonWith(t, '--drain', '3', '--workers', '1');
  const peer = await peerOf(t, daemon.port);
  await peer.send('HEAD /live HTTP/1.1\r\nHost: x\r\n\r\n');
  const head = await peer.answer(undefined, { head: true });
  assert.deepEqual([head.status, head.headers['content-length']], [200, '5']);
  for (let n = 0; n < 2; n += 1) await webSocketOf(t, daemon.port);
  daemon.signal('SIGTERM');
  await until('the drain', () => daemon.told.stderr.includes('daemon.draining'));
  await peer.send('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await peer.answer()).status, 200);
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
});

test('hikyd --check-live asks for it: 0 without Redis, 1 for a daemon that hangs or is not there',
  bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const flags = ['--listen', `127.0.0.1:${await freePort()}`];
  const ask = () => runDaemon(...flags, '--check-live');
  const nobody = await ask();
  assert.deepEqual([nobody.code, nobody.stdout], [1, '']);
  assert.match(nobody.stderr, /^hikyd: not live: 127\.0\.0\.1:\d+: Connection refused\n$/);
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  await redis.stop('SIGKILL');
  await until('the outage', async () => (await page(daemon, '/ready')).startsWith('503'));
  assert.deepEqual(await ask(), { code: 0, signal: null, stdout: 'live\n', stderr: '' });
  daemon.signal('SIGSTOP');
  const hangs = await ask().finally(() => daemon.signal('SIGCONT'));
  assert.deepEqual([hangs.code, hangs.stdout], [1, '']);
  assert.match(hangs.stderr, /^hikyd: not live: 127\.0\.0\.1:\d+: no answer within 5 s\n$/);
});

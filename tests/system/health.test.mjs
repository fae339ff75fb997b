// SPDX-License-Identifier: Apache-2.0
// hikyd --check-health, and the health check of the image, which asks whether the daemon lives: a daemon that does not
// answer is not healthy.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { daemonFor, runDaemon } from './support/daemon.mjs';
import { run } from './support/processes.mjs';
import { folder, freePort, startRedis } from './support/redis.mjs';

// A daemon at a port that is known beforehand, and the verdict of a second hikyd with the same flags.
async function asked(t, { flags = [], host = '127.0.0.1', redis } = {}) {
  const all = ['--listen', `${host}:${await freePort()}`, ...flags];
  const daemon = await daemonFor(t, { redis, data: await folder(t), flags: all });
  return { daemon, ask: () => runDaemon(...all, '--check-health') };
}

async function isHealthy(ask) {
  const { code, stdout, stderr } = await ask();
  assert.equal(code, 0, stderr);
  const { status, redis, instance } = JSON.parse(stdout);
  assert.deepEqual({ status, redis, instance }, { status: 'healthy', redis: 'connected', instance: 'one' });
}

async function isNot(ask, why) {
  const begun = Date.now();
  const { code, stdout, stderr } = await ask();
  assert.deepEqual([code, stdout], [1, ''], stderr);
  assert.match(stderr, why);
  assert.equal(stderr.trim().split('\n').length, 1);
  return Date.now() - begun;
}

test('a daemon that was stopped in the middle of everything is not healthy, and is again when it goes on',
  bounded, async (t) => {
  const { daemon, ask } = await asked(t);
  await isHealthy(ask);
  daemon.signal('SIGSTOP');
  const waited = await isNot(ask, /^hikyd: not healthy: 127\.0\.0\.1:\d+: no answer within 5 s$/m).finally(() =>
    daemon.signal('SIGCONT'),
  );
  assert.ok(waited < 9_000, `${waited} ms`); // Docker would wait ten seconds
  await isHealthy(ask);
});

test('a daemon behind TLS is asked too, and the names of its certificate do not matter', bounded, async (t) => {
  const place = await folder(t);
  const { cert, key } = await certificate(place, await authority(place), 'chat', 'DNS:chat.example');
  const { ask } = await asked(t, { flags: ['--tls-cert', cert, '--tls-key', key] });
  await isHealthy(ask);
});

test('a daemon on all addresses is asked on this machine', bounded, async (t) => {
  const { ask } = await asked(t, { host: '0.0.0.0', flags: ['--auth', 'open', '--allow-open'] });
  await isHealthy(ask);
});

test('a Unix socket is asked first, where TCP wants a PROXY header', bounded, async (t) => {
  const socket = join(await folder(t), 'hikyd.sock');
  const { ask } = await asked(t, {
    flags: ['--listen', `unix:${socket}`, '--proxy-protocol', '--trusted-proxy', '192.0.2.1'],
  });
  await isHealthy(ask);
});

test('an address without a daemon is not healthy, and neither is a daemon without its Redis', bounded, async (t) => {
  await isNot(
    () => runDaemon('--listen', '127.0.0.1:1', '--check-health'),
    /^hikyd: not healthy: 127\.0\.0\.1:1: Connection refused$/m,
  );
  const redis = await startRedis(t, await folder(t));
  const { ask } = await asked(t, { redis: redis.url });
  await isHealthy(ask);
  await redis.stop();
  await isNot(ask, /^hikyd: not healthy: 127\.0\.0\.1:\d+: status 503: \{"status":"unhealthy"/m);
});

test('the image’s health check asks the daemon as it was started', bounded, async (t) => {
  const dockerfile = await readFile(fileURLToPath(new URL('../../Dockerfile', import.meta.url)), 'utf8');
  const check = /^HEALTHCHECK .*\\\n *CMD (.*)$/m.exec(dockerfile)[1];
  const redis = await startRedis(t, await folder(t));
  const { daemon } = await asked(t, { redis: redis.url });
  // In a container the daemon is the first process.
  const ask = () => run('sh', ['-c', check.replace('/proc/1/', `/proc/${daemon.pid}/`)]);
  const lives = async () => assert.deepEqual(await ask(), { code: 0, signal: null, stdout: 'live\n', stderr: '' });
  await lives();
  // A restart would end all connections that are still open.
  await redis.stop();
  await lives();
  daemon.signal('SIGSTOP');
  const { code, stderr } = await ask().finally(() => daemon.signal('SIGCONT'));
  assert.equal(code, 1);
  assert.match(stderr, /no answer within 5 s/);
});

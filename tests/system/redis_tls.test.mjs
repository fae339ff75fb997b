// SPDX-License-Identifier: Apache-2.0
// Redis over TLS: used when its certificate is right, refused with the reason when it is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { authority } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { pause, run } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';
import { ctl, secureRedis, start } from './support/redis_tls.mjs';

test('chat and hikyctl work over rediss, with password, and come back after a loss', bounded, async (t) => {
  const { redis, port, by } = await secureRedis(t, 'DNS:localhost', '--requirepass', 'sesame');
  const url = `rediss://:sesame@localhost:${port}`;
  const daemon = await daemonFor(t, { redis: url, flags: ['--redis-ca', by.file, '--rate-messages', '0'] });
  const alice = await clientAs(t, 'alice', daemon.url);
  const bob = await clientAs(t, 'bob', daemon.url);
  for (const one of [alice, bob]) await one.join('tea');
  const content = 'k'.repeat(50_000);
  alice.say({ type: 'message', roomId: 'tea', content });
  await bob.hears({ type: 'message', content });
  const online = await ctl('--redis', url, '--redis-ca', by.file, 'online', '--count');
  assert.deepEqual([online.code, online.stdout], [0, '2\n'], online.stderr);
  const store = await look(t, redis.socket).catch(() => undefined);
  assert.equal(store, undefined, 'the password counts on the socket too');
  const killed = await run('redis-cli', [
    '-s',
    redis.socket,
    '-a',
    'sesame',
    '--no-auth-warning',
    'CLIENT',
    'KILL',
    'TYPE',
    'normal',
    'SKIPME',
    'yes',
  ]);
  assert.ok(Number(killed.stdout) > 0, killed.stderr);
  for (let tries = 0; ; tries += 1) {
    const { type } = await alice.ask({ type: 'message', roomId: 'tea', content: 'again' });
    if (type === 'messageAck') break;
    assert.ok(tries < 200);
    await pause(50);
  }
  await bob.hears({ type: 'message', content: 'again' });
});

test('an IP address in the certificate is checked as one', bounded, async (t) => {
  const { port, by } = await secureRedis(t, 'IP:127.0.0.1');
  const daemon = await daemonFor(t, { redis: `rediss://127.0.0.1:${port}`, flags: ['--redis-ca', by.file] });
  await clientAs(t, 'alice', daemon.url);
});

test('start, stop and hikyctl take no longer because Redis speaks TLS', bounded, async (t) => {
  const { port, by } = await secureRedis(t, 'IP:127.0.0.1');
  const [url, files] = [`rediss://127.0.0.1:${port}`, ['--redis-ca', by.file]];
  const begun = Date.now();
  const daemon = await daemonFor(t, { redis: url, flags: files });
  assert.equal((await ctl('--redis', url, ...files, 'online', '--count')).code, 0);
  assert.equal((await daemon.stop()).code, 0);
  assert.ok(Date.now() - begun < 4_000, `${Date.now() - begun} ms`);
});

test('a certificate of an unknown authority, for another name, or none at all ends the start with the reason',
  bounded, async (t) => {
  const { redis, port, place, by } = await secureRedis(t, 'DNS:elsewhere.example');
  const stranger = await authority(place, 'stranger');
  const url = `rediss://localhost:${port}`;
  const unknown = await start(place, '--redis', url, '--redis-ca', stranger.file);
  assert.equal(unknown.code, 3);
  assert.match(
    unknown.stderr,
    /cannot connect to rediss:\/\/localhost:\d+: TLS: the certificate is not accepted: (self-signed certificate in|unable to get)/,
  );
  const system = await start(place, '--redis', url);
  assert.equal(system.code, 3);
  assert.match(system.stderr, /the certificate is not accepted/);
  const other = await start(place, '--redis', url, '--redis-ca', by.file);
  assert.equal(other.code, 3);
  assert.match(other.stderr, /the certificate is not accepted: hostname mismatch/);
  const address = await start(place, '--redis', `rediss://127.0.0.1:${port}`, '--redis-ca', by.file);
  assert.match(address.stderr, /the certificate is not accepted: IP address mismatch/);
  const plainPort = await freePort();
  await startRedis(t, await folder(t), '--port', `${plainPort}`);
  const plain = await start(place, '--redis', `rediss://localhost:${plainPort}`, '--redis-ca', by.file);
  assert.equal(plain.code, 3);
  assert.match(plain.stderr, /TLS: /);
  assert.ok(redis.pid);
});

test('authorities that cannot be read, or that nobody asks for, are refused', bounded, async (t) => {
  const place = await folder(t);
  const unread = await start(place, '--redis', 'rediss://localhost:1', '--redis-ca', '/nowhere.pem');
  assert.equal(unread.code, 2);
  assert.match(unread.stderr, /^hikyd: --redis-ca: \/nowhere\.pem cannot be read$/m);
  const pointless = await start(place, '--redis', 'redis://localhost:1', '--redis-ca', '/nowhere.pem');
  assert.equal(pointless.code, 2);
  assert.match(pointless.stderr, /^hikyd: --redis-ca: only rediss:\/\//);
});

// SPDX-License-Identifier: Apache-2.0
// Redis over TLS: used when its certificate is right, refused with the reason when it is not.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, runDaemon } from './support/daemon.mjs';
import { atEnd, launch, pause, program, run, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';

async function secureRedis(t, names, ...flags) {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'redis', names);
  const port = await freePort();
  const redis = await startRedis(
    t,
    place,
    '--tls-port',
    `${port}`,
    '--tls-cert-file',
    cert,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    by.file,
    '--tls-auth-clients',
    'no',
    ...flags,
  );
  return { redis, port, place, by, cert, key };
}

const ctl = (...words) => run(program('HIKYCTL', 'hikyctl'), words);
const start = (place, ...flags) => runDaemon('--listen', '127.0.0.1:0', '--redis-wait', '4', ...flags);

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

test('a Redis that wants certificates of its clients is shown one, a renewed one after a loss, and who has none is told so', bounded, async (t) => {
  const { redis, port, place, by } = await secureRedis(t, 'IP:127.0.0.1', '--tls-auth-clients', 'yes');
  const url = `rediss://127.0.0.1:${port}`;
  const mine = await certificate(place, by, 'hikyd', 'DNS:hikyd');
  const files = ['--redis-ca', by.file, '--redis-cert', mine.cert, '--redis-key', mine.key];
  const none = await start(place, '--redis', url, '--redis-ca', by.file);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /wants certificates of its clients.*--redis-cert/);
  const told = await ctl('--redis', url, ...files, 'online', '--count');
  assert.deepEqual([told.code, told.stdout], [0, '0\n'], told.stderr);

  const daemon = await daemonFor(t, { redis: url, flags: files });
  await clientAs(t, 'alice', daemon.url);
  const renewed = await certificate(place, by, 'renewed', 'DNS:renewed');
  const store = await look(t, redis.socket);
  await writeFile(mine.cert, 'neither is this a certificate');
  await store.command('CLIENT', 'KILL', 'TYPE', 'normal');
  await until(
    'the fault to be said',
    () => daemon.told.stderr.includes(`the certificate in ${mine.cert} cannot be used`),
    10_000,
  );
  await run('cp', [renewed.key, mine.key]);
  await run('cp', [renewed.cert, mine.cert]);
  await until('it to be back', async () => (await fetch(`${daemon.url}/ready`)).status === 200, 10_000);
});

test('a certificate for Redis that cannot be used is a wrong configuration', bounded, async (t) => {
  const place = await folder(t);
  const by = await authority(place);
  const [one, other] = [
    await certificate(place, by, 'one', 'DNS:one'),
    await certificate(place, by, 'other', 'DNS:other'),
  ];
  const empty = join(place, 'empty.pem');
  await writeFile(empty, '');
  const url = 'rediss://localhost:1';
  for (const [flags, fault] of [
    [
      ['--redis', url, '--redis-cert', one.cert],
      /^hiky(d|ctl): --redis-cert and --redis-key belong together; give both/,
    ],
    [
      ['--redis', url, '--redis-cert', '/nowhere.pem', '--redis-key', one.key],
      /--redis-cert: \/nowhere\.pem cannot be read/,
    ],
    [
      ['--redis', url, '--redis-cert', one.cert, '--redis-key', '/nowhere.key'],
      /--redis-key: \/nowhere\.key cannot be read/,
    ],
    [
      ['--redis', url, '--redis-cert', empty, '--redis-key', one.key],
      /the certificate in .*empty\.pem cannot be used: no start line/,
    ],
    [['--redis', url, '--redis-cert', one.cert, '--redis-key', empty], /the key in .*empty\.pem cannot be used/],
    [
      ['--redis', url, '--redis-cert', one.cert, '--redis-key', other.key],
      /other\.key cannot be used: key values mismatch/,
    ],
    [
      ['--redis', 'redis://localhost:1', '--redis-cert', one.cert, '--redis-key', one.key],
      /--redis-cert: only rediss:\/\/ has certificates/,
    ],
  ]) {
    for (const { code, stderr } of [await start(place, ...flags), await ctl(...flags, 'status')]) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, fault);
    }
  }
  const embedded = await start(place, '--data', place, '--redis-cert', one.cert, '--redis-key', one.key);
  assert.equal(embedded.code, 2);
  if (process.getuid() === 0) return; // root reads everything
  await chmod(one.key, 0);
  const closed = await start(place, '--redis', url, '--redis-cert', one.cert, '--redis-key', one.key);
  assert.deepEqual(
    [closed.code, closed.stderr.includes(`--redis-key: ${one.key} cannot be read`)],
    [2, true],
    closed.stderr,
  );
});

test('Sentinels are asked over TLS, with the certificate and login of Redis, and a failover is followed',
  { timeout: 150_000 }, async (t) => {
  const host = '127.0.0.1';
  const [replicaPort, sentinelPort] = [await freePort(), await freePort()];
  const login = [
    '--requirepass',
    'sesame',
    '--masterauth',
    'sesame',
    ...'--user hikyd on >knock ~* &* +@all'.split(' '),
  ];
  const master = await secureRedis(
    t,
    `IP:${host}`,
    '--tls-auth-clients',
    'yes',
    '--tls-replication',
    'yes',
    '--repl-diskless-sync-delay',
    '0',
    ...login,
  );
  const { place, by, cert, key } = master;
  const files = ['--redis-ca', by.file, '--redis-cert', cert, '--redis-key', key];
  const tls = (port) => [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${cert}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${by.file}`,
    'tls-auth-clients yes',
    'tls-replication yes',
  ];
  const there = await folder(t);
  const replica = await startRedis(
    t,
    there,
    ...tls(replicaPort).flatMap((line) => `--${line}`.split(' ')),
    ...login,
    '--replicaof',
    `${host} ${master.port}`,
  );
  const file = join(there, 'sentinel.conf');
  await writeFile(
    file,
    [
      ...tls(sentinelPort),
      `dir ${there}`,
      'logfile ""',
      'requirepass sesame',
      'user hikyd on >knock resetkeys resetchannels -@all +auth +sentinel|get-master-addr-by-name',
      `sentinel monitor chat ${host} ${master.port} 1`,
      'sentinel auth-pass chat sesame',
      'sentinel down-after-milliseconds chat 30000',
      '',
    ].join('\n'),
  );
  const sentinel = await launch('redis-server', [file, '--sentinel'], /Sentinel ID is/);
  atEnd(t, () => sentinel.stop());
  const cli = async (...words) => (await run('redis-cli', ['-a', 'sesame', '--no-auth-warning', ...words])).stdout;
  const watch = (...words) =>
    cli('--tls', '--cacert', by.file, '--cert', cert, '--key', key, '-p', `${sentinelPort}`, ...words);
  await until(
    'Sentinel to know the replica',
    async () => (await watch('SENTINEL', 'replicas', 'chat')).includes(`${replicaPort}`),
    30_000,
  );

  const sentinels = `${host}:1,${host}:${sentinelPort}/chat`;
  const [plain, unnamed] = [
    await start(place, '--redis', `redis+sentinel://${sentinels}`),
    await start(place, '--redis', `rediss+sentinel://${sentinels}`, ...files),
  ];
  assert.deepEqual([plain.code, unnamed.code], [3, 3]);
  assert.match(unnamed.stderr, new RegExp(`127.0.0.1:1: Connection refused; 127.0.0.1:${sentinelPort}: NOAUTH`));
  const wrong = await start(place, '--redis', `rediss+sentinel://hikyd:simsalabim@${sentinels}`, ...files);
  assert.match(
    wrong.stderr,
    new RegExp(`127.0.0.1:${sentinelPort}: wants a login, and refused that of the URL: WRONGPASS`),
  );
  const stranger = await start(
    place,
    '--redis',
    `rediss+sentinel://hikyd:knock@localhost:${sentinelPort}/chat`,
    ...files,
  );
  assert.match(
    stranger.stderr,
    new RegExp(`localhost:${sentinelPort}: TLS: the certificate is not accepted: hostname mismatch`),
  );

  const url = `rediss+sentinel://hikyd:knock@${sentinels}`;
  const daemon = await daemonFor(t, { redis: url, flags: [...files, '--redis-wait', '30'] });
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const online = await ctl('--redis', url, ...files, 'online', '--count');
  assert.deepEqual([online.code, online.stdout], [0, '1\n'], online.stderr);
  assert.match(await watch('SENTINEL', 'failover', 'chat'), /OK/);
  await until(
    'the replica to be the master',
    async () => (await cli('-s', replica.socket, 'ROLE')).startsWith('master'),
    30_000,
  );
  await until(
    'a message to be taken',
    async () => (await alice.ask({ type: 'message', roomId: 'tea', content: 'there' })).type === 'messageAck',
    30_000,
  );
  assert.equal(await cli('-s', replica.socket, '-n', '1', 'SCARD', 'ws:online_users'), '1\n');
});

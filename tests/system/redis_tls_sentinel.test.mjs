// SPDX-License-Identifier: Apache-2.0
// Sentinels over TLS: asked as Redis is, refused for the same reasons, and a failover is followed.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, launch, run, until } from './support/processes.mjs';
import { folder, freePort, startRedis } from './support/redis.mjs';
import { ctl, secureRedis, start } from './support/redis_tls.mjs';

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

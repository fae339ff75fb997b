// SPDX-License-Identifier: Apache-2.0
// Our own certificate for a Redis that asks for one: shown, renewed, and refused at start where it cannot be used.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { run, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { ctl, secureRedis, start } from './support/redis_tls.mjs';

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

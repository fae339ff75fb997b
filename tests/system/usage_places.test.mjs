// SPDX-License-Identifier: Apache-2.0
// Places that the daemon is told to use: a Redis, addresses, Unix sockets, a data folder. It says which one cannot be
// used, and takes none away from others.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { daemonFor, daemonWith, hikyd } from './support/daemon.mjs';
import { peerOf } from './support/peer.mjs';
import { run } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';
import { noRedis, refuses, runtime } from './support/refuses.mjs';

const readyAt = (socketPath) => new Promise((resolve, reject) => {
  request({ socketPath, path: '/ready' }, (answer) => resolve(answer.resume().statusCode)).once('error', reject).end();
});

test('a Redis that is not there is exit code 3', bounded, async (t) => {
  const path = join(await folder(t), 'none.sock');
  await refuses(
    noRedis,
    ['--listen', '127.0.0.1:0', '--redis', `unix://${path}`, '--redis-wait', '0.3'],
    new RegExp(path),
    /start it, or name another with --redis/,
  );
  await refuses(
    noRedis,
    ['--listen', '127.0.0.1:0', '--redis', 'redis://127.0.0.1:1', '--redis-wait', '0.3'],
    /127\.0\.0\.1:1 can't be used/,
  );
  const empty = await run(hikyd, ['--listen', '127.0.0.1:0', '--data', await folder(t)], { env: { PATH: '/nowhere' } });
  assert.equal(empty.code, noRedis);
  assert.match(empty.stderr, /^hikyd: redis-server is not in PATH: install it [^\n]*--redis URL\n$/);
});

test('a Redis that refuses us is exit code 3', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t), '--requirepass', 'secret');
  await refuses(
    noRedis,
    ['--listen', '127.0.0.1:0', '--redis', redis.url, '--redis-wait', '0.5'],
    /refused the login|NOAUTH|AUTH/,
  );
  await refuses(
    noRedis,
    ['--listen', '127.0.0.1:0', '--redis', redis.url, '--redis-wait', '0.5', '--redis-db-ws', '16'],
    /refused the login|NOAUTH|AUTH/,
  );
});

test('something else that answers at the address of Redis is exit code 3', bounded, async (t) => {
  const other = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  await refuses(
    noRedis,
    ['--listen', '127.0.0.1:0', '--redis', `redis://127.0.0.1:${other.address().port}`, '--redis-wait', '0.5'],
    /can't be used/,
  );
});

test('an address that is taken is exit code 1, and says which and what to do', bounded, async (t) => {
  const other = createServer();
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address();
  await refuses(
    runtime,
    ['--listen', `127.0.0.1:${port}`, '--data', await folder(t)],
    new RegExp(`127\\.0\\.0\\.1:${port}`),
    /another program listens there/,
    /--listen/,
  );
});

test('a port that another daemon has is not shared with it', bounded, async (t) => {
  const first = await daemonWith(t);
  await refuses(
    runtime,
    ['--listen', `127.0.0.1:${first.port}`, '--data', await folder(t)],
    /another program listens there/,
  );
  // Once that one has ended, it is free at once.
  const peer = await peerOf(t, first.port);
  await first.stop();
  await peer.ends();
  await daemonWith(t, '--listen', `127.0.0.1:${first.port}`);
});

test('a file where a socket should be is not taken away', bounded, async (t) => {
  const path = join(await folder(t), 'precious');
  await writeFile(path, 'text');
  await refuses(runtime, ['--listen', `unix:${path}`, '--data', await folder(t)], /precious/);
});

test('a Unix socket that somebody listens to is not taken away', bounded, async (t) => {
  const data = await folder(t);
  const address = ['--listen', `unix:${join(data, 'gate.sock')}`];
  const first = await daemonFor(t, { data, flags: ['--listen', '127.0.0.1:0', ...address] });
  await refuses(
    runtime,
    [...address, '--data', await folder(t)],
    /gate\.sock: Address already in use; another program listens there/,
  );
  assert.equal(await readyAt(join(data, 'gate.sock')), 200);
  await first.stop();
});

test('a data folder that can not be is exit code 1', bounded, async (t) => {
  const data = await folder(t);
  await writeFile(join(data, 'file'), '');
  await refuses(runtime, ['--listen', '127.0.0.1:0', '--data', join(data, 'file')], /--data/);
  await refuses(runtime, ['--listen', '127.0.0.1:0', '--data', join(data, 'x'.repeat(100))], /107 bytes/, /--data/);
  if (process.getuid() !== 0) {
    await mkdir(join(data, 'closed'));
    await chmod(join(data, 'closed'), 0o500);
    await refuses(
      runtime,
      ['--listen', '127.0.0.1:0', '--data', join(data, 'closed', 'in')],
      /cannot make the data folder/,
    );
  }
});

test('it listens on several addresses, Unix sockets among them', bounded, async (t) => {
  const data = await folder(t);
  const path = join(data, 'gate.sock');
  const flags = ['--listen', '127.0.0.1:0', '--listen', `unix:${path}`];
  for (let life = 0; life < 2; life += 1) {
    const daemon = await daemonFor(t, { data, flags });
    assert.equal(await readyAt(path), 200);
    // A socket that a killed daemon left behind is taken over.
    await daemon.stop('SIGKILL');
  }
});

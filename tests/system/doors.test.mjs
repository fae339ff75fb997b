// SPDX-License-Identifier: Apache-2.0
// The addresses where the daemon listens: Unix sockets that a proxy may use, and a door for operators apart from the
// door for clients.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { run } from './support/processes.mjs';
import { folder, freePort } from './support/redis.mjs';

// Over TCP or a Unix socket: { status, body }.
const ask = (where, path, headers = {}, method = 'GET') => new Promise((resolve, reject) => {
  const asked = request({ ...where, path, headers, method, agent: false }, (answer) => {
    let body = '';
    answer
      .setEncoding('utf8')
      .on('data', (text) => (body += text))
      .on('end', () => resolve({ status: answer.statusCode, body }));
  });
  asked.on('error', reject).end();
});

test('a Unix socket has the mode and group that were asked for, with any umask', bounded, async (t) => {
  const place = await folder(t);
  const [open, own] = [join(place, 'open.sock'), join(place, 'own.sock')];
  const group = (await run('id', ['-gn'])).stdout.trim();
  await daemonFor(t, {
    data: join(place, 'data'),
    flags: [
      '--listen',
      '127.0.0.1:0',
      '--listen',
      `unix:${open},mode=0660,group=${group}`,
      '--listen',
      `unix:${own},mode=0600`,
    ],
  });
  assert.equal((await stat(open)).mode & 0o777, 0o660);
  assert.equal((await stat(open)).gid, process.getgid());
  assert.equal((await stat(own)).mode & 0o777, 0o600);
  assert.equal((await ask({ socketPath: open }, '/live')).status, 200);
});

test('another group than the process’s own is given where that is allowed', { ...bounded, skip: process.getuid() !== 0 && 'root alone may' }, async (t) => {
  const place = await folder(t);
  const socket = join(place, 'proxy.sock');
  await daemonFor(t, {
    data: join(place, 'data'),
    flags: ['--listen', '127.0.0.1:0', '--listen', `unix:${socket},mode=0660,group=daemon`],
  });
  assert.equal((await stat(socket)).gid, Number((await run('getent', ['group', 'daemon'])).stdout.split(':')[2]));
});

test('a group that does not exist, or a wrong mode, ends the start with a message that helps', bounded, async (t) => {
  const place = await folder(t);
  const start = (listen) => runDaemon('--data', join(place, 'data'), '--listen', listen);
  const nobody = await start(`unix:${place}/x.sock,group=nosuchgroup`);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /hikyd: cannot give unix:\S+ to the group 'nosuchgroup': there is no such group/);
  const wrong = await start(`unix:${place}/x.sock,mode=rw`);
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /--listen: .* has a mode that is not octal, like 0660; expected HOST:PORT or unix:PATH\[,mode=OCTAL\]\[,group=NAME\]/,
  );
});

test('with --listen-admin, metrics, API and demo are on that address alone', bounded, async (t) => {
  const data = await folder(t);
  const port = await freePort();
  const socket = join(data, 'admin.sock');
  const daemon = await daemonFor(t, {
    data,
    flags: [...(await keyFile(data)), '--listen', `127.0.0.1:${port}`, '--listen-admin', `unix:${socket},mode=0600`],
  });
  const [clients, operators] = [{ host: '127.0.0.1', port: daemon.port }, { socketPath: socket }];
  const key = { authorization: `Bearer ${keys.read}` };
  for (const path of ['/live', '/ready', '/health']) {
    assert.equal((await ask(clients, path)).status, 200, path);
    assert.equal((await ask(operators, path)).status, 200, path);
  }
  for (const path of ['/', '/demo.js', '/metrics', '/api/v1/openapi.json', '/api/v1/users/online', '/api/v1/nothing']) {
    const told = await ask(clients, path, key);
    assert.deepEqual([told.status, told.body], [404, 'nothing at this path; the WebSocket is at /ws\n'], path);
  }
  assert.equal((await ask(clients, '/api/v1/rooms/tea/messages', key, 'POST')).status, 404);
  for (const path of ['/', '/metrics', '/api/v1/openapi.json', '/api/v1/users/online'])
    assert.equal((await ask(operators, path, key)).status, 200, path);
  await clientAs(t, 'alice', daemon.url);
  assert.equal(JSON.parse((await ask(operators, '/api/v1/users/online/count', key)).body).count, 1);
});

test('without --listen-admin all of them are on every address', bounded, async (t) => {
  const daemon = await daemonWith(t);
  for (const path of ['/', '/metrics', '/live', '/ready', '/health'])
    assert.equal((await ask({ host: '127.0.0.1', port: daemon.port }, path)).status, 200, path);
});

test('a door for operators expects no PROXY header', bounded, async (t) => {
  const [port, admin] = [await freePort(), await freePort()];
  await daemonWith(
    t,
    '--listen',
    `127.0.0.1:${port}`,
    '--listen-admin',
    `127.0.0.1:${admin}`,
    '--proxy-protocol',
    '--trusted-proxy',
    '192.0.2.1',
  );
  assert.equal((await ask({ host: '127.0.0.1', port: admin }, '/metrics')).status, 200);
  await assert.rejects(ask({ host: '127.0.0.1', port }, '/live'));
});

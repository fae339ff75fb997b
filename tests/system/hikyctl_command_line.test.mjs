// SPDX-License-Identifier: Apache-2.0
// The command line of hikyctl: its words, its Redis, and its refusals.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { app, ctl, fails, folder, hikyctl, json, redis, run, said, server, socket, stage, start, started, ws } from './support/hikyctl.mjs';

stage();

test('takes ids that look like options, commands or lists', async () => {
  for (const id of ['--json', '-x', 'show', '++', '[a,b]', '[]', '{}', 'a:b', '"q"', "it's", ' spaces ', '5', '-5', '%s', '💬']) {
    await ws('FLUSHALL');
    assert.equal(await said('user', 'add', '--name', '[n]', '--', id), `added ${id}\n`);
    assert.equal(await app('HGET', `hiky:user:${id}`, 'name'), '[n]');
    assert.equal((await json('user', '--', id)).id, id);
    assert.equal((await json('user', 'show', '--', id)).name, '[n]');
    assert.deepEqual((await json('room', 'add-member', '--', id, 'first', id, 'last')).added, ['first', id, 'last']);
    assert.deepEqual((await json('room', 'add-member', 'tea', 'first', '--', id)).added, ['first', id]);
    assert.equal((await json('send', '--from', 'first', '--', id, id)).roomId, id);
    assert.equal((await json('queue', '--', id)).messages[0].content, id);
  }
  assert.equal((await json('user', '[a,b]')).id, '[a,b]');
});

test('refuses ids that cannot be, with exit code 2', async () => {
  await fails(2, /'' can't be an id: it must not be empty/, 'user', '');
  await fails(2, /can't be an id: it must be at most 128 bytes/, 'room', 'x'.repeat(129));
  await fails(2, /'a\\nb' can't be an id: it must not contain control characters/, 'queue', 'a\nb');
  await fails(2, /control characters/, 'room', 'add-member', 'tea', 'fine', 'a\u0085b');
  await fails(2, /control characters/, 'send', 'tea', 'text', '--from', '\x1b[31m');
  assert.equal(await app('DBSIZE'), '0');
});

test('explains wrong usage in one line with exit code 2', async () => {
  await fails(2, /^hikyctl: a command is missing\. See: hikyctl --help$/m);
  await fails(2, /'frobnicate' is not a command/, 'frobnicate');
  await fails(2, /USER is required\. See: hikyctl user --help/, 'user');
  await fails(2, /OTHER is required\. See: hikyctl friend --help/, 'friend', 'alice');
  await fails(2, /USERS is required\. See: hikyctl room add-member --help/, 'room', 'add-member', 'tea');
  await fails(2, /'--cuont' is not an option here/, 'online', '--cuont');
  await fails(2, /'bob' is one word too many/, 'queue', 'alice', 'bob');
  await fails(2, /'alice' stands before the command 'add'/, 'user', 'alice', 'add', 'bob');
  await fails(2, /'x', from here or from HIKY_REDIS_DB_WS, is no database number/, '--redis-db-ws', 'x', 'online');
  await fails(2, /--redis and --data name two places/, '--redis', 'redis://127.0.0.1', 'online');
});

test('explains a wrong Redis URL with exit code 2', async () => {
  for (const [url, pattern] of [['http://x', /not a Redis URL/], ['redis://h:99999', /not a port/], ['redis://h/3', /--redis-db-ws/], ['unix://', /names no socket/]]) {
    const { code, err } = await run(hikyctl, ['--redis', url, 'online']);
    assert.equal(code, 2);
    assert.match(err, pattern);
  }
});

test('prints help on stdout with exit code 0', async () => {
  for (const args of [['--help'], ['room', 'add-member', '--help'], ['-h']]) assert.match(await said(...args), /Usage: /);
  assert.match(await said('--version'), /^hikyctl \d+\.\d+\.\d+\n$/);
});

test('explains with exit code 3 that Redis is not there, and the mend', async () => {
  const nowhere = await run(hikyctl, ['online'], { XDG_STATE_HOME: join(folder, 'state') });
  assert.equal(nowhere.code, 3);
  assert.equal(nowhere.err, `hikyctl: cannot connect to unix://${folder}/state/hiky/redis.sock: No such file or directory; ` +
    'expected the embedded Redis of a running hikyd there: start hikyd, or name another Redis with --redis URL\n');
});

test('gives up on a Redis that hangs within seconds, with exit code 3', async () => {
  server.kill('SIGSTOP');
  try {
    const begin = Date.now();
    const { code, err } = await ctl('online');
    assert.equal(code, 3, err);
    assert.ok(Date.now() - begin < 6000);
  } finally {
    server.kill('SIGCONT');
  }
});

test('finds its Redis by flag, environment or data folder', async () => {
  await ws('SADD', 'ws:online_users', 'alice');
  for (const [args, env] of [
    [['--redis', `unix://${socket}`], { HIKY_REDIS: 'redis://127.0.0.1:1' }],
    [[], { HIKY_REDIS: `unix://${socket}`, HIKY_DATA: '/nowhere' }],
    [[], { HIKY_DATA: folder }],
    [['--redis', 'embedded', '--data', folder], {}],
    [['--data', folder], { HIKY_REDIS: 'redis://127.0.0.1:1' }],
  ]) {
    assert.deepEqual(await run(hikyctl, [...args, 'online'], env), { code: 0, out: 'alice\n', err: '' });
  }
});

test('uses the databases it is told to', async () => {
  await redis(5, 'SADD', 'ws:online_users', 'eve');
  assert.equal(await said('--redis-db-ws', '5', 'online'), 'eve\n');
  assert.equal((await run(hikyctl, ['--data', folder, 'online'], { HIKY_REDIS_DB_WS: '5' })).out, 'eve\n');
  await said('--redis-db-app', '7', '--redis-db-ws', '5', 'room', 'add-member', 'tea', 'eve');
  assert.equal(await redis(7, 'SMEMBERS', 'hiky:room_members:tea'), 'eve');
  assert.equal(await redis(5, 'SMEMBERS', 'ws:room_members:tea'), 'eve');
  await fails(3, /refused the login: ERR DB index is out of range/, '--redis-db-ws', '99', 'online');
});

test('logs in, and never shows the password', async () => {
  const finder = createServer().listen(0, '127.0.0.1');
  await once(finder, 'listening');
  const { port } = finder.address();
  finder.close();
  await started(start('redis-server', ['--bind', '127.0.0.1', '--port', `${port}`, '--requirepass', 's3cret', '--dir', folder, '--save', '']),
    '-p', `${port}`, '--no-auth-warning', '-a', 's3cret');
  const status = await run(hikyctl, ['status', '--json'], { HIKY_REDIS: `redis://:s3cret@127.0.0.1:${port}` });
  assert.equal(status.code, 0, status.err);
  assert.equal(JSON.parse(status.out).redis.address, `redis://127.0.0.1:${port}`);
  const wrong = await run(hikyctl, ['status'], { HIKY_REDIS: `redis://:wr0ng@127.0.0.1:${port}` });
  assert.equal(wrong.code, 3);
  assert.match(wrong.err, /refused the login: WRONGPASS.*check user, password/);
  assert.doesNotMatch(wrong.err, /wr0ng/);
});

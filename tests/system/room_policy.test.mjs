// SPDX-License-Identifier: Apache-2.0
// The policies that let users into a room; only members publish, type and read there.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { matches } from './support/match.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const join_ = (client, room) => client.ask({ type: 'joinRoom', roomId: room });
const forbidden = (message) => ({ type: 'error', code: 'forbidden', message });
const inside = { type: 'joinedRoom' };

// The application's side: answers by `decide`, and keeps the questions.
async function application(t, decide) {
  const asked = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', () => {
      const question = { method: request.method, key: request.headers.authorization, ...JSON.parse(body) };
      asked.push(question);
      const status = decide(question);
      if (status) response.writeHead(status).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    asked,
    server,
    url: `http://127.0.0.1:${server.address().port}/may`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}

test('without a policy anybody identified may enter, and only members publish, type and read', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const [alice, mallory] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'mallory', daemon.url)];
  matches(inside, await join_(alice, 'tea'));
  matches({ type: 'messageAck' }, await alice.ask({ type: 'message', roomId: 'tea', content: 'among us' }));
  for (const frame of [{ type: 'message', content: 'x' }, { type: 'typing', isTyping: true }, { type: 'history' }]) {
    matches({ type: 'error', code: 'not_member' }, await mallory.ask({ ...frame, roomId: 'tea' }));
  }
  assert.deepEqual(await alice.rest(), []);
  matches(inside, await join_(mallory, 'tea'));
  matches({ type: 'leftRoom' }, await mallory.ask({ type: 'leaveRoom', roomId: 'tea' }));
  matches({ type: 'error', code: 'not_member' }, await mallory.ask({ type: 'history', roomId: 'tea' }));
});

test('a user’s status is for friends only', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data });
  const directory = await look(t, join(data, 'redis.sock'), 0);
  for (const [one, other] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ])
    await directory.command('SADD', `hiky:user_friends:${one}`, other);
  const bob = await clientAs(t, 'bob', daemon.url, { fields: { events: true } });
  const mallory = await clientAs(t, 'mallory', daemon.url, { fields: { events: true } });
  const alice = await clientAs(t, 'alice', daemon.url);
  await bob.hears({ type: 'friendOnline', userId: 'alice' });
  matches(
    { type: 'onlineStatus', friends: [] },
    await mallory.ask({ type: 'getOnlineStatus', userIds: ['alice', 'bob'] }),
  );
  matches(
    { type: 'onlineStatus', friends: [{ id: 'alice', isOnline: true }] },
    await bob.ask({ type: 'getOnlineStatus' }),
  );
  await alice.leaves();
  await bob.hears({ type: 'friendOffline', userId: 'alice' });
  assert.deepEqual(await mallory.rest(), []);
});

test('members: only a user who is a member already may enter', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: ['--room-policy', 'members'] });
  const [app, state] = [await look(t, join(data, 'redis.sock'), 0), await look(t, join(data, 'redis.sock'), 1)];
  await app.command('SADD', 'hiky:user_rooms:alice', 'tea');
  await state.command('SADD', 'ws:room_members:tea', 'bob');
  for (const user of ['alice', 'bob']) matches(inside, await join_(await clientAs(t, user, daemon.url), 'tea'));
  const mallory = await clientAs(t, 'mallory', daemon.url);
  matches(forbidden('only members may enter this room'), await join_(mallory, 'tea'));
  matches({ type: 'error', code: 'not_member' }, await mallory.ask({ type: 'message', roomId: 'tea', content: 'x' }));
  await app.command('SADD', 'hiky:user_rooms:mallory', 'tea');
  matches(inside, await join_(mallory, 'tea'));
});

test('token: only rooms that the token names, and none without', bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data);
  const daemon = await daemonFor(t, {
    data,
    flags: ['--auth', 'jwt', '--jwt-key', app.file, '--room-policy', 'token'],
  });
  const as = async (claims) => {
    const client = await clientAs(t, undefined, daemon.url);
    matches({ type: 'registered' }, await client.ask({ type: 'register', token: await app.token('alice', claims) }));
    return client;
  };
  const some = await as({ rooms: ['team:*'] });
  matches(inside, await join_(some, 'team:red'));
  matches(forbidden('your token is not for this room'), await join_(some, 'tea'));
  const none = await as({});
  matches(forbidden('your token is not for this room'), await join_(none, 'team:red'));
  matches(
    { type: 'refreshed' },
    await none.ask({ type: 'refresh', token: await app.token('alice', { rooms: ['tea'] }) }),
  );
  matches(inside, await join_(none, 'tea'));
  // And a refresh takes away rooms that the new token does not name.
  matches(
    { type: 'refreshed' },
    await none.ask({ type: 'refresh', token: await app.token('alice', { rooms: ['cake'] }) }),
  );
  matches(
    forbidden('your token is not for this room'),
    await none.ask({ type: 'message', roomId: 'tea', content: 'x' }),
  );
});

test('hook: the application is asked, and its answers are kept for a while', bounded, async (t) => {
  const data = await folder(t);
  await writeFile(join(data, 'key'), 'the key of the hook\n');
  const app = await application(t, ({ userId, roomId }) =>
    roomId === 'tea' && userId === 'alice' ? 204 : roomId === 'cake' ? 200 : 403,
  );
  const daemon = await daemonFor(t, {
    data,
    flags: ['--room-policy', 'hook', '--room-hook', app.url, '--room-hook-key', join(data, 'key')],
  });
  const alice = await clientAs(t, 'alice', daemon.url);
  matches(inside, await join_(alice, 'tea'));
  assert.deepEqual(app.asked, [
    { method: 'POST', key: 'Bearer the key of the hook', userId: 'alice', roomId: 'tea', action: 'join' },
  ]);
  matches(inside, await join_(alice, 'tea'));
  assert.equal(app.asked.length, 1, 'a yes that is kept');
  const mallory = await clientAs(t, 'mallory', daemon.url);
  matches(forbidden('you may not enter this room'), await join_(mallory, 'tea'));
  matches(forbidden('you may not enter this room'), await join_(mallory, 'tea'));
  assert.equal(app.asked.length, 2, 'a no that is kept');
  matches({ type: 'error', code: 'not_member' }, await mallory.ask({ type: 'history', roomId: 'tea' }));
  matches(inside, await join_(mallory, 'cake'));
  const cache = await look(t, join(data, 'redis.sock'), 2);
  const keys = (await cache.command('KEYS', '*')).sort();
  assert.deepEqual(keys, [
    'hiky:room_hook:5:alice:tea',
    'hiky:room_hook:7:mallory:cake',
    'hiky:room_hook:7:mallory:tea',
  ]);
  assert.ok((await cache.command('TTL', keys[0])) > 5);
  assert.ok((await cache.command('TTL', keys[2])) <= 5);
});

test('hook: while there is no clear answer nobody is let in, and told to try again', bounded, async (t) => {
  const unavailable = { type: 'error', code: 'unavailable', retryable: true };
  let status = 500;
  const app = await application(t, () => status);
  const daemon = await daemonWith(t, '--room-policy', 'hook', '--room-hook', app.url, '--room-hook-timeout', '300');
  const alice = await clientAs(t, 'alice', daemon.url);
  for (status of [500, 404, 401, 302, 0]) matches(unavailable, await join_(alice, 'tea')); // 0: never answers
  matches({ type: 'error', code: 'not_member' }, await alice.ask({ type: 'message', roomId: 'tea', content: 'x' }));
  assert.match(daemon.told.stderr, /room\.unjudged .*status 500/);
  assert.match(daemon.told.stderr, /room\.unjudged .*no answer within 300 ms/);
  status = 204;
  matches(inside, await join_(alice, 'tea'));
  app.close();
  matches(unavailable, await until('the hook to be gone', async () => {
    const answer = await join_(alice, 'cake');
    return answer.type === 'error' && answer;
  }));
  matches(inside, await join_(alice, 'tea')); // known already
});

test('policies that cannot work stop the start', bounded, async (t) => {
  const data = await folder(t);
  await writeFile(join(data, 'two'), 'one\ntwo\n');
  for (const [flags, message] of [
    [['--room-policy', 'token'], /--room-policy token: only tokens name rooms; add --auth jwt/],
    [['--room-policy', 'hook'], /--room-policy hook: there is nobody to ask; add --room-hook/],
    [['--room-policy', 'hook', '--room-hook', 'tea'], /--room-hook: 'tea' is not a web address/],
    [['--room-hook', 'http://127.0.0.1/'], /--room-hook and --room-hook-key are for --room-policy hook/],
    [['--room-policy', 'hook', '--room-hook', 'http://u:p@127.0.0.1/'], /login data is not possible/],
    [
      ['--room-policy', 'hook', '--room-hook', 'http://127.0.0.1/', '--room-hook-key', join(data, 'two')],
      /has 2 lines; expected one key/,
    ],
  ]) {
    const { code, stderr } = await runDaemon('--data', data, ...flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

test('one user who asks to enter many rooms is no flood for the application, and its connections are used again',
  bounded, async (t) => {
  const app = await application(t, () => 204);
  let connections = 0;
  app.server.on('connection', () => (connections += 1));
  const daemon = await daemonWith(
    t,
    '--room-policy',
    'hook',
    '--room-hook',
    app.url,
    '--workers',
    '1',
    '--limit-rooms',
    '2000',
  );
  const users = await Promise.all(['a', 'b'].map(() => clientAs(t, 'mallory', daemon.url)));
  const until_ = Date.now() + 4_000;
  await Promise.all(users.map(async (client, which) => {
    for (let n = 0; Date.now() < until_; n += 1) matches(inside, await join_(client, `${which} ${n}`));
  }));
  assert.ok(app.asked.length >= 200 && app.asked.length <= 200 + 20 * 6, `${app.asked.length} questions`);
  assert.ok(connections <= 8, `${connections} connections`);
  matches(inside, await join_(await clientAs(t, 'alice', daemon.url), 'tea'));
});

test('lines that a client causes in the log are written a hundred times, and then counted', bounded, async (t) => {
  const app = await application(t, () => 500);
  const daemon = await daemonWith(t, '--room-policy', 'hook', '--room-hook', app.url, '--rate-refusals', '0');
  const users = await Promise.all(Array.from({ length: 4 }, (_, n) => clientAs(t, `user ${n}`, daemon.url)));
  await Promise.all(users.map(async (client) => {
    for (let n = 0; n < 100; n += 1) matches({ type: 'error', code: 'unavailable' }, await join_(client, 'tea'));
  }));
  const written = () => daemon.told.stderr.match(/warning room\.unjudged /g).length;
  const leftOut = () =>
    [...daemon.told.stderr.matchAll(/log\.left_out event=room\.unjudged lines=(\d+)/g)].reduce(
      (sum, [, lines]) => sum + Number(lines),
      0,
    );
  await until('the rest to be counted', () => written() + leftOut() === 400);
  assert.ok(written() >= 100 && written() < 200, `${written()} lines`);
});

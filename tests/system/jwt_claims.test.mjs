// SPDX-License-Identifier: Apache-2.0
// The claims of a token count: its user, its end, and its rooms.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { connects, jwtDaemon } from './support/jwt.mjs';
import { matches } from './support/match.mjs';
import { bounded as within } from './support/processes.mjs';
import { look } from './support/redis.mjs';
import { bearer } from './support/tokens.mjs';

test('a connection ends with its token, unless that is refreshed in time', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t);
  const open = async (life) => {
    const client = await clientAs(t, undefined, daemon.url, bearer(await app.token('alice', { life })));
    matches({ type: 'registered', userId: 'alice' }, await client.ask({ type: 'register' }));
    return client;
  };
  const [ends, stays, fails] = await Promise.all([open(3), open(3), open(3)]);
  matches(
    { type: 'refreshed', expiresAt: '$time' },
    await stays.ask({ type: 'refresh', token: await app.token('alice', { life: 600 }) }),
  );
  matches({ type: 'error', code: 'unauthorized' }, await fails.ask({ type: 'refresh', token: 'tea' }));
  matches({ type: 'error', code: 'invalid_argument' }, await fails.ask({ type: 'refresh' }));
  for (const client of [ends, fails]) {
    const { code, reason } = await within('the end of the token', client.closed, 10_000);
    assert.deepEqual([code, reason], [4401, 'your token or session has expired; connect again with a new one']);
  }
  matches({ type: 'pong' }, await stays.ask({ type: 'ping' }));
});

test('a token for some rooms opens no other, though its user is a member there', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t, ['--grace', '0']);
  const full = async (user) => {
    const client = await clientAs(t, undefined, daemon.url, bearer(await app.token(user)));
    matches({ type: 'registered' }, await client.ask({ type: 'register' }));
    return client;
  };
  const bob = await full('bob');
  const alice = await full('alice');
  for (const client of [alice, bob])
    for (const room of ['tea', 'cake'])
      matches({ type: 'joinedRoom' }, await client.ask({ type: 'joinRoom', roomId: room }));
  await alice.leaves();
  // The mail of alice is partly from cake, which the next token is not for.
  for (const room of ['tea', 'cake'])
    matches({ type: 'messageAck' }, await bob.ask({ type: 'message', roomId: room, content: `early in ${room}` }));

  const narrow = await clientAs(t, undefined, daemon.url, bearer(await app.token('alice', { rooms: ['te*'] })));
  matches({ type: 'registered', rooms: ['tea'] }, await narrow.ask({ type: 'register' }));
  await narrow.hears({ type: 'offlineMessages', count: 1, messages: [{ content: 'early in tea' }] });
  const forbidden = { type: 'error', code: 'forbidden', message: 'your token is not for this room' };
  for (const frame of [
    { type: 'joinRoom' },
    { type: 'leaveRoom' },
    { type: 'message', content: 'x' },
    { type: 'typing', isTyping: true },
    { type: 'history' },
    { type: 'participants' },
  ]) {
    matches(forbidden, await narrow.ask({ ...frame, roomId: 'cake' }));
  }
  for (const room of ['cake', 'tea'])
    matches({ type: 'messageAck' }, await bob.ask({ type: 'message', roomId: room, content: `late in ${room}` }));
  await narrow.hears({ type: 'message', roomId: 'tea', content: 'late in tea' });
  assert.deepEqual(await narrow.rest(), []);

  // The narrow one takes what it may read. All else waits, what was said while it was there too.
  const again = await clientAs(t, undefined, daemon.url, bearer(await app.token('alice')));
  matches({ type: 'registered' }, await again.ask({ type: 'register' }));
  const mail = await again.hears({ type: 'offlineMessages' });
  assert.deepEqual(mail.messages.map(({ content }) => content), ['early in cake', 'late in cake']);
});

test('names in the token stand in where the directory says nothing', bounded, async (t) => {
  const { app, data, daemon } = await jwtDaemon(t);
  const directory = await look(t, join(data, 'redis.sock'), 0);
  await directory.command('SADD', 'hiky:user_friends:alice', 'bob');
  await directory.command('SADD', 'hiky:user_friends:bob', 'alice');
  const bob = await clientAs(t, undefined, daemon.url, bearer(await app.token('bob')));
  await bob.ask({ type: 'register' });
  const alice = await clientAs(
    t,
    undefined,
    daemon.url,
    bearer(await app.token('alice', { name: 'Alice L.', username: 'al' })),
  );
  await alice.ask({ type: 'register' });
  await bob.hears({
    type: 'friendOnline',
    userId: 'alice',
    user: { id: 'alice', username: 'al', name: 'Alice L.', profileImage: '' },
  });
});

test('a token names its user where the operator says, by text or number', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t, ['--jwt-user-claim', 'account.number']);
  const by = async (claims, first = { type: 'register' }) =>
    (await connects(t, daemon.url + '/ws', ['hiky.v1', `bearer.${await app.token('sub', claims)}`], {}, first)).frame();
  matches({ type: 'registered', userId: '17' }, await by({ account: { number: 17 } }));
  matches({ type: 'registered', userId: 'x-17' }, await by({ account: { number: 'x-17' } }));
  matches(
    { type: 'error', code: 'forbidden' },
    await by({ account: { number: 17 } }, { type: 'register', userId: 'sub' }),
  );
  const nobody = await clientAs(t, undefined, daemon.url);
  matches(
    { type: 'error', code: 'unauthorized', message: 'the token is refused: it names no user; expected account.number' },
    await nobody.ask({ type: 'register', token: await app.token('sub') }),
  );
});

test('a token without exp is taken where the operator allows it, and holds a connection for a day',
  bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t, ['--jwt-require-exp', 'false']);
  const alice = await connects(t, daemon.url + '/ws', [], bearer(await app.token('alice', { exp: undefined })), {
    type: 'register',
  });
  const registered = await alice.frame();
  matches({ type: 'registered', userId: 'alice', expiresAt: '$time' }, registered);
  const left = Date.parse(registered.expiresAt) - Date.now();
  assert.ok(Math.abs(left - 24 * 3_600_000) < 60_000, `${left} ms`);
  const strict = await jwtDaemon(t);
  const refused = await connects(
    t,
    strict.daemon.url + '/ws',
    [],
    bearer(await strict.app.token('alice', { exp: undefined })),
  );
  matches({ code: 4401, reason: 'the token is refused: it never expires; expected exp' }, await refused.closed());
});

test('a token whose end is in milliseconds is told so', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t);
  const alice = await connects(
    t,
    daemon.url + '/ws',
    [],
    bearer(await app.token('alice', { exp: Date.now() + 60_000 })),
  );
  matches(
    { code: 4401, reason: 'the token is refused: exp is too large for seconds since 1970; is it in milliseconds?' },
    await alice.closed(),
  );
});

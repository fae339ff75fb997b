// SPDX-License-Identifier: Apache-2.0
// Identity by session: the cookies and sessions of express-session and connect-redis, as those packages write them.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { runDaemon } from './support/daemon.mjs';
import { loginApp } from './support/login_app.mjs';
import { isLoggedIn, isRefused, open, secret, site } from './support/login_site.mjs';
import { matches } from './support/match.mjs';
import { bounded as within, until } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

test('who is logged in to the application is who that is in the chat', bounded, async (t) => {
  const { app, daemon } = await site(t);
  const alices = await app.visit('/login/alice');
  const { client, answer } = await isLoggedIn(t, daemon, alices, 'alice');
  // Sessions without an end of their own live a day in Redis.
  const hours = (new Date(answer.expiresAt) - Date.now()) / 3_600_000;
  assert.ok(hours > 23 && hours <= 24, answer.expiresAt);
  matches({ type: 'error', code: 'forbidden' }, await client.ask({ type: 'joinRoom', roomId: 'tea', userId: 'bob' }));
  await isLoggedIn(t, daemon, `theme=dark; ${await app.visit('/login/bob')}; a=b`, 'bob');
  const nobody = await clientAs(t, undefined, daemon.url);
  const refusal = await nobody.ask({ type: 'register', userId: 'alice' });
  matches({ type: 'error', code: 'unauthorized' }, refusal);
  assert.match(refusal.message, /needs a session: log in first/);
});

test('what is no login is refused', bounded, async (t) => {
  const { app, daemon } = await site(t);
  const alices = await app.visit('/login/alice');
  await isRefused(t, daemon, await app.visit('/'), /nobody is logged in/);
  await isRefused(
    t,
    daemon,
    alices.slice(0, -1) + (alices.endsWith('A') ? 'B' : 'A'),
    /not one that the application has signed/,
  );
  await isRefused(t, daemon, alices.replace('s%3A', ''), /not one that the application has signed/);
  await isRefused(t, daemon, 'connect.sid=tea', /not one that the application has signed/);
  const elsewhere = await loginApp(t, (await startRedis(t, await folder(t))).socket, { secret });
  await isRefused(t, daemon, await elsewhere.visit('/login/alice'), /it is over; log in again/);
  const forger = await loginApp(t, (await startRedis(t, await folder(t))).socket, {
    secret: 'another secret of theirs',
  });
  await isRefused(t, daemon, await forger.visit('/login/alice'), /not one that the application has signed/);
  await isLoggedIn(t, daemon, alices, 'alice');
  await app.visit('/logout', alices);
  await isRefused(t, daemon, alices, /it is over; log in again/);
});

test('huge and strange cookies are no login, and one good one among them is', bounded, async (t) => {
  const { app, daemon } = await site(t);
  const alices = await app.visit('/login/alice');
  const signature = alices.slice(alices.indexOf('.', alices.indexOf('s%3A')));
  for (const cookie of [
    `connect.sid=s%3A${'x'.repeat(12_000)}${signature}`,
    `connect.sid=s%3A${'%2e'.repeat(3_000)}`,
    `connect.sid=s%3A${signature}`,
    'connect.sid=s%3A%00.%00',
    'connect.sid=s%3',
    `connect.sid=${'.'.repeat(8_000)}`,
  ]) {
    await isRefused(t, daemon, cookie, /not one that the application has signed/);
  }
  await assert.rejects(open(t, daemon, `connect.sid=s%3A${'x'.repeat(17_000)}`), /431/);
  await isLoggedIn(t, daemon, `${'a=b; '.repeat(2_000)}${alices}`, 'alice');
});

test('secrets can be changed without anybody having to log in again', bounded, async (t) => {
  const { app, daemon } = await site(t, { secrets: ['the secret of from now on', 'the secret of until today'] });
  await isLoggedIn(t, daemon, await app.visit('/login/alice'), 'alice');
});

test('names, prefixes and paths are the application’s choice', bounded, async (t) => {
  const { app, daemon } = await site(t, {
    name: 'sid', prefix: 'shop:', remember: (s, user) => (s.account = { number: Number(user) }),
    flags: ['--session-cookie', 'sid', '--session-prefix', 'shop:', '--session-user-path', 'account.number'],
  });
  await isLoggedIn(t, daemon, await app.visit('/login/42'), '42');
});

test('while Redis is away nobody is let in, and told to come again', bounded, async (t) => {
  const { app, daemon, redis } = await site(t);
  const alices = await app.visit('/login/alice');
  await isLoggedIn(t, daemon, alices, 'alice');
  redis.signal('SIGSTOP');
  try {
    await assert.rejects(open(t, daemon, alices), /503/);
  } finally {
    redis.signal('SIGCONT');
  }
  await until('logins to work again', () => isLoggedIn(t, daemon, alices, 'alice').catch(() => false));
});

test('with tokens on as well, a cookie of no use stands in nobody’s way', bounded, async (t) => {
  const data = await folder(t);
  const tokens = await issuer(data);
  const { app, daemon } = await site(t, { flags: ['--auth', 'jwt', '--jwt-key', tokens.file] });
  const client = await open(t, daemon, await app.visit('/'));
  matches(
    { type: 'registered', userId: 'alice' },
    await client.ask({ type: 'register', token: await tokens.token('alice') }),
  );
  await isLoggedIn(t, daemon, await app.visit('/login/bob'), 'bob');
  // A token is on purpose: it counts before the cookie, also when it is refused.
  const both = await clientAs(t, undefined, daemon.url, {
    headers: { cookie: await app.visit('/login/bob'), authorization: 'Bearer tea' },
  });
  assert.equal((await within('the refusal', both.closed)).code, 4401);
});

test('secrets that cannot be relied on stop the start', bounded, async (t) => {
  const data = await folder(t);
  await writeFile(join(data, 'short'), 'long enough, this one\ncats\n');
  await writeFile(join(data, 'blank'), '\n\n');
  for (const [flags, message] of [
    [['--auth', 'session'], /--auth session: there is no secret to check cookies with; add --session-secret/],
    [['--session-secret', join(data, 'short')], /--session-secret is for --auth session/],
    [
      ['--auth', 'session', '--session-secret', join(data, 'short')],
      /--session-secret: a secret of 4 bytes can be guessed; expected at least 8/,
    ],
    [['--auth', 'session', '--session-secret', join(data, 'blank')], /holds no secret/],
    [['--auth', 'session', '--session-secret', join(data, 'absent')], /--session-secret: there is no such file/],
  ]) {
    const { code, stderr } = await runDaemon('--data', data, ...flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

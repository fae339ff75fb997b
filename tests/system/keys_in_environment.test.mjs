// SPDX-License-Identifier: Apache-2.0
// Keys and secrets from variables of the environment, as containers get them: they count like files, and no output
// shows them.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Api, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, hikyd } from './support/daemon.mjs';
import { loginApp } from './support/login_app.mjs';
import { matches } from './support/match.mjs';
import { program, run, until } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

// Neither its arguments nor its log hold `secret`.
async function keepsToItself(daemon, secret) {
  assert.ok(!daemon.told.stderr.includes(secret), 'the log shows it');
  assert.ok(!(await readFile(`/proc/${daemon.pid}/cmdline`, 'utf8')).includes(secret), 'ps shows it');
}

async function takesTokens(t, option, key, token) {
  const daemon = await daemonFor(t, {
    data: await folder(t),
    flags: ['--auth', 'jwt', option, 'env:TOKEN_KEY'],
    env: { TOKEN_KEY: key },
  });
  const alice = await clientAs(t, undefined, daemon.url);
  matches({ type: 'registered', userId: 'alice' }, await alice.ask({ type: 'register', token }));
  const forger = await issuer(await folder(t));
  const mallory = await clientAs(t, undefined, daemon.url);
  matches(
    { type: 'error', code: 'unauthorized' },
    await mallory.ask({ type: 'register', token: await forger.token('alice') }),
  );
  await keepsToItself(daemon, key);
}

for (const algorithm of ['HS256', 'ES256']) {
  test(`tokens are checked with a key from the environment: ${algorithm}`, bounded, async (t) => {
    const app = await issuer(await folder(t), algorithm);
    await takesTokens(t, '--jwt-key', await readFile(app.file, 'utf8'), await app.token('alice'));
  });
}

test('tokens are checked with a JWKS from the environment', bounded, async (t) => {
  const app = await issuer(await folder(t), 'EdDSA', 'first');
  await takesTokens(t, '--jwks', JSON.stringify({ keys: [await app.jwk()] }), await app.token('alice'));
});

test('session cookies are checked with secrets from the environment, any of which counts', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const secret = 'a secret for the cookies';
  const daemon = await daemonFor(t, {
    redis: redis.url, flags: ['--auth', 'session'],
    env: { HIKY_SESSION_SECRET: 'env:COOKIE_SECRETS', COOKIE_SECRETS: `a newer secret\n${secret}` },
  });
  const cookie = await (await loginApp(t, redis.socket, { secret })).visit('/login/alice');
  const alice = await clientAs(t, undefined, daemon.url, { headers: { cookie } });
  matches({ type: 'registered', userId: 'alice' }, await alice.ask({ type: 'register' }));
  await keepsToItself(daemon, secret);
});

test('API keys come from the environment for hikyd and hikyctl, and SIGHUP changes nothing about them',
  bounded, async (t) => {
  const env = { API_KEYS: `${keys.all}\n${keys.read} read` };
  const daemon = await daemonFor(t, { data: await folder(t), flags: ['--api-key-file', 'env:API_KEYS'], env });
  const status = async (key, ...call) => (await new Api(daemon, key).call(...call)).status;
  const judge = async () => [
    await status(keys.all, 'GET', '/users/online'),
    await status(keys.read, 'PUT', '/rooms/tea/members/al'),
    await status('x', 'GET', '/clients'),
  ];
  assert.deepEqual(await judge(), [200, 403, 401]);
  daemon.signal('SIGHUP');
  await until('SIGHUP to be heard', () => /api_keys\.loaded keys=2/.test(daemon.told.stderr));
  assert.deepEqual(await judge(), [200, 403, 401]);
  const told = await run(
    program('HIKYCTL', 'hikyctl'),
    ['--url', daemon.url, '--api-key-file', 'env:API_KEYS', 'online', '--count'],
    { env },
  );
  assert.deepEqual([told.code, told.stdout], [0, '0\n'], told.stderr);
  await keepsToItself(daemon, keys.all);
});

test('a variable that is missing, empty or wrong stops the start, and its text is not told', bounded, async (t) => {
  const env = { SHORT: 'seven b', EMPTY: '', KEYS: 'short' };
  for (const [flags, fault] of [
    [
      ['--auth', 'jwt', '--jwt-key', 'env:NONE'],
      /^hikyd: --jwt-key: the environment has no variable NONE; set it for this program, or name a file$/m,
    ],
    [['--auth', 'jwt', '--jwt-key', 'env:EMPTY'], /^hikyd: --jwt-key: the variable EMPTY is empty$/m],
    [
      ['--auth', 'jwt', '--jwt-key', 'env:SHORT'],
      /^hikyd: --jwt-key: 'env:SHORT': a secret of 7 bytes can be guessed; expected at least 32$/m,
    ],
    [['--auth', 'jwt', '--jwks', 'env:SHORT'], /^hikyd: --jwks: 'env:SHORT': not a JWKS/m],
    [
      ['--auth', 'session', '--session-secret', 'env:SHORT'],
      /^hikyd: --session-secret: a secret of 7 bytes can be guessed; expected at least 8$/m,
    ],
    [
      ['--api-key-file', 'env:KEYS'],
      /^hikyd: --api-key-file: env:KEYS: line 1: the key is shorter than 16 characters/m,
    ],
    [['--api-key-file', 'env:'], /^hikyd: --api-key-file: 'env:' names no variable; expected env:NAME$/m],
  ]) {
    const { code, stderr } = await run(hikyd, ['--check-config', ...flags], { env });
    assert.equal(code, 2, stderr);
    assert.match(stderr, fault);
    assert.doesNotMatch(stderr, /seven b/);
  }
});

test('a secret that stands where its place belongs is refused without being repeated', bounded, async () => {
  const env = { HIKY_AUTH: 'session', HIKY_SESSION_SECRET: 'a secret for the cookies' };
  const { code, stderr, stdout } = await run(hikyd, ['--print-config'], { env });
  assert.equal(code, 2);
  assert.match(stderr, /--session-secret: there is no such file; expected a file's name, or env:NAME/);
  assert.doesNotMatch(stderr + stdout, /for the cookies/);
});

test('the configuration shows the name of the variable, and never its value', bounded, async (t) => {
  const file = `${await folder(t)}/hikyd.toml`;
  await writeFile(file, 'auth = ["session"]\nsession-secret = "env:COOKIE_SECRETS"\n');
  const { code, stdout, stderr } = await run(hikyd, ['--config', file, '--print-config'], {
    env: { COOKIE_SECRETS: 'a secret for the cookies' },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^session-secret = "env:COOKIE_SECRETS"$/m);
  assert.doesNotMatch(stdout + stderr, /for the cookies/);
});

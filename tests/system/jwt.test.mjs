// SPDX-License-Identifier: Apache-2.0
// Identity by tokens of the application: where a client may put one, which are refused, and that nobody gets past them.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { runDaemon } from './support/daemon.mjs';
import { connects, jwtDaemon } from './support/jwt.mjs';
import { matches } from './support/match.mjs';
import { folder } from './support/redis.mjs';
import { bearer, issuer } from './support/tokens.mjs';

test('a token is taken wherever a client can put one, and register needs no userId then', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t);
  const token = await app.token('alice');
  const ways = {
    header: ['/ws', [], bearer(token)],
    query: [`/ws?room=tea&token=${token}`, [], {}],
    subprotocol: ['/ws', ['hiky.v1', `bearer.${token}`], {}],
    frame: ['/ws', [], {}, { token }],
  };
  for (const [way, [path, protocols, options, fields]] of Object.entries(ways)) {
    await t.test(way, bounded, async (t) => {
      const client = await connects(t, daemon.url + path, protocols, options, { type: 'register', ...fields });
      assert.equal(client.protocol, way === 'subprotocol' ? 'hiky.v1' : '');
      matches({ type: 'registered', userId: 'alice', expiresAt: '$time' }, await client.frame());
    });
  }
});

for (const algorithm of ['HS256', 'HS384', 'HS512', 'RS256', 'ES256', 'EdDSA']) {
  test(`tokens of the application's own library are understood: ${algorithm}`, bounded, async (t) => {
    const { app, daemon } = await jwtDaemon(t, [], algorithm);
    const alice = await clientAs(t, undefined, daemon.url, bearer(await app.token('alice')));
    matches({ type: 'registered', userId: 'alice' }, await alice.ask({ type: 'register' }));
    const forger = await issuer(await folder(t), algorithm);
    const mallory = await clientAs(t, undefined, daemon.url);
    matches(
      { type: 'error', code: 'unauthorized', message: 'the token is refused: its signature is wrong' },
      await mallory.ask({ type: 'register', token: await forger.token('alice') }),
    );
  });
}

test('a refused token in the handshake closes with 4401 and the reason, which pages can read', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t, ['--jwt-audience', 'chat', '--jwt-issuer', 'us']);
  const us = { aud: 'chat', iss: 'us' };
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ sub: 'alice', exp: 4e9, ...us })).toString('base64url')}.`;
  const cases = [
    [await app.token('alice', { ...us, life: -1 }), 'it has expired'],
    [await app.token('alice', { ...us, nbf: Math.floor(Date.now() / 1000) + 60 }), 'it is not valid yet (nbf)'],
    [await app.token('alice', { ...us, aud: 'mail' }), 'it is for another audience (aud)'],
    [await app.token('alice', { ...us, iss: 'them' }), 'it is from another issuer (iss)'],
    [`${(await app.token('alice', us)).slice(0, -4)}AAAA`, 'its signature is wrong'],
    [none, 'its algorithm is not one of HS256, HS384, HS512, RS256, ES256 and EdDSA'],
    ['tea', 'it is not a signed JWT: expected three parts with dots between them'],
    [await app.token('alice', { ...us, more: 'x'.repeat(8_192) }), 'it is longer than 8192 bytes'],
  ];
  for (const [token, reason] of cases) {
    const refused = await connects(t, `${daemon.url}/ws`, [], bearer(token));
    assert.deepEqual(await refused.closed(), { code: 4401, reason: `the token is refused: ${reason}` });
  }
  const taken = await connects(t, `${daemon.url}/ws`, [], bearer(await app.token('alice', us)), { type: 'register' });
  matches({ type: 'registered', userId: 'alice' }, await taken.frame());
  assert.doesNotMatch(daemon.told.stderr, /eyJ/, 'a token stands in the log');
});

test('nobody can act for somebody else, whatever a frame says', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t);
  const bobsToken = await app.token('bob');
  const mallory = await clientAs(t, undefined, daemon.url, bearer(await app.token('mallory')));
  const forbidden = { type: 'error', code: 'forbidden' };
  matches(forbidden, await mallory.ask({ type: 'register', userId: 'bob' }));
  matches(forbidden, await mallory.ask({ type: 'register', token: bobsToken }));
  matches({ type: 'registered', userId: 'mallory' }, await mallory.ask({ type: 'register', userId: 'mallory' }));
  for (const frame of [
    { type: 'register' , userId: 'bob' },
    { type: 'register', token: bobsToken },
    { type: 'refresh', token: bobsToken },
    { type: 'joinRoom', roomId: 'tea' , userId: 'bob' },
    { type: 'leaveRoom', roomId: 'tea', userId: 'bob' },
    { type: 'message', roomId: 'tea', content: 'x', userId: 'bob' },
    { type: 'typing', roomId: 'tea', isTyping: true, userId: 'bob' },
    { type: 'history', roomId: 'tea', userId: 'bob' },
    { type: 'getOnlineStatus', userId: 'bob' },
  ]) {
    matches(forbidden, await mallory.ask(frame));
  }
  matches({ type: 'registered', userId: 'mallory' }, await mallory.ask({ type: 'register' }));
  const nobody = await clientAs(t, undefined, daemon.url);
  matches(
    { type: 'error', code: 'unauthorized', message: 'register needs a token' },
    await nobody.ask({ type: 'register', userId: 'bob' }),
  );
});

test('keys that cannot be relied on stop the start, with the option’s name', bounded, async (t) => {
  const data = await folder(t);
  const files = {
    short: 'only 18 bytes long\n',
    empty: '',
    private: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    jwks: '{"keys":[]}',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text);
  const told = [
    [['--auth', 'jwt'], /^hikyd: --auth jwt: there is no key to check tokens with; add --jwt-key or --jwks$/m],
    [['--jwt-key', join(data, 'short')], /--jwt-key, --jwks, --jwt-audience and --jwt-issuer are for --auth jwt/],
    [
      ['--auth', 'jwt', '--jwt-key', join(data, 'short')],
      /--jwt-key: .*of 18 bytes can be guessed; expected at least 32/,
    ],
    [['--auth', 'jwt', '--jwt-key', join(data, 'empty')], /--jwt-key: .* is empty/],
    [
      ['--auth', 'jwt', '--jwt-key', join(data, 'absent')],
      /--jwt-key: there is no such file; expected a file's name, or env:NAME/,
    ],
    [['--auth', 'jwt', '--jwt-key', join(data, 'private')], /--jwt-key: .*this is a private key/],
    [['--auth', 'jwt', '--jwks', join(data, 'jwks')], /--jwks: .*has no key/],
    [['--auth', 'jwt', '--jwks', 'http://'], /--jwks: .*names no host/],
    [['--auth', 'open', '--listen', '0.0.0.0:0'], /with --auth open anybody who reaches/],
    [['--listen', '0.0.0.0:0'], /--auth says nothing/],
  ];
  for (const [flags, message] of told) {
    const { code, stderr } = await runDaemon('--data', data, ...flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

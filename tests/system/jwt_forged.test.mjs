// SPDX-License-Identifier: Apache-2.0
// Tokens that were made or changed without the key, or that are for another service.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { claims, connects, jwtDaemon } from './support/jwt.mjs';
import { matches } from './support/match.mjs';
import { bearer } from './support/tokens.mjs';

// Each token on a connection of its own: a connection that has not registered may show a few only.
async function refuses(t, daemon, tokens) {
  for (const token of tokens) {
    const mallory = await clientAs(t, undefined, daemon.url);
    matches({ type: 'error', code: 'unauthorized' }, await mallory.ask({ type: 'register', token }));
    mallory.vanishes();
  }
}

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

test('the key decides the algorithm: with the public key as a secret nobody signs anything', bounded, async (t) => {
  for (const algorithm of ['RS256', 'ES256', 'EdDSA']) {
    const { app, daemon } = await jwtDaemon(t, [], algorithm);
    const pem = await readFile(app.file, 'utf8');
    await refuses(
      t,
      daemon,
      [
        [pem, 'HS256'],
        [pem.trimEnd(), 'HS256'],
        [pem, 'HS384'],
        [pem, 'HS512'],
      ].map(([secret, hash]) => {
        const signed = `${part({ alg: hash, typ: 'JWT' })}.${part(claims('alice'))}`;
        return `${signed}.${createHmac(hash.replace('HS', 'sha'), secret).update(signed).digest('base64url')}`;
      }),
    );
    // Nor does the right signature count under another name.
    const [, payload, signature] = (await app.token('alice')).split('.');
    const others = ['HS256', 'RS256', 'ES256', 'EdDSA'].filter((name) => name !== algorithm);
    await refuses(t, daemon, others.map((alg) => `${part({ alg })}.${payload}.${signature}`));
    const alice = await clientAs(t, undefined, daemon.url);
    matches(
      { type: 'registered', userId: 'alice' },
      await alice.ask({ type: 'register', token: await app.token('alice') }),
    );
  }
});

test('a token of which anything was changed is refused', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t);
  const mallory = await clientAs(t, undefined, daemon.url);
  const [header, payload, signature] = (await app.token('mallory')).split('.');
  const [, others] = (await app.token('alice')).split('.');
  const changed = [
    [header, part(claims('alice')), signature],
    [header, others, signature],
    [part({ alg: 'HS256', typ: 'other' }), payload, signature],
    [part({ alg: 'HS512' }), payload, signature],
    [header, payload, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    [header, payload, signature.slice(0, -1)],
    [header, payload, ''],
  ];
  await refuses(t, daemon, changed.map((parts) => parts.join('.')));
  matches(
    { type: 'registered', userId: 'mallory' },
    await mallory.ask({ type: 'register', token: [header, payload, signature].join('.') }),
  );
});

test('a token for another service is refused, and one for any service where none is named', bounded, async (t) => {
  const here = await jwtDaemon(t, ['--jwt-audience', 'chat', '--jwt-issuer', 'us']);
  const anywhere = await jwtDaemon(t);
  const cases = [
    [here, { aud: 'mail', iss: 'us' }],
    [here, { aud: ['mail', 'calendar'], iss: 'us' }],
    [here, { iss: 'us' }],
    [here, { aud: 'chat' }],
    [here, { aud: 'chat', iss: 'them' }],
    [anywhere, { aud: 'mail' }],
  ];
  for (const [{ app, daemon }, claimed] of cases) {
    const client = await clientAs(t, undefined, daemon.url);
    matches(
      { type: 'error', code: 'unauthorized' },
      await client.ask({ type: 'register', token: await app.token('alice', claimed) }),
    );
  }
  for (const [{ app, daemon }, claimed] of [[here, { aud: ['mail', 'chat'], iss: 'us' }], [anywhere, {}]]) {
    const client = await clientAs(t, undefined, daemon.url);
    matches({ type: 'registered' }, await client.ask({ type: 'register', token: await app.token('alice', claimed) }));
  }
});

test('huge and strange tokens are refused, and nobody else notices', bounded, async (t) => {
  const { app, daemon } = await jwtDaemon(t, ['--rate-refusals', '0']);
  const alice = await clientAs(t, undefined, daemon.url, bearer(await app.token('alice')));
  await alice.ask({ type: 'register' });
  const mallory = await clientAs(t, undefined, daemon.url);
  const [header, payload, signature] = (await app.token('mallory')).split('.');
  const strange = [
    '.',
    '..',
    '....',
    ' ',
    `${header}.${payload}`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.${signature} `,
    `${header}..${signature}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${part('[]')}.${payload}.${signature}`,
    `${part('{')}.${payload}.${signature}`,
    `${part({ alg: 'HS256', crit: ['exp'] })}.${payload}.${signature}`,
    `${part(`${'['.repeat(4_000)}`)}.${payload}.${signature}`,
    'x'.repeat(8_192),
  ];
  await refuses(t, daemon, strange);
  matches(
    { type: 'error', code: 'invalid_argument' },
    await mallory.ask({ type: 'register', token: 'x'.repeat(8_193) }),
  );
  for (const token of [`${header}.${part('x'.repeat(8_000))}.${signature}`, 'x'.repeat(12_000)]) {
    assert.equal((await (await connects(t, `${daemon.url}/ws`, [], bearer(token))).closed()).code, 4401);
  }
  await assert.rejects(connects(t, `${daemon.url}/ws`, [], bearer('x'.repeat(17_000))), /431/);
  matches({ type: 'pong' }, await alice.ask({ type: 'ping' }));
});

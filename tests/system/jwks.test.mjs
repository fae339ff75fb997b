// SPDX-License-Identifier: Apache-2.0
// Keys that change: a JWKS in a file, and at an address.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { matches } from './support/match.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const set = async (...issuers) => JSON.stringify({ keys: await Promise.all(issuers.map((each) => each.jwk())) });
const taken = { type: 'registered', userId: 'alice' };
const unknown = {
  type: 'error',
  code: 'unauthorized',
  message: 'the token is refused: it is signed with a key that is not known here',
};

async function register(t, daemon, token) {
  const client = await clientAs(t, undefined, daemon.url);
  return client.ask({ type: 'register', token });
}

// Serves `jwks.text` with `jwks.status`, counting.
async function place(t, jwks, tls) {
  const serve = (request, response) => {
    jwks.asked = (jwks.asked ?? 0) + 1;
    if (jwks.status !== 0)
      response.writeHead(jwks.status ?? 200, { 'Content-Type': 'application/json' }).end(jwks.text);
  };
  const server = tls ? createSecureServer(tls, serve) : createServer(serve);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `${tls ? 'https' : 'http'}://localhost:${server.address().port}/.well-known/jwks.json`;
}

test('a JWKS file is read again when a token names a key that is not in it', bounded, async (t) => {
  const data = await folder(t);
  const [old, young, foreign] = [
    await issuer(data, 'RS256', 'old'),
    await issuer(data, 'EdDSA', 'young'),
    await issuer(data, 'ES256', 'foreign'),
  ];
  const file = join(data, 'jwks.json');
  await writeFile(file, await set(old));
  const daemon = await daemonFor(t, { data, flags: ['--auth', 'jwt', '--jwks', file, '--workers', '1'] });
  matches(taken, await register(t, daemon, await old.token('alice')));
  await writeFile(file, await set(young));
  matches(taken, await register(t, daemon, await young.token('alice')));
  matches(unknown, await register(t, daemon, await old.token('alice')));
  matches(unknown, await register(t, daemon, await foreign.token('alice')));
});

test('a JWKS at an address is fetched once for all, and again for a new key, but not for every forged one',
  bounded, async (t) => {
  const data = await folder(t);
  const [old, young] = [await issuer(data, 'ES256', 'old'), await issuer(data, 'ES256', 'young')];
  const jwks = { text: await set(old) };
  const daemon = await daemonFor(t, {
    data,
    flags: ['--auth', 'jwt', '--jwks', await place(t, jwks), '--workers', '1'],
  });
  for (let i = 0; i < 5; i += 1) matches(taken, await register(t, daemon, await old.token('alice')));
  assert.equal(jwks.asked, 1);
  jwks.text = await set(old, young);
  matches(taken, await register(t, daemon, await young.token('alice')));
  assert.equal(jwks.asked, 2);
  const forgers = await Promise.all(Array.from({ length: 20 }, (_, i) => issuer(data, 'ES256', `forged ${i}`)));
  for (const forger of forgers) matches(unknown, await register(t, daemon, await forger.token('alice')));
  assert.equal(jwks.asked, 2);
  // When the address fails afterwards, the keys that were fetched still count.
  jwks.status = 500;
  matches(taken, await register(t, daemon, await old.token('alice')));
});

test('while the keys have never been there, no client is refused for good', bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data, 'ES256', 'app');
  const jwks = { text: await set(app), status: 503 };
  const daemon = await daemonFor(t, { data, flags: ['--auth', 'jwt', '--jwks', await place(t, jwks), '--workers', '1'] });
  const token = await app.token('alice');
  matches({ type: 'error', code: 'unavailable', retryable: true }, await register(t, daemon, token));
  await assert.rejects(clientAs(t, undefined, daemon.url, { headers: { Authorization: `Bearer ${token}` } }), /503/);
  assert.match(daemon.told.stderr, /jwks\.unread .*status 503/);
  const numbers = await metricsOf(daemon);
  const [fetches, failures] = ['hiky_jwks_fetches_total', 'hiky_jwks_fetch_failures_total'].map((name) =>
    numbers.get(name),
  );
  assert.deepEqual([fetches, failures], [jwks.asked, jwks.asked]);
  assert.equal(numbers.get('hiky_authentications_total{mode="jwt",outcome="unavailable"}'), 2);
  for (const text of ['tea', '{"keys":[]}', JSON.stringify({ keys: [{ kty: 'oct', k: 'x'.repeat(60) }] })]) {
    Object.assign(jwks, { text, status: 200 });
    const before = jwks.asked;
    await until('another look', async () => (await register(t, daemon, token), jwks.asked > before));
    matches({ type: 'error', code: 'unavailable' }, await register(t, daemon, token));
  }
  jwks.text = await set(app);
  await until('the keys', async () => (await register(t, daemon, token)).type === 'registered');
});

test('https is believed when its certificate is trusted, and only then', bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data, 'ES256', 'app');
  const [key, certificate] = [join(data, 'tls.key'), join(data, 'tls.crt')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  );
  const tls = { key: readFileSync(key), cert: readFileSync(certificate) };
  const jwks = { text: await set(app) };
  const address = await place(t, jwks, tls);
  const flags = ['--auth', 'jwt', '--jwks', address, '--workers', '1'];
  const trusting = await daemonFor(t, { data, flags, env: { SSL_CERT_FILE: certificate } });
  matches(taken, await register(t, trusting, await app.token('alice')));

  const careful = await daemonWith(t, ...flags);
  matches({ type: 'error', code: 'unavailable' }, await register(t, careful, await app.token('alice')));
  assert.match(careful.told.stderr, /jwks\.unread .*its certificate is not trusted/);
  const misled = await daemonFor(t, {
    data: await folder(t),
    flags: flags.map((each) => each.replace('localhost', '127.0.0.1')),
    env: { SSL_CERT_FILE: certificate },
  });
  matches({ type: 'error', code: 'unavailable' }, await register(t, misled, await app.token('alice')));
  assert.match(misled.told.stderr, /its certificate is not trusted: it is for another name/);
});

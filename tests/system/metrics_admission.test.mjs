// SPDX-License-Identifier: Apache-2.0
// Admissions and refusals are counted: by token and session, by origin, and into rooms.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { loginApp } from './support/login_app.mjs';
import { atEnd } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

test('tokens and sessions are counted by mode and by what became of them, origins when they are refused',
  bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data);
  const redis = await startRedis(t, await folder(t));
  await writeFile(join(data, 'secrets'), 'a secret for the cookies\n');
  const flags = [
    '--auth',
    'jwt',
    '--jwt-key',
    app.file,
    '--auth',
    'session',
    '--session-secret',
    join(data, 'secrets'),
  ];
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  const site = await loginApp(t, redis.socket, { secret: 'a secret for the cookies' });
  const client = await clientAs(t, undefined, daemon.url);
  const stranger = await issuer(await folder(t));
  const good = await app.token('alice');
  for (const token of [
    'tea',
    await stranger.token('alice'),
    await app.token('alice', { exp: 1 }),
    await app.token('alice', { aud: 'others' }),
    good,
    good,
  ]) {
    await client.ask({ type: 'register', token });
  }
  const cookies = [await site.visit('/login/bob'), await site.visit('/'), 'connect.sid=tea'];
  for (const cookie of cookies) await clientAs(t, undefined, daemon.url, { headers: { cookie } });
  await assert.rejects(clientAs(t, undefined, daemon.url, { headers: { origin: 'https://evil.example' } }), /403/);
  const now = await metricsOf(daemon);
  const judged = (mode) => Object.fromEntries([...now].flatMap(([name, value]) => {
    const [, outcome] =
      new RegExp(`^hiky_authentications_total\\{mode="${mode}",outcome="(\\w+)"\\}$`).exec(name) ?? [];
    return outcome ? [[outcome, value]] : [];
  }));
  assert.deepEqual(judged('jwt'), {
    accepted: 2,
    malformed: 1,
    forged: 1,
    expired: 1,
    claims: 1,
    nobody: 0,
    unavailable: 0,
  });
  assert.deepEqual(judged('session'), {
    accepted: 1,
    malformed: 0,
    forged: 1,
    expired: 0,
    claims: 0,
    nobody: 1,
    unavailable: 0,
  });
  assert.deepEqual(judged('open'), { accepted: 0 });
  assert.equal(now.get('hiky_origins_refused_total'), 1);
});

test('what the room policy says is counted, the application’s answers with their time, kept ones apart',
  bounded, async (t) => {
  const server = createServer((request, response) => {
    let body = '';
    request
      .on('data', (text) => (body += text))
      .on('end', () => response.writeHead({ tea: 204, cake: 403 }[JSON.parse(body).roomId] ?? 500).end());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  const flags = ['--room-policy', 'hook', '--room-hook', `http://127.0.0.1:${server.address().port}/`];
  const daemon = await daemonWith(t, ...flags);
  const alice = await clientAs(t, 'alice', daemon.url);
  for (const roomId of ['tea', 'tea', 'cake', 'cake', 'soup']) await alice.ask({ type: 'joinRoom', roomId });
  const now = await metricsOf(daemon);
  assert.deepEqual(
    ['allowed', 'refused', 'unjudged'].map((outcome) => now.get(`hiky_room_entries_total{outcome="${outcome}"}`)),
    [2, 2, 1],
  );
  assert.deepEqual(
    ['hiky_room_hook_seconds_count', 'hiky_room_hook_cached_answers_total'].map((name) => now.get(name)),
    [3, 2],
  );
});

// SPDX-License-Identifier: Apache-2.0
// The end of a login session: by its time, by a logout, or by another login in its place. It ends its connections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { metricsOf } from './support/exposition.mjs';
import { isLoggedIn, isRefused, site } from './support/login_site.mjs';
import { bounded as within, pause, until } from './support/processes.mjs';

test('a session ends its connection when it expires, by the cookie and by Redis', bounded, async (t) => {
  const { app, daemon } = await site(t, { cookie: { maxAge: 3_000 } });
  const alices = await app.visit('/login/alice');
  const { client } = await isLoggedIn(t, daemon, alices, 'alice');
  const { code } = await within('the end of the session', client.closed);
  assert.equal(code, 4401);
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_unauthorized_connections_closed_total{reason="expired"}'), 1);
  await until('Redis to forget', async () => (await app.redis.dbSize()) === 0);
  await isRefused(t, daemon, alices, /it is over; log in again/);
});

// Comes about when its store is told to set no end in Redis (disableTTL).
test('a session that Redis would hold for ever has ended all the same when its cookie has', bounded, async (t) => {
  const { app, daemon } = await site(t);
  const alices = await app.visit('/login/alice');
  const [key] = await app.redis.keys('sess:*');
  const stored = JSON.parse(await app.redis.get(key));
  await app.redis.set(
    key,
    JSON.stringify({ ...stored, cookie: { ...stored.cookie, expires: new Date(Date.now() - 1_000) } }),
  );
  await isRefused(t, daemon, alices, /has expired/);
});

test('a logout ends the connections of that session, and no others', bounded, async (t) => {
  const { app, daemon } = await site(t, { flags: ['--session-check', '1'] });
  const [first, second, bobs] = [
    await app.visit('/login/alice'),
    await app.visit('/login/alice'),
    await app.visit('/login/bob'),
  ];
  const tabs = [await isLoggedIn(t, daemon, first, 'alice'), await isLoggedIn(t, daemon, first, 'alice')];
  const others = [await isLoggedIn(t, daemon, second, 'alice'), await isLoggedIn(t, daemon, bobs, 'bob')];
  await pause(2_500);
  assert.ok([...tabs, ...others].every(({ client }) => client.isOpen));
  await app.visit('/logout', first);
  for (const { client } of tabs) {
    assert.deepEqual(await within('the end', client.closed), {
      code: 4401,
      reason: 'your session has ended; log in again, then connect anew',
    });
  }
  await pause(1_500);
  assert.ok(others.every(({ client }) => client.isOpen));
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_unauthorized_connections_closed_total{reason="logged_out"}'), 2);
  assert.equal(numbers.get('hiky_unauthorized_connections_closed_total{reason="expired"}'), 0);
});

test('a session that is somebody else’s now, or nobody’s, ends its connections', bounded, async (t) => {
  const { app, daemon } = await site(t, { flags: ['--session-check', '1'] });
  for (const path of ['/login/bob', '/leave']) {
    const alices = await app.visit('/login/alice');
    const { client } = await isLoggedIn(t, daemon, alices, 'alice');
    await app.visit(path, alices);
    assert.equal((await within(`the end after ${path}`, client.closed)).code, 4401);
  }
});

test('every connection is looked at in its time, however many there are', bounded, async (t) => {
  const { app, daemon } = await site(t, { flags: ['--session-check', '2', '--limit-user-connections', '0'] });
  const everybody = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const cookie = await app.visit(`/login/user${i}`);
    return { cookie, ...(await isLoggedIn(t, daemon, cookie, `user${i}`)) };
  }));
  const [out, staying] = [everybody.filter((_, i) => i % 2 === 0), everybody.filter((_, i) => i % 2 === 1)];
  await Promise.all(out.map(({ cookie }) => app.visit('/logout', cookie)));
  for (const { client } of out) assert.equal((await within('the end', client.closed)).code, 4401);
  assert.ok(staying.every(({ client }) => client.isOpen));
});

test('a session that is used lives on, beyond what was known of its end', bounded, async (t) => {
  for (const check of ['1', '0']) {
    const { app, daemon } = await site(t, { cookie: { maxAge: 3_000 }, flags: ['--session-check', check] });
    const alices = await app.visit('/login/alice');
    const { client, answer } = await isLoggedIn(t, daemon, alices, 'alice');
    for (let second = 0; second < 6; second += 1) {
      await pause(1_000);
      await app.visit('/', alices);
    }
    assert.ok(client.isOpen && Date.now() > new Date(answer.expiresAt).getTime() + 2_000);
    await isLoggedIn(t, daemon, alices, 'alice');
    assert.equal((await within('the end of the session', client.closed)).code, 4401);
  }
});

test('without the check a logout ends nothing before its time', bounded, async (t) => {
  const { app, daemon } = await site(t, { cookie: { maxAge: 6_000 }, flags: ['--session-check', '0'] });
  const alices = await app.visit('/login/alice');
  const { client } = await isLoggedIn(t, daemon, alices, 'alice');
  await app.visit('/logout', alices);
  await pause(2_500);
  assert.ok(client.isOpen);
  assert.equal((await within('the end', client.closed)).code, 4401);
});

test('Redis being away ends nobody, not even at the end of a session', bounded, async (t) => {
  const { app, daemon, redis } = await site(t, { cookie: { maxAge: 4_000 }, flags: ['--session-check', '1'] });
  const [alices, bobs] = [await app.visit('/login/alice'), await app.visit('/login/bob')];
  const [alice, bob] = [await isLoggedIn(t, daemon, alices, 'alice'), await isLoggedIn(t, daemon, bobs, 'bob')];
  redis.signal('SIGSTOP');
  try {
    await pause(7_000);
    assert.ok(alice.client.isOpen && bob.client.isOpen);
  } finally {
    redis.signal('SIGCONT');
  }
  for (const { client } of [alice, bob]) assert.equal((await within('the end', client.closed)).code, 4401);
});

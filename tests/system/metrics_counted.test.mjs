// SPDX-License-Identifier: Apache-2.0
// Each metric counts what its name says.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { loginApp } from './support/login_app.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

test('requests are counted by type, refusals by code, frames sent by type', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  for (const content of [1, 2, 3]) await alice.ask({ type: 'message', roomId: 'tea', content });
  for (const seq of [1, 2, 3]) await bob.hears({ type: 'message', seq });
  alice.say({ type: 'typing', roomId: 'tea', isTyping: true });
  await bob.hears({ type: 'typing' });
  await alice.ask({ type: 'message', roomId: 'elsewhere', content: 1 });
  await alice.ask({ type: 'participants', roomId: 'tea' });
  await alice.ask({ type: 'watchPresence', userIds: [] });
  await alice.ask({ type: 'brew' });
  alice.say('nonsense');
  await alice.hears({ type: 'error', code: 'bad_json' });
  const now = await metricsOf(daemon);
  const said = (name) => now.get(name);
  assert.deepEqual(
    ['register', 'joinRoom', 'message', 'typing', 'history', 'ping', 'participants', 'watchPresence'].map((type) =>
      said(`hiky_requests_total{type="${type}"}`),
    ),
    [2, 2, 4, 1, 0, 0, 1, 1],
  );
  assert.deepEqual(
    ['not_member', 'unknown_type', 'bad_json', 'internal'].map((code) =>
      said(`hiky_frames_refused_total{code="${code}"}`),
    ),
    [1, 1, 1, 0],
  );
  const sent = {
    registered: 2,
    joinedRoom: 2,
    message: 3,
    messageAck: 3,
    typing: 1,
    participants: 1,
    presence: 1,
    error: 3,
    pong: 0,
    application: 0,
  };
  for (const [type, count] of Object.entries(sent))
    assert.equal(said(`hiky_frames_sent_total{type="${type}"}`), count, type);
  assert.equal(
    said('hiky_frames_sent_total'),
    Object.values(sent).reduce((sum, count) => sum + count),
    'and nothing else',
  );
  assert.equal(said('hiky_frames_received_total'), 13);
  assert.equal(said('hiky_outbox_bytes'), 0);
  assert.ok(said('hiky_connection_memory_bytes') > 100_000);
  assert.ok(Math.abs(said('hiky_connection_memory_bytes') * 2 / said('process_resident_memory_bytes') - 1) < 0.05);
  assert.ok(said('process_open_fds') > 10 && said('process_open_fds') < said('process_max_fds'));
  assert.ok(Math.abs(said('process_start_time_seconds') - Date.now() / 1000) < 60);
});

test('frames that others cause are counted by type too, the application’s apart', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  const directory = await look(t, daemon.redisSocket, 0);
  for (const [one, other] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ])
    await directory.command('SADD', `hiky:user_friends:${one}`, other);
  const alice = await clientAs(t, 'alice', daemon.url, { fields: { events: true } });
  await alice.join('tea');
  const bob = await clientAs(t, 'bob', daemon.url);
  await alice.hears({ type: 'friendOnline' });
  await bob.join('tea');
  await alice.hears({ type: 'userJoined' });
  await bob.ask({ type: 'leaveRoom', roomId: 'tea' });
  await alice.hears({ type: 'userLeft' });
  await bob.join('tea');
  await alice.hears({ type: 'userJoined' });
  await new Api(daemon, keys.all).post('/users/alice/messages', { frame: { type: 'message', tea: true } });
  await alice.hears({ type: 'message', tea: true });
  await bob.leaves();
  const offline = [JSON.parse(await alice.raw()).type, JSON.parse(await alice.raw()).type];
  assert.deepEqual(offline.sort(), ['friendOffline', 'userOffline']);
  const now = await metricsOf(daemon);
  const types = [
    'friendOnline',
    'friendOffline',
    'userOffline',
    'userJoined',
    'userLeft',
    'leftRoom',
    'application',
    'message',
  ];
  assert.deepEqual(types.map((type) => now.get(`hiky_frames_sent_total{type="${type}"}`)), [1, 1, 1, 2, 1, 1, 1, 0]);
});

test('Redis’s numbers are by database, and a reconnect is one more connect', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  await writeFile(join(data, 'secrets'), 'a secret for the cookies\n');
  const flags = [
    '--workers',
    '1',
    '--auth',
    'open',
    '--auth',
    'session',
    '--session-secret',
    join(data, 'secrets'),
    '--room-policy',
    'hook',
    '--room-hook',
    'http://127.0.0.1:1/',
  ];
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  const connects = async () => {
    const now = await metricsOf(daemon);
    return ['app', 'ws', 'cache', 'session'].map((db) => now.get(`hiky_redis_connects_total{db="${db}"}`));
  };
  await until('all connections', async () => (await connects()).join() === '1,1,1,1');
  const trips = async (db) => (await metricsOf(daemon)).get(`hiky_redis_round_trip_seconds_count{db="${db}"}`);
  const before = [await trips('app'), await trips('ws')];
  await clientAs(t, 'alice', daemon.url);
  assert.ok((await trips('app')) > before[0] && (await trips('ws')) > before[1]);
  const store = await look(t, redis.socket);
  for (const type of ['normal', 'pubsub']) await store.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  await until('all connections to be there again', async () => (await connects()).join() === '2,2,2,2');
  await redis.stop('SIGKILL');
  await until('failures of each', async () => {
    const now = await metricsOf(daemon);
    return ['app', 'ws', 'cache', 'session'].every(
      (db) => now.get(`hiky_redis_connect_failures_total{db="${db}"}`) > 0,
    );
  });
});

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

test('histograms count each observation once, in the bucket where it belongs', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const data = await folder(t);
  const daemon = await daemonFor(t, { redis: redis.url, flags: await keyFile(data) });
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  for (let n = 0; n < 20; n += 1) {
    await alice.ask({ type: 'message', roomId: 'tea', content: n });
    await bob.hears({ type: 'message' });
  }
  // One that takes its time, and one that waits behind it.
  redis.signal('SIGSTOP');
  for (const content of ['late', 'behind']) alice.say({ type: 'message', roomId: 'tea', content });
  setTimeout(() => redis.signal('SIGCONT'), 700);
  for (const content of ['late', 'behind']) await bob.hears({ type: 'message', content });
  await new Api(daemon, keys.all).get('/users/online');
  const now = await until('the latest to be counted', async () => {
    const seen = await metricsOf(daemon);
    return seen.get('hiky_publish_seconds_count') === 22 && seen.get('hiky_delivery_seconds_count') >= 22 && seen;
  });
  for (const [name, labels] of [
    ['publish'],
    ['delivery'],
    ['fanout'],
    ['redis_round_trip', 'db="app"'],
    ['redis_round_trip', 'db="ws"'],
    ['api_request'],
  ].map(([what, label]) => [`hiky_${what}_seconds`, label])) {
    const buckets = [...now].filter(([key]) => key.startsWith(`${name}_bucket{${labels ? `${labels},` : ''}le=`));
    assert.equal(buckets.length, 18, name);
    assert.ok(
      buckets.every(([, value], i) => i === 0 || value >= buckets[i - 1][1]),
      `${name} falls`,
    );
    const all = (what) => now.get(`${name}_${what}${labels ? `{${labels}}` : ''}`);
    assert.equal(buckets.at(-1)[1], all('count'), name);
    assert.ok(all('count') > 0 && all('sum') > 0, name);
  }
  // The slow two, and they alone, are behind 0.5 s; how slow the others are is the machine's business.
  for (const name of ['publish', 'delivery']) {
    assert.equal(now.get(`hiky_${name}_seconds_bucket{le="0.5"}`), 20, name);
    assert.ok(now.get(`hiky_${name}_seconds_sum`) > 0.5 && now.get(`hiky_${name}_seconds_sum`) < 20, name);
  }
  assert.equal(now.get('hiky_delivery_seconds_count'), 22, 'once each, where bob is');
});

test('the bus, the lease and an outage show', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--lease', '2'] });
  await until('the first canary', async () => (await metricsOf(daemon)).get('hiky_bus_lag_seconds') > 0);
  const calm = await metricsOf(daemon);
  assert.equal(calm.get('hiky_bus_up'), 1);
  assert.ok(calm.get('hiky_lease_renewals_total') >= 1 && calm.get('hiky_lease_age_seconds') < 2);
  assert.deepEqual(
    ['hiky_lease_losses_total', 'hiky_lease_failures_total', 'hiky_gaps_total', 'hiky_sweeps_total'].map((name) =>
      calm.get(name),
    ),
    [0, 0, 0, 0],
  );
  await redis.stop('SIGKILL');
  await until('the outage to show', async () => {
    const now = await metricsOf(daemon);
    return (
      now.get('hiky_bus_up') === 0 &&
      now.get('hiky_lease_failures_total') > 0 &&
      now.get('hiky_redis_connect_failures_total') > 0
    );
  });
  await startRedis(t, data);
  // It has lost everything.
  await until('the loss to show', async () => {
    const now = await metricsOf(daemon);
    return (
      now.get('hiky_bus_up') === 1 && now.get('hiky_lease_losses_total') === 1 && now.get('hiky_lease_age_seconds') < 2
    );
  }, 15_000);
});

test('an instance that ends another one’s connections counts them', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const flags = ['--lease', '2'];
  const one = await daemonFor(t, { redis: redis.url, flags });
  const two = await daemonFor(t, { redis: redis.url, flags: [...flags, '--instance-id', 'two'] });
  for (const name of ['alice', 'bob', 'carol']) await clientAs(t, name, two.url);
  await two.stop('SIGKILL');
  const now = await until('the sweep', async () => {
    const seen = await metricsOf(one);
    return seen.get('hiky_sweeps_total') === 1 && seen;
  }, 15_000);
  assert.equal(now.get('hiky_swept_connections_total'), 3);
});

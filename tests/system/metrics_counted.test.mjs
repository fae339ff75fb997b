// SPDX-License-Identifier: Apache-2.0
// Requests, refusals and frames are counted by what they are, and what takes time falls into the right bucket.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

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

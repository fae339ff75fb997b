// SPDX-License-Identifier: Apache-2.0
// What an operator's Prometheus sees: names by its conventions, numbers that follow what happens, and a dashboard and alert rules that ask
// for nothing that isn't there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Api, keyFile, keys } from './support/api.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { families, samples } from './support/exposition.mjs';
import { loginApp } from './support/login_app.mjs';
import { atEnd, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const bounded = { timeout: 60_000 };
const deploy = (name) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const text = async (daemon) => (await fetch(`${daemon.url}/metrics`)).text();
const metrics = async (daemon) => samples(await text(daemon));

const promtool = (() => {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const withPromtool = { ...bounded, skip: !promtool && 'promtool is not in PATH; script/bootstrap test unpacks it into .deps/bin' };

test('promtool finds nothing to say about /metrics', withPromtool, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data });
  const page = join(data, 'metrics.txt');
  await writeFile(page, await text(daemon));
  const { code, stdout, stderr } = await run('sh', ['-c', `promtool check metrics <'${page}'`]);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('the alert rules are rules, and fire for what they name', withPromtool, async () => {
  for (const args of [['check', 'rules', deploy('prometheus/alerts.yml')], ['test', 'rules', deploy('prometheus/alerts_test.yml')]]) {
    const { code, stdout, stderr } = await run('promtool', args);
    assert.equal(code, 0, stdout + stderr);
  }
});

const dashboardOf = async () => JSON.parse(await readFile(deploy('grafana/hiky.json'), 'utf8'));
const expressionsOf = (dashboard) => dashboard.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => expr)).join('\n');
const namesIn = (expressions) => [...expressions.matchAll(/\b(?:hiky|process)_\w+/g)].map(([name]) => name);

// Metrics that have no place on the dashboard, and why.
const unshown = {
  hiky_frames_received_total: 'the requests by type, which are shown, are the same frames',
  hiky_jwks_fetches_total: 'those that fail are shown, and that others do not is the rule',
  hiky_lease_renewals_total: 'their age is shown, and it says at once when they stop',
  hiky_workers: 'a setting',
  process_start_time_seconds: 'restarts are what `up` and the counters tell',
  process_virtual_memory_bytes: 'reserved and unused memory costs nothing; the resident memory is shown',
};

test('every metric is on the dashboard, or there is a reason why not', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
  const shown = new Set(namesIn(expressionsOf(await dashboardOf())).flatMap((name) => [name, name.replace(/_(bucket|sum|count)$/, '')]));
  const missing = families(await text(daemon)).filter((name) => !shown.has(name));
  assert.deepEqual(missing.sort(), Object.keys(unshown), 'give the new one a panel in deploy/grafana/hiky.json, or a reason above');
});

test('every metric that the dashboard and the rules name exists', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
  const known = new Set(families(await text(daemon)));
  const dashboard = await dashboardOf();
  const asked = { dashboard: expressionsOf(dashboard), alerts: await readFile(deploy('prometheus/alerts.yml'), 'utf8') };
  for (const [where, expressions] of Object.entries(asked)) {
    const names = namesIn(expressions);
    assert.ok(names.length > 5, where);
    for (const name of names) assert.ok(known.has(name) || known.has(name.replace(/_(bucket|sum|count)$/, '')), `${where} asks for ${name}, which is not in /metrics`);
  }
  for (const panel of dashboard.panels.filter(({ type }) => type !== 'row')) assert.ok(panel.title && panel.targets.length > 0 && panel.gridPos, JSON.stringify(panel));
});

test('every metric is described in docs/operations.md, and nothing else is', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
  const known = families(await text(daemon));
  const page = await readFile(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
  const described = [...page.matchAll(/`((?:hiky|process)_\w+)(?:\{[\w,]+\})?`/g)].map(([, name]) => name);
  assert.deepEqual(described.sort(), known.sort());
});

test('every limit in docs/protocol.md names the metric that counts it', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
  const now = await metrics(daemon);
  const page = await readFile(fileURLToPath(new URL('../../docs/protocol.md', import.meta.url)), 'utf8');
  const rows = page.slice(page.indexOf('## Limits')).split('\n').filter((line) => line.startsWith('| ')).slice(2);
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const named = [...row.split('|').at(-2).matchAll(/`(\w+)(\{[\w="_,]+\})?`/g)];
    assert.ok(named.length > 0, row);
    for (const [, name, labels = ''] of named) assert.ok(now.has(`hiky_${name}_total${labels.includes('=') ? labels : ''}`), `${name}${labels} in ${row}`);
  }
});

test('requests are counted by type, refusals by code, frames sent by type', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
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
  const now = await metrics(daemon);
  const said = (name) => now.get(name);
  assert.deepEqual(
    ['register', 'joinRoom', 'message', 'typing', 'history', 'ping', 'participants', 'watchPresence'].map((type) => said(`hiky_requests_total{type="${type}"}`)),
    [2, 2, 4, 1, 0, 0, 1, 1]);
  assert.deepEqual(['not_member', 'unknown_type', 'bad_json', 'internal'].map((code) => said(`hiky_frames_refused_total{code="${code}"}`)), [1, 1, 1, 0]);
  const sent = { registered: 2, joinedRoom: 2, message: 3, messageAck: 3, typing: 1, participants: 1, presence: 1, error: 3, pong: 0, application: 0 };
  for (const [type, count] of Object.entries(sent)) assert.equal(said(`hiky_frames_sent_total{type="${type}"}`), count, type);
  assert.equal(said('hiky_frames_sent_total'), Object.values(sent).reduce((sum, count) => sum + count), 'and nothing else');
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
  for (const [one, other] of [['alice', 'bob'], ['bob', 'alice']]) await directory.command('SADD', `hiky:user_friends:${one}`, other);
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
  const now = await metrics(daemon);
  const types = ['friendOnline', 'friendOffline', 'userOffline', 'userJoined', 'userLeft', 'leftRoom', 'application', 'message'];
  assert.deepEqual(types.map((type) => now.get(`hiky_frames_sent_total{type="${type}"}`)), [1, 1, 1, 2, 1, 1, 1, 0]);
});

test('Redis’s numbers are by database, and a reconnect is one more connect', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  await writeFile(join(data, 'secrets'), 'a secret for the cookies\n');
  const flags = ['--workers', '1', '--auth', 'open', '--auth', 'session', '--session-secret', join(data, 'secrets'), '--room-policy', 'hook', '--room-hook', 'http://127.0.0.1:1/'];
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  const connects = async () => {
    const now = await metrics(daemon);
    return ['app', 'ws', 'cache', 'session'].map((db) => now.get(`hiky_redis_connects_total{db="${db}"}`));
  };
  await until('all connections', async () => (await connects()).join() === '1,1,1,1');
  const trips = async (db) => (await metrics(daemon)).get(`hiky_redis_round_trip_seconds_count{db="${db}"}`);
  const before = [await trips('app'), await trips('ws')];
  await clientAs(t, 'alice', daemon.url);
  assert.ok((await trips('app')) > before[0] && (await trips('ws')) > before[1]);
  const store = await look(t, redis.socket);
  for (const type of ['normal', 'pubsub']) await store.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  await until('all connections to be there again', async () => (await connects()).join() === '2,2,2,2');
  await redis.stop('SIGKILL');
  await until('failures of each', async () => {
    const now = await metrics(daemon);
    return ['app', 'ws', 'cache', 'session'].every((db) => now.get(`hiky_redis_connect_failures_total{db="${db}"}`) > 0);
  });
});

test('tokens and sessions are counted by mode and by what became of them, origins when they are refused', bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data);
  const redis = await startRedis(t, await folder(t));
  await writeFile(join(data, 'secrets'), 'a secret for the cookies\n');
  const flags = ['--auth', 'jwt', '--jwt-key', app.file, '--auth', 'session', '--session-secret', join(data, 'secrets')];
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  const site = await loginApp(t, redis.socket, { secret: 'a secret for the cookies' });
  const client = await clientAs(t, undefined, daemon.url);
  const stranger = await issuer(await folder(t));
  const good = await app.token('alice');
  for (const token of ['tea', await stranger.token('alice'), await app.token('alice', { exp: 1 }), await app.token('alice', { aud: 'others' }), good, good]) {
    await client.ask({ type: 'register', token });
  }
  const cookies = [await site.visit('/login/bob'), await site.visit('/'), 'connect.sid=tea'];
  for (const cookie of cookies) await clientAs(t, undefined, daemon.url, { headers: { cookie } });
  await assert.rejects(clientAs(t, undefined, daemon.url, { headers: { origin: 'https://evil.example' } }), /403/);
  const now = await metrics(daemon);
  const judged = (mode) => Object.fromEntries([...now].flatMap(([name, value]) => {
    const [, outcome] = new RegExp(`^hiky_authentications_total\\{mode="${mode}",outcome="(\\w+)"\\}$`).exec(name) ?? [];
    return outcome ? [[outcome, value]] : [];
  }));
  assert.deepEqual(judged('jwt'), { accepted: 2, malformed: 1, forged: 1, expired: 1, claims: 1, nobody: 0, unavailable: 0 });
  assert.deepEqual(judged('session'), { accepted: 1, malformed: 0, forged: 1, expired: 0, claims: 0, nobody: 1, unavailable: 0 });
  assert.deepEqual(judged('open'), { accepted: 0 });
  assert.equal(now.get('hiky_origins_refused_total'), 1);
});

test('what the room policy says is counted, the application’s answers with their time, kept ones apart', bounded, async (t) => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text)).on('end', () => response.writeHead({ tea: 204, cake: 403 }[JSON.parse(body).roomId] ?? 500).end());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  const flags = ['--room-policy', 'hook', '--room-hook', `http://127.0.0.1:${server.address().port}/`];
  const daemon = await daemonFor(t, { data: await folder(t), flags });
  const alice = await clientAs(t, 'alice', daemon.url);
  for (const roomId of ['tea', 'tea', 'cake', 'cake', 'soup']) await alice.ask({ type: 'joinRoom', roomId });
  const now = await metrics(daemon);
  assert.deepEqual(['allowed', 'refused', 'unjudged'].map((outcome) => now.get(`hiky_room_entries_total{outcome="${outcome}"}`)), [2, 2, 1]);
  assert.deepEqual(['hiky_room_hook_seconds_count', 'hiky_room_hook_cached_answers_total'].map((name) => now.get(name)), [3, 2]);
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
    const seen = await metrics(daemon);
    return seen.get('hiky_publish_seconds_count') === 22 && seen.get('hiky_delivery_seconds_count') >= 22 && seen;
  });
  for (const [name, labels] of [['publish'], ['delivery'], ['fanout'], ['redis_round_trip', 'db="app"'], ['redis_round_trip', 'db="ws"'], ['api_request']].map(([what, label]) =>
    [`hiky_${what}_seconds`, label])) {
    const buckets = [...now].filter(([key]) => key.startsWith(`${name}_bucket{${labels ? `${labels},` : ''}le=`));
    assert.equal(buckets.length, 18, name);
    assert.ok(buckets.every(([, value], i) => i === 0 || value >= buckets[i - 1][1]), `${name} falls`);
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
  await until('the first canary', async () => (await metrics(daemon)).get('hiky_bus_lag_seconds') > 0);
  const calm = await metrics(daemon);
  assert.equal(calm.get('hiky_bus_up'), 1);
  assert.ok(calm.get('hiky_lease_renewals_total') >= 1 && calm.get('hiky_lease_age_seconds') < 2);
  assert.deepEqual(['hiky_lease_losses_total', 'hiky_lease_failures_total', 'hiky_gaps_total', 'hiky_sweeps_total'].map((name) => calm.get(name)), [0, 0, 0, 0]);
  await redis.stop('SIGKILL');
  await until('the outage to show', async () => {
    const now = await metrics(daemon);
    return now.get('hiky_bus_up') === 0 && now.get('hiky_lease_failures_total') > 0 && now.get('hiky_redis_connect_failures_total') > 0;
  });
  await startRedis(t, data);
  // It has lost everything.
  await until('the loss to show', async () => {
    const now = await metrics(daemon);
    return now.get('hiky_bus_up') === 1 && now.get('hiky_lease_losses_total') === 1 && now.get('hiky_lease_age_seconds') < 2;
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
    const seen = await metrics(one);
    return seen.get('hiky_sweeps_total') === 1 && seen;
  }, 15_000);
  assert.equal(now.get('hiky_swept_connections_total'), 3);
});

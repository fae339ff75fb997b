// SPDX-License-Identifier: Apache-2.0
// The answers of the daemon over plain HTTP: the document's health check (flow 8), readiness, metrics, the demo.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { matches } from './support/match.mjs';
import { peerOf } from './support/peer.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';
import { samples } from './support/exposition.mjs';

const get = async (daemon, path, options) => {
  const response = await fetch(daemon.url + path, options);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    body: await response.text(),
  };
};
const json = ({ body }) => JSON.parse(body);

test('/health is the document’s, through an outage and back', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url });
  const healthy = await get(daemon, '/health');
  assert.deepEqual([healthy.status, healthy.type], [200, 'application/json']);
  matches(
    { status: 'healthy', redis: 'connected', onlineUsers: 0, timestamp: '$time', instance: 'one', bus: 'connected' },
    json(healthy),
  );
  assert.ok(Math.abs(Date.now() - new Date(json(healthy).timestamp)) < 5_000);
  const alice = await clientAs(t, 'alice', daemon.url);
  await clientAs(t, 'alice', daemon.url);
  await clientAs(t, 'bob', daemon.url);
  matches({ status: 'healthy', onlineUsers: 2 }, json(await get(daemon, '/health')));

  await redis.stop('SIGKILL');
  const ill = await until('the outage to show', async () => {
    const told = await get(daemon, '/health');
    return told.status !== 200 && told;
  });
  assert.deepEqual([ill.status, ill.type], [503, 'application/json']);
  matches({ status: 'unhealthy', message: 'Redis connection failed', timestamp: '$time', reason: '$any' }, json(ill));
  await until('readiness to end', async () => (await get(daemon, '/ready')).status === 503);
  // The rest goes on without Redis.
  assert.equal((await get(daemon, '/')).status, 200);
  assert.equal((await get(daemon, '/metrics')).status, 200);
  matches({ type: 'pong' }, await alice.ask({ type: 'ping' }));
  matches(
    { type: 'error', code: 'unavailable', retryable: true },
    await alice.ask({ type: 'joinRoom', roomId: 'tea' }),
  );
  matches({ type: 'error', code: 'unavailable', retryable: true }, await alice.ask({ type: 'getOnlineStatus' }));

  await startRedis(t, data);
  await until('health', async () => (await get(daemon, '/health')).status === 200, 15_000);
  await until('readiness', async () => (await get(daemon, '/ready')).status === 200, 15_000);
  matches({ type: 'joinedRoom', participants: ['alice'] }, await alice.ask({ type: 'joinRoom', roomId: 'tea' }));
});

test('/health comes back in time while Redis hangs', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, { redis: redis.url });
  const alice = await clientAs(t, 'alice', daemon.url);
  redis.signal('SIGSTOP');
  try {
    const begin = Date.now();
    const [health, answer] = await Promise.all([
      get(daemon, '/health'),
      alice.ask({ type: 'joinRoom', roomId: 'tea' }, 15_000),
    ]);
    assert.equal(health.status, 503);
    matches({ type: 'error', code: 'unavailable', retryable: true }, answer);
    assert.ok(Date.now() - begin < 8_000, `took ${Date.now() - begin} ms`);
    assert.equal((await get(daemon, '/metrics')).status, 200);
  } finally {
    redis.signal('SIGCONT');
  }
  await until('health', async () => (await get(daemon, '/health')).status === 200, 15_000);
});

test('/metrics is in the exposition format, and counts events', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const metrics = async () => {
    const { status, type, body } = await get(daemon, '/metrics');
    assert.equal(status, 200);
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    return samples(body);
  };
  const before = await metrics();
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  for (const content of [1, 2, 3]) await alice.ask({ type: 'message', roomId: 'tea', content });
  alice.say('nonsense');
  await alice.hears({ type: 'error' });
  for (const seq of [1, 2, 3]) await bob.hears({ type: 'message', seq });
  await bob.leaves();
  await alice.hears({ type: 'userOffline' });
  // The goodbye takes a moment longer than its news.
  await until('the connection to end', async () => (await metrics()).get('hiky_connections') === 1);
  const now = await metrics();
  const grew = (name) => now.get(name) - (before.get(name) ?? 0);
  assert.equal(now.get('hiky_connections'), 1);
  assert.equal(now.get('hiky_registered_connections'), 1);
  assert.equal(grew('hiky_registers_total'), 2);
  assert.equal(grew('hiky_messages_received_total'), 3);
  assert.equal(grew('hiky_messages_published_total'), 3);
  assert.equal(grew('hiky_frames_refused_total'), 1);
  assert.equal(grew('hiky_frames_received_total'), 8);
  assert.deepEqual(['message', 'userOffline'].map((type) => grew(`hiky_frames_sent_total{type="${type}"}`)), [3, 1]);
  assert.ok(grew('hiky_accepted_connections_total') >= 2);
  assert.ok(grew('hiky_sent_bytes_total') > 300);
  assert.ok(grew('hiky_redis_requests_total') >= 8);
  assert.equal(now.get('hiky_workers'), daemon.workers);
  const build = [...now.keys()].find((name) => name.startsWith('hiky_build_info{'));
  assert.match(build, /version="\d+\.\d+\.\d+"/);
  assert.match(build, /instance_id="one"/);
});

test('/ is the demo, and its files are beside it', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const page = await get(daemon, '/');
  assert.equal(page.status, 200);
  assert.match(page.type, /^text\/html; charset=utf-8/);
  assert.match(page.body, /<!doctype html>/i);
  assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const files = [...page.body.matchAll(/(?:src|href)="([^":#]+\.(js|css|svg))"/g)];
  assert.ok(files.length >= 2);
  const types = { js: /^text\/javascript/, css: /^text\/css/, svg: /^image\/svg\+xml/ };
  for (const [, path, kind] of files) {
    const file = await get(daemon, `/${path.replace(/^\//, '')}`);
    assert.equal(file.status, 200, path);
    assert.match(file.type, types[kind]);
    assert.ok(file.body.length > 0);
  }
  const head = await get(daemon, '/', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body], [200, '']);
  assert.equal(Number(head.headers.get('content-length')), Buffer.byteLength(page.body));
  assert.equal((await get(daemon, '/?room=tea')).status, 200);
  for (const path of ['/demo', '/package.json/', '//', '/..%2f..%2fetc/passwd', '/%00', '/health/']) {
    const none = await get(daemon, path);
    assert.equal(none.status, 404, path);
    assert.match(none.body, /nothing at this path/);
  }
});

test('pages, and API answers without a key, are given out ten a second over one connection, once it has had thirty',
  bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  const delayed = async () => samples((await get(daemon, '/metrics')).body).get('hiky_delayed_pages_total');
  const some = `Authorization: Bearer ${keys.read}\r\n`;
  for (const [waits, path, status, header = ''] of [
    [true, '/metrics', 200],
    [true, '/api/v1/openapi.json', 200],
    [true, '/api/v1/openapi.json', 200, some],
    [true, '/api/v1/users/online', 401],
    [false, '/api/v1/users/online', 200, some],
  ]) {
    const before = await delayed();
    const peer = await peerOf(t, daemon.port);
    const began = performance.now();
    await peer.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`.repeat(40));
    for (let n = 0; n < 40; n += 1) assert.equal((await peer.answer()).status, status);
    const [took, waited] = [performance.now() - began, (await delayed()) - before];
    assert.ok(waits ? waited >= 5 && waited <= 10 : waited === 0, `${waited} of 40 times ${path} waited`);
    assert.ok(!waits || took > 500, `40 times ${path} in ${took} ms`);
  }
});

test('an HTTP connection is kept for longer than a balancer uses it again, and as long as the flag says',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--http-keep-alive', '1');
  const peer = await peerOf(t, daemon.port);
  const ask = async () => {
    await peer.send('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
    return (await peer.answer())?.status;
  };
  assert.equal(await ask(), 200);
  await pause(600);
  assert.equal(await ask(), 200);
  const begin = Date.now();
  await peer.ends();
  assert.ok(Date.now() - begin > 800 && Date.now() - begin < 3_000, `${Date.now() - begin} ms`);
  const { stdout } = await runDaemon('--print-config');
  assert.match(stdout, /^# ?http-keep-alive = 75$/m);
});

test('a caller that asks first whether a body is wanted is told to go on, or why not, and not twice',
  bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  const peer = await peerOf(t, daemon.port);
  await new Api(daemon).put('/rooms/tea/members/anna');
  const body = '{"senderId":"anna","content":"tea is ready"}';
  const head = (length, key) =>
    `POST /api/v1/rooms/tea/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;
  await peer.send(head(body.length, keys.publish));
  assert.equal((await peer.answer(2_000)).status, 100);
  await peer.send(body);
  assert.equal((await peer.answer()).status, 201);
  // A body that has already come needs no 100 Continue.
  await peer.send(head(body.length, keys.publish), body);
  assert.equal((await peer.answer()).status, 201);
  // A caller without the right sends no body, and is not asked for one.
  const stranger = await peerOf(t, daemon.port);
  await stranger.send(head(body.length, 'no key of ours, and long enough to be one'));
  assert.equal((await stranger.answer()).status, 401);
  const large = await peerOf(t, daemon.port);
  await large.send(head(10 << 20, keys.publish));
  assert.equal((await large.answer()).status, 413);
});

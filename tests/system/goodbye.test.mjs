// SPDX-License-Identifier: Apache-2.0
// How the daemon ends: everybody is told, Redis knows, and the exit code is right.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { closing, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { atEnd, isAlive, pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const refuses = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('error', () => resolve(true)).once('connect', () => resolve(socket.destroy() && false));
});

test('SIGTERM hands clients over little by little, with 1001 and a time to come back', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--drain', '2'] });
  const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => clientAs(t, `user ${n}`, daemon.url)));
  await Promise.all(clients.map((client) => client.join('tea')));
  const asks = await peerOf(t, daemon.port);
  await asks.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await asks.answer()).body, 'ready\n');

  const begin = Date.now();
  const times = [];
  const closed = clients.map((client) => client.closed.then((how) => (times.push(Date.now() - begin), how)));
  daemon.signal('SIGTERM');
  await Promise.race(closed);
  await until('connections to be refused', () => refuses(daemon.port), 2_000);
  await asks.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
  for (const { code, reason } of await Promise.all(closed)) {
    assert.equal(code, 1001);
    assert.match(reason, /^reconnect in \d+$/);
  }
  const notReady = await asks.answer();
  assert.deepEqual([notReady.status, notReady.body], [503, 'draining\n']);
  assert.ok(Math.max(...times) > 500 && Math.max(...times) < 4_000, `closed after ${times}`);
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  const left = await look(t, redis.socket);
  const keys = await left.command('KEYS', '*');
  assert.deepEqual(keys.filter((key) => /online|clients|connections|participants|user_rooms/.test(key)), []);
  assert.equal(await left.command('SCARD', 'ws:room_members:tea'), 20);
});

test('SIGINT tells everybody at once', bounded, async (t) => {
  const daemon = await daemonWith(t, '--drain', '20');
  const clients = await Promise.all(['a', 'b', 'c'].map((name) => clientAs(t, name, daemon.url)));
  const begin = Date.now();
  daemon.signal('SIGINT');
  for (const client of clients) assert.equal((await client.closed).code, 1001);
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  assert.ok(Date.now() - begin < 3_000);
  assert.ok(!isAlive(daemon.redisPid));
});

test('clients that answer no close do not hold the daemon up', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const peer = await webSocketOf(t, daemon.port);
  await peer.send(text('{"type":"register","userId":"mute"}'));
  await peer.frame();
  const idle = await peerOf(t, daemon.port);
  const begin = Date.now();
  daemon.signal('SIGTERM');
  assert.equal((await peer.closed()).code, 1001);
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  assert.ok(Date.now() - begin < 5_000, `took ${Date.now() - begin} ms`);
  await idle.ends();
});

test('a client that is still being judged when the others are sent away gets a goodbye too', bounded, async (t) => {
  const data = await folder(t);
  const by = await issuer(data, 'ES256', 'key');
  const held = [];
  const server = createServer((request, response) => held.push(response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => (server.closeAllConnections(), server.close()));
  const flags = [
    '--workers',
    '1',
    '--drain',
    '6',
    '--auth',
    'jwt',
    '--jwks',
    `http://127.0.0.1:${server.address().port}/`,
  ];
  const daemon = await daemonFor(t, { data, flags });
  // Two clients that make the drain last.
  for (let n = 0; n < 2; n += 1) await webSocketOf(t, daemon.port);
  const late = await peerOf(t, daemon.port);
  await late.send(handshake({ Authorization: `Bearer ${await by.token('late')}` }));
  await until('the keys to be asked for', async () => held.length > 0);
  daemon.signal('SIGTERM');
  await until('the drain', () => daemon.told.stderr.includes('daemon.draining'));
  await pause(200);
  for (const response of held) response.end(JSON.stringify({ keys: [await by.jwk()] }));
  assert.equal((await late.answer()).status, 101);
  assert.deepEqual(await late.closed(2_000), { code: 1001, reason: 'reconnect in 1000' });
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
});

test('a drain is over when everybody has gone by themselves', { timeout: 120_000 }, async (t) => {
  const daemon = await daemonWith(t, '--drain', '20');
  const peers = [];
  for (let n = 0; n < 2_000; n += 100)
    peers.push(...(await Promise.all(Array.from({ length: 100 }, () => webSocketOf(t, daemon.port)))));
  daemon.signal('SIGTERM');
  await until('the drain', () => daemon.told.stderr.includes('daemon.draining'));
  const begin = Date.now();
  for (const peer of peers) peer.socket.end(closing(1001));
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  assert.ok(Date.now() - begin < 8_000, `took ${Date.now() - begin} ms`);
});

test('a drain is over when the last of two goes before its turn', bounded, async (t) => {
  const daemon = await daemonWith(t, '--drain', '20', '--workers', '1');
  const clients = [await clientAs(t, 'a', daemon.url), await clientAs(t, 'b', daemon.url)];
  daemon.signal('SIGTERM');
  await Promise.race(clients.map(({ closed }) => closed));
  const begin = Date.now();
  await Promise.all(clients.map((client) => client.leaves()));
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  assert.ok(Date.now() - begin < 4_000, `took ${Date.now() - begin} ms`);
});

test('a second signal ends the daemon at once', bounded, async (t) => {
  const daemon = await daemonWith(t, '--drain', '30');
  await Promise.all(['a', 'b', 'c'].map((name) => clientAs(t, name, daemon.url)));
  daemon.signal('SIGTERM');
  await until('the drain', () => daemon.told.stderr.includes('daemon.draining'));
  await pause(50);
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.ended, { code: 1, signal: null });
  assert.match(daemon.told.stderr, /second signal/);
  await until('its Redis to end', () => !isAlive(daemon.redisPid));
});

test('messages to clients that were handed over wait for them', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const old = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'old'] });
  const fresh = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'fresh'] });
  const [bob, alice] = [await clientAs(t, 'bob', old.url), await clientAs(t, 'alice', fresh.url)];
  await bob.join('tea');
  await alice.join('tea');
  await old.stop();
  await alice.hears({ type: 'userOffline', userId: 'bob' });
  alice.say({ type: 'message', roomId: 'tea', content: 'over here' });
  await alice.settle();
  const again = await clientAs(t, 'bob', fresh.url);
  await again.hears({ type: 'offlineMessages', count: 1, messages: [{ content: 'over here' }] });
});

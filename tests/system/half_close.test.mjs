// SPDX-License-Identifier: Apache-2.0
// A client that ends its side of the socket, with or without a close frame, may still read: it gets the frames that
// were owed to it, and a close frame (RFC 6455 5.5.1).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metric } from './support/exposition.mjs';
import { closing, frame, op, read, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { atEnd, bounded as within, pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const say = (value) => text(JSON.stringify(value));
const content = 'x'.repeat(60_000);
// Messages, as many as an answer to `resume` brings by and by: more than the kernel and an outbox hold unread.
const large = 20;

// A room whose log is larger than a socket takes unread.
async function stage(t, { flags = [], redis } = {}) {
  const data = await folder(t);
  const daemon = await daemonFor(t, {
    data,
    redis,
    flags: ['--workers', '1', '--rate-messages', '0', '--rate-requests', '0', ...flags],
  });
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  for (let n = 0; n < large; n += 1) await alice.ask({ type: 'message', roomId: 'tea', content: `${n} ${content}` });
  return { daemon, alice };
}

// The frames that come until the server hangs up, and the time that this took.
async function rest(peer, patience = 20_000) {
  const began = Date.now();
  const frames = [];
  for (;;) {
    const found = await peer.frame(patience);
    if (!found) break;
    frames.push(found);
  }
  await peer.ends();
  return { frames, took: Date.now() - began };
}
const close = ({ opcode, payload }) => ({
  opcode,
  code: payload.length > 1 ? payload.readUInt16BE() : undefined,
  reason: payload.toString('utf8', 2),
});
const types = (frames) =>
  frames.filter(({ opcode }) => opcode === op.text).map(({ payload }) => JSON.parse(payload).type);

// A peer that does not read, and has asked for more than the kernel takes: { peer, pages }.
async function unread(t, daemon) {
  const peer = await webSocketOf(t, daemon.port);
  await peer.send(say({ type: 'register', userId: 'bob' }), say({ type: 'joinRoom', roomId: 'tea' }));
  for (let heard = 0; heard < 2; heard += 1) await peer.frame();
  peer.socket.pause();
  let pages = 0;
  await until('the outbox to fill', async () => {
    for (let n = 0; n < 4; n += 1, pages += 1)
      peer.socket.write(say({ type: 'history', roomId: 'tea', limit: 1, id: `${pages}` }));
    await pause(20);
    return (await metric(daemon, 'hiky_outbox_bytes')) > 300_000;
  });
  return { peer, pages };
}

for (const [what, last, answers, code] of [
  ['a request', say({ type: 'ping', id: 'last' }), ['pong'], 1000],
  ['a close frame', closing(4000, 'bye'), [], 4000],
]) {
  test(
    `${what} behind unread answers, and then the end of the client’s side: all answers come, and a close frame`,
    bounded,
    async (t) => {
      const { daemon } = await stage(t);
      const { peer, pages } = await unread(t, daemon);
      await pause(500);
      peer.socket.end(last);
      await pause(300);
      peer.socket.resume();
      const { frames, took } = await rest(peer);
      assert.equal(close(frames.at(-1)).opcode, op.close);
      assert.equal(close(frames.at(-1)).code, code);
      assert.deepEqual(types(frames), [...Array(pages).fill('history'), ...answers]);
      assert.ok(took < 5_000, `took ${took} ms`);
      assert.equal(peer.failure, undefined);
    },
  );
}

test('requests from right before the client ended its side are answered first', bounded, async (t) => {
  const { daemon } = await stage(t);
  const peer = await webSocketOf(t, daemon.port);
  peer.socket.end(
    Buffer.concat([
      say({ type: 'register', userId: 'bob', id: 'r' }),
      say({ type: 'joinRoom', roomId: 'tea' }),
      say({ type: 'message', roomId: 'tea', content: 'my last word', id: 'm' }),
      say({ type: 'history', roomId: 'tea', limit: 1 }),
      say({ type: 'ping' }),
    ]),
  );
  const { frames } = await rest(peer);
  assert.deepEqual(types(frames), ['registered', 'joinedRoom', 'messageAck', 'history', 'pong']);
  assert.deepEqual(close(frames.at(-1)), {
    opcode: op.close,
    code: 1000,
    reason: 'the connection ended without a close frame',
  });
});

test('one that ends its side right behind the handshake gets a close frame', bounded, async (t) => {
  const { daemon } = await stage(t);
  const peer = await peerOf(t, daemon.port);
  peer.socket.end(handshake());
  assert.equal((await peer.answer()).status, 101);
  const { frames, took } = await rest(peer);
  assert.deepEqual(frames.map(close), [
    { opcode: op.close, code: 1000, reason: 'the connection ended without a close frame' },
  ]);
  assert.ok(took < 2_000, `took ${took} ms`);
});

test('one that ends its side in the middle of a frame is told so', bounded, async (t) => {
  const { daemon } = await stage(t);
  for (const half of [
    say({ type: 'ping' }).subarray(0, 9),
    say({ type: 'ping' }).subarray(0, 1),
    frame(op.text, '{"type"', { fin: false }),
  ]) {
    const peer = await webSocketOf(t, daemon.port);
    await peer.send(say({ type: 'ping' }));
    assert.deepEqual(types([await peer.frame()]), ['pong']);
    peer.socket.end(half);
    assert.deepEqual((await rest(peer)).frames.map(close), [
      { opcode: op.close, code: 1002, reason: 'the connection ended in the middle of a frame' },
    ]);
  }
});

test('one that ends its side and never reads is given up, and costs nothing meanwhile',
  { timeout: 90_000 }, async (t) => {
  const { daemon } = await stage(t);
  const { peer } = await unread(t, daemon);
  const before = await metric(daemon, 'hiky_connections');
  peer.socket.end();
  const spent = async () =>
    (await readFile(`/proc/${daemon.pid}/stat`, 'utf8'))
      .split(' ')
      .slice(13, 15)
      .reduce((a, b) => Number(a) + Number(b), 0);
  await pause(500);
  const [ticks, began] = [await spent(), Date.now()];
  await until('the connection to be given up', async () => (await metric(daemon, 'hiky_connections')) < before, 15_000);
  const took = Date.now() - began;
  assert.ok(took > 1_000 && took < 12_000, `took ${took} ms`);
  assert.ok(((await spent()) - ticks) * 10 < took / 3, `${(await spent()) - ticks} ticks in ${took} ms`);
});

test('while Redis hangs, the wait for answers is bounded, and the client is told of the end', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const { daemon } = await stage(t, { redis: redis.url });
  const store = await look(t, redis.socket);
  const peer = await webSocketOf(t, daemon.port);
  await peer.send(say({ type: 'register', userId: 'bob' }), say({ type: 'joinRoom', roomId: 'tea' }));
  for (let heard = 0; heard < 2; heard += 1) await peer.frame();
  await store.command('CLIENT', 'PAUSE', 4_000, 'ALL');
  peer.socket.end(
    Buffer.concat(
      Array.from({ length: 10 }, (_, n) => say({ type: 'message', roomId: 'tea', content: n, id: `${n}` })),
    ),
  );
  const { frames, took } = await rest(peer);
  assert.equal(close(frames.at(-1)).code, 1000);
  assert.ok(
    frames.length > 1 && types(frames).every((type) => ['error', 'messageAck'].includes(type)),
    types(frames).join(),
  );
  assert.ok(took < 11_000, `took ${took} ms`);
});

test('one that is gone altogether is dropped at once, with its user', bounded, async (t) => {
  const { daemon } = await stage(t);
  const store = await look(t, daemon.redisSocket);
  const { peer } = await unread(t, daemon);
  peer.destroy();
  await until(
    'bob to be offline',
    async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 0,
    2_000,
  );
});

test('over TLS it is the same', bounded, async (t) => {
  const data = await folder(t);
  const by = await authority(data);
  const { cert, key } = await certificate(data, by, 'server', 'IP:127.0.0.1');
  const daemon = await daemonFor(t, { data, flags: ['--workers', '1', '--tls-cert', cert, '--tls-key', key] });
  const socket = connectTls({ port: daemon.port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true });
  atEnd(t, () => socket.destroy());
  socket.on('error', () => {});
  const parts = [];
  const ended = new Promise((resolve) => socket.on('end', resolve));
  socket.on('data', (bytes) => parts.push(bytes));
  await within('TLS', new Promise((resolve) => socket.once('secureConnect', resolve)));
  socket.write(handshake());
  await until('the handshake', () => Buffer.concat(parts).includes('\r\n\r\n'));
  parts.length = 0;
  socket.pause();
  socket.write(Buffer.concat([say({ type: 'register', userId: 'bob' }), say({ type: 'joinRoom', roomId: 'tea' })]));
  socket.end(
    Buffer.concat(
      Array.from({ length: 10 }, (_, n) => say({ type: 'message', roomId: 'tea', content, id: `${n}` })).concat(
        Array.from({ length: 10 }, (_, n) => say({ type: 'history', roomId: 'tea', id: `${n}` })),
      ),
    ),
  );
  await pause(500);
  socket.resume();
  await within('the end', ended);
  let left = Buffer.concat(parts);
  const frames = [];
  while (left.length > 0) {
    const found = read(left);
    assert.ok(found.size, `${left.length} bytes of a frame`);
    frames.push(found);
    left = left.subarray(found.size);
  }
  assert.deepEqual(types(frames), [
    'registered',
    'joinedRoom',
    ...Array(10).fill('messageAck'),
    ...Array(10).fill('history'),
  ]);
  assert.equal(close(frames.at(-1)).code, 1000);
});

// SPDX-License-Identifier: Apache-2.0
// Each limit, the answer beyond it, and its number in /metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor, hikyd } from './support/daemon.mjs';
import { offer, op, ping, squeezed, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { atEnd, bounded as within, pause, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const bounded = { timeout: 60_000 };

// ASan, which keeps what was freed, would hide how much memory is in use.
const asanForgets = { ASAN_OPTIONS: 'quarantine_size_mb=1:allocator_release_to_os_interval_ms=20' };
const daemonWith = async (t, ...flags) => daemonFor(t, { data: await folder(t), flags });

async function metrics(daemon) {
  const all = new Map();
  const answer = await fetch(`${daemon.url}/metrics`);
  assert.equal(answer.status, 200);
  for (const line of (await answer.text()).split('\n')) {
    const [, name, value] = /^([^#]\S*) (\S+)$/.exec(line) ?? [];
    if (name) all.set(name, Number(value));
  }
  return all;
}

async function refused(t, daemon, status, reason) {
  const peer = await peerOf(t, daemon.port);
  await peer.send(handshake());
  const answer = await peer.answer();
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.headers['retry-after'], '5');
  assert.match(answer.body, reason);
  await peer.ends();
}

test('an instance that is full refuses WebSockets with 503, answers /health, and takes the next when one has gone', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-connections', '3');
  const held = [];
  for (let n = 0; n < 3; n += 1) held.push(await webSocketOf(t, daemon.port));
  await refused(t, daemon, 503, /^this instance is full/);
  assert.equal((await fetch(`${daemon.url}/health`, { headers: { connection: 'close' } })).status, 200);
  held[0].destroy();
  await until('a place', async () => {
    const peer = await peerOf(t, daemon.port);
    await peer.send(handshake());
    const { status } = await peer.answer();
    if (status !== 101) assert.equal(status, 503);
    return status === 101;
  });
  const numbers = await metrics(daemon);
  assert.ok(numbers.get('hiky_refused_connections_total{limit="connections"}') >= 1);
  assert.equal(numbers.get('hiky_limit_connections'), 3);
});

test('a flood of connections that say nothing is cut off a little above the limit', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-connections', '10');
  const peers = await Promise.all(Array.from({ length: 200 }, () => peerOf(t, daemon.port)));
  await until('the flood to be refused', async () => peers.filter((peer) => peer.socket.readableEnded || peer.socket.destroyed || peer.failure).length >= 100);
  const numbers = await until('room for a look', async () => metrics(daemon).catch(() => false));
  assert.ok(numbers.get('hiky_sockets') <= 74, `${numbers.get('hiky_sockets')} sockets`);
});

test('an address has only so many connections', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-address-connections', '2');
  const held = [await webSocketOf(t, daemon.port), await webSocketOf(t, daemon.port)];
  await refused(t, daemon, 429, /^too many connections from your address/);
  held[0].destroy();
  await until('a place', async () => {
    const peer = await peerOf(t, daemon.port);
    await peer.send(handshake());
    return (await peer.answer()).status === 101;
  });
  held[1].destroy();
  const numbers = await until('room for a look', async () => metrics(daemon).catch(() => false));
  assert.ok(numbers.get('hiky_refused_connections_total{limit="address_connections"}') >= 1);
});

test('a HEAD is turned away without a body, and a silent connection in a moment', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-address-connections', '1');
  await webSocketOf(t, daemon.port);
  const [asking, silent] = [await peerOf(t, daemon.port), await peerOf(t, daemon.port)];
  await asking.send('HEAD /ready HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await asking.answer(undefined, { head: true })).status, 429);
  await asking.ends();
  assert.equal((await silent.answer(5_000)).status, 429);
  await silent.ends();
});

test('an address comes only so often', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-accepts', '0.001:4');
  const onlooker = await peerOf(t, daemon.port);
  for (let n = 0; n < 3; n += 1) await webSocketOf(t, daemon.port);
  await refused(t, daemon, 429, /^too many new connections from your address/);
  await onlooker.send('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await onlooker.answer()).body, /^hiky_refused_connections_total\{limit="address_rate"\} 1$/m);
});

test('short of memory, new WebSockets are refused with 503 while /health and /metrics answer', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-memory', '1');
  await until('the limit to be noticed', () => /memory\.short/.test(daemon.told.stderr));
  await refused(t, daemon, 503, /^this instance is short of memory/);
  const numbers = await metrics(daemon);
  assert.ok(numbers.get('hiky_refused_connections_total{limit="memory"}') >= 1);
  assert.equal(numbers.get('hiky_limit_memory_bytes'), 1 << 20);
  assert.equal((await fetch(`${daemon.url}/health`)).status, 200);
});

// The descriptors of the shell are what the daemon may have.
const withFiles = (count, ...flags) => run('/bin/sh', ['-c', `ulimit -n ${count} && exec "$0" "$@"`, hikyd, '--listen', '127.0.0.1:0', '--workers', '1', ...flags]);

test('more connections than open files allow are refused at start, with what would help', bounded, async (t) => {
  const ended = await withFiles(1024, '--limit-connections', '5000', '--data', await folder(t));
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /^hikyd: --limit-connections: 5000 connections need 5\d\d\d open files, but the limit is 1024, which is enough for \d+; raise it with/);
  assert.match((await withFiles(100, '--data', await folder(t))).stderr, /^hikyd: 100 open files are not enough to accept anybody; raise it/);
});

test('a flood of messages is refused with rate_limited, and who persists is closed with 4429', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '5:10', '--rate-refusals', '1:50');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  for (let n = 0; n < 40; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n });
  for (let n = 0; n < 10; n += 1) await bob.hears({ type: 'message', content: n });
  const { code, message } = await alice.hears({ type: 'error' });
  assert.equal(code, 'rate_limited');
  assert.equal(message, 'at most 5 messages per second');
  assert.ok(alice.isOpen);
  for (let n = 0; n < 100; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n });
  assert.deepEqual(await within('the end', alice.closed), { code: 4429, reason: 'too many refused requests; send less' });
  await bob.ask({ type: 'ping' });
  const numbers = await metrics(daemon);
  assert.equal(numbers.get('hiky_flooding_connections_closed_total'), 1);
  assert.ok(numbers.get('hiky_rate_limited_total{limit="messages"}') >= 50);
});

test('who was closed for flooding, or left in good time, does not get a new burst by coming back', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-messages', '0.001:10', '--rate-refusals', '0.001:20');
  const flood = async () => {
    const alice = await clientAs(t, 'alice', daemon.url);
    await alice.ask({ type: 'joinRoom', roomId: 'tea' }); // what she said before may come first
    for (let n = 0; n < 100; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n });
    assert.equal((await within('the end', alice.closed)).code, 4429);
  };
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  for (let n = 0; n < 3; n += 1) await flood();
  for (let n = 0; n < 10; n += 1) await bob.hears({ type: 'message', content: n });
  assert.deepEqual((await bob.rest()).filter((frame) => frame.includes('"message"')), []);
  // Nobody else pays for it.
  const carol = await clientAs(t, 'carol', daemon.url);
  await carol.join('tea');
  assert.equal((await carol.ask({ type: 'message', roomId: 'tea', content: 'hello' })).type, 'messageAck');
});

test('requests other than messages have a rate of their own', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-requests', '1:20');
  const alice = await clientAs(t, 'alice', daemon.url);
  for (let n = 0; n < 30; n += 1) alice.say({ type: 'ping', id: `${n}` });
  for (let n = 0; n < 20; n += 1) await alice.hears({ type: 'pong', id: `${n}` });
  await alice.hears({ type: 'error', code: 'rate_limited', id: '20', message: 'at most 1 requests per second', retryable: true });
  for (let n = 21; n < 30; n += 1) await alice.hears({ type: 'error', id: `${n}` });
  assert.equal((await metrics(daemon)).get('hiky_rate_limited_total{limit="requests"}'), 10);
});

test('what nobody can read is a flood too', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const peer = await webSocketOf(t, daemon.port);
  for (let n = 0; n < 300; n += 1) await peer.send(text('{'));
  for (let n = 0; n < 200; n += 1) assert.match((await peer.frame()).payload.toString(), /"bad_json"/);
  for (;;) {
    const { opcode, payload } = await peer.frame();
    if (opcode === 1) continue;
    assert.equal(payload.readUInt16BE(), 4429);
    break;
  }
});

test('who goes on after refusals is read more slowly, and closed in the end', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-refusals', '5:200');
  const bob = await clientAs(t, 'bob', daemon.url);
  const flood = await webSocketOf(t, daemon.port);
  const began = performance.now();
  await flood.send(...Array.from({ length: 20_000 }, () => text('{')));
  let refusals = 0;
  for (let opcode = op.text; opcode === op.text; refusals += opcode === op.text ? 1 : 0) ({ opcode } = await flood.frame());
  // With a rest of 100 ms behind each sixteenth.
  const took = performance.now() - began;
  assert.ok(refusals >= 200 && refusals < 220, `${refusals} refusals`);
  assert.ok(took > 1000, `closed after ${took} ms`);
  const rests = (await metrics(daemon)).get('hiky_rests_total');
  assert.ok(rests >= 12 && rests <= 13, `${rests} rests`);
  assert.equal((await bob.ask({ type: 'ping' })).type, 'pong');
});

test('of many pings in one read, the latest is answered', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const peer = await webSocketOf(t, daemon.port);
  const count = 2_000;
  await peer.send(...Array.from({ length: count }, (_, n) => ping(`${n}`)));
  let [answers, last] = [0, -1];
  while (last < count - 1) {
    const { opcode, payload } = await peer.frame();
    assert.equal(opcode, op.pong);
    assert.ok(Number(payload) > last, 'in order');
    last = Number(payload);
    answers += 1;
  }
  assert.ok(answers < count / 2, `${answers} answers to ${count} pings`);
  // Of each read beyond the bound one is answered all the same.
  const excess = (await metrics(daemon)).get('hiky_excess_pings_total');
  assert.ok(excess > count - answers && excess < count, `${excess} of ${count} pings, ${answers} answered`);
});

test('typing beyond its rate is left out without a word, but never its end', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-typing', '0.001:3');
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  for (const client of [alice, bob]) await client.join('tea');
  for (let n = 0; n < 10; n += 1) alice.say({ type: 'typing', roomId: 'tea', isTyping: true });
  alice.say({ type: 'typing', roomId: 'tea', isTyping: false });
  for (const isTyping of [true, true, true, false]) await bob.hears({ type: 'typing', isTyping });
  assert.deepEqual([...(await alice.rest()), ...(await bob.rest())], []);
  const numbers = await metrics(daemon);
  assert.equal(numbers.get('hiky_rate_limited_total{limit="typing"}'), 7);
  assert.equal(numbers.get('hiky_typing_received_total'), 4);
});

test('more typing than a person can is dropped, and ends with 4429 when it is a flood', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-requests', '10:50', '--rate-refusals', '1:20');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  for (let n = 0; n < 200; n += 1) alice.say({ type: 'typing', roomId: 'tea', isTyping: true });
  assert.equal((await within('the end', alice.closed)).code, 4429);
});

test('a room more than a connection may have is refused, and the others stay', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-rooms', '3');
  const alice = await clientAs(t, 'alice', daemon.url);
  for (const room of ['a', 'b', 'c']) await alice.join(room);
  const refusal = await alice.ask({ type: 'joinRoom', roomId: 'd' });
  assert.equal(refusal.code, 'forbidden');
  assert.match(refusal.message, /^at most 3 rooms per connection/);
  assert.equal((await metrics(daemon)).get('hiky_rooms_limited_total'), 1);
  await alice.join('a');
  await alice.ask({ type: 'leaveRoom', roomId: 'a' });
  await alice.join('d');
});

test('a slow reader loses typing first, then presence, never a message, and is closed with 4430', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-outbox', '262144', '--rate-messages', '0', '--rate-typing', '0', '--rate-requests', '0');
  const slow = await peerOf(t, daemon.port);
  await slow.upgrade();
  await slow.send(text(JSON.stringify({ type: 'register', userId: 'slow' })), text(JSON.stringify({ type: 'joinRoom', roomId: 'tea' })));
  for (let n = 0; n < 2; n += 1) await slow.frame();
  slow.socket.pause();
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  // Kernel buffers first, then the outbox.
  const content = 'x'.repeat(16_000);
  let said = 0;
  for (; said < 2000; said += 1) {
    await alice.ask({ type: 'message', roomId: 'tea', content });
    alice.say({ type: 'typing', roomId: 'tea', isTyping: said % 2 === 0 });
    if (said % 20 === 0 && (await metrics(daemon)).get('hiky_slow_connections_closed_total') === 1) break;
  }
  const numbers = await metrics(daemon);
  assert.equal(numbers.get('hiky_slow_connections_closed_total'), 1);
  assert.ok(numbers.get('hiky_shed_frames_total{class="typing"}') > 0, 'typing frames were left out');
  // What it had been sent is there without a hole; then it is told.
  slow.socket.resume();
  for (let seq = 1; ; ) {
    const { opcode, payload } = await slow.frame();
    if (opcode === 8) {
      assert.equal(payload.readUInt16BE(), 4430);
      break;
    }
    const frame = opcode === 1 ? JSON.parse(payload.toString()) : {};
    if (frame.type !== 'message') continue;
    assert.equal(frame.seq, seq);
    seq += 1;
  }
  await alice.ask({ type: 'ping' });
});

test('a message larger than the outbox reaches whoever reads', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-frame', '2000000', '--limit-outbox', '65536');
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  for (const client of [alice, bob]) await client.join('tea');
  for (const size of [65_000, 200_000, 1_200_000]) {
    await alice.ask({ type: 'message', roomId: 'tea', content: 'x'.repeat(size) });
    assert.equal((await bob.hears({ type: 'message' })).content.length, size);
  }
});

test('readers who read nothing cannot make the process grow: it gives them up and stays within its limit', { timeout: 120_000 }, async (t) => {
  const limit = 96;
  const redis = await startRedis(t, await folder(t)); // which writes no file: it is not what is tested
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--limit-outbox', `${8 << 20}`, '--rate-messages', '0', '--rate-requests', '0', '--limit-memory', `${limit}`, '--workers', '1'],
    env: asanForgets });
  const alice = await clientAs(t, 'alice', daemon.url);
  // Each has a room of its own, so that no two outboxes share a frame: 40 times 8 MiB would be 320 MiB.
  const readers = await Promise.all(Array.from({ length: 40 }, (_, n) => peerOf(t, daemon.port).then((peer) => ({ peer, room: `room ${n}` }))));
  for (const { peer, room } of readers) {
    await peer.upgrade();
    await peer.send(text(JSON.stringify({ type: 'register', userId: room })), text(JSON.stringify({ type: 'joinRoom', roomId: room })));
    for (let n = 0; n < 2; n += 1) await peer.frame();
    peer.socket.pause();
    await alice.join(room);
  }
  const content = 'y'.repeat(60_000);
  let highest = 0;
  for (let round = 0; round < 150; round += 1) {
    for (const { room } of readers) {
      const { type, retryable, message } = await alice.ask({ type: 'message', roomId: room, content });
      assert.ok(type === 'messageAck' || retryable, message);
    }
    highest = Math.max(highest, (await metrics(daemon)).get('process_resident_memory_bytes'));
    if ((await metrics(daemon)).get('hiky_slow_connections_closed_total') >= 35) break;
  }
  const numbers = await metrics(daemon);
  assert.ok(numbers.get('hiky_slow_connections_closed_total') > 0, 'somebody was given up');
  assert.ok(highest < (limit + 64) << 20, `${highest >> 20} MiB at the highest`);
  assert.ok(alice.isOpen);
});

test('a compressed bomb ends at the limit of a message, and the process does not grow', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t), flags: ['--limit-frame', '65536'], env: asanForgets });
  const bomb = squeezed(op.text, Buffer.alloc(48 << 20, ' '));
  assert.ok(bomb.length < 65_536);
  const before = (await metrics(daemon)).get('process_resident_memory_bytes');
  for (let n = 0; n < 100; n += 1) {
    const peer = await webSocketOf(t, daemon.port, offer);
    await peer.send(bomb);
    assert.match(String((await peer.frame()).payload), /"code":"too_large"/);
    assert.equal((await peer.closed()).code, 1009);
  }
  const after = (await metrics(daemon)).get('process_resident_memory_bytes');
  assert.ok(after - before < 40 << 20, `${before} bytes became ${after}`);
});

test('who floods and is kicked, or pings beyond all bounds, ends without harm to the others', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--limit-user-connections', '1', '--rate-refusals', '1:40');
  const bob = await clientAs(t, 'bob', daemon.url);
  for (let round = 0; round < 20; round += 1) {
    // Rests, with nothing to be sent to it, and is replaced by the next.
    const resting = await webSocketOf(t, daemon.port);
    await resting.send(text(JSON.stringify({ type: 'register', userId: `alice ${round}` })), ...Array.from({ length: 40 }, () => text('{')));
    await pause(20);
    await clientAs(t, `alice ${round}`, daemon.url);
    // Closed in the middle of what one read has brought.
    const unknown = await webSocketOf(t, daemon.port);
    await unknown.send(...Array.from({ length: 39 }, () => text('{')));
    await pause(round % 2 ? 5 : 250);
    await unknown.send(...Array.from({ length: 400 }, () => ping()));
  }
  assert.equal((await bob.ask({ type: 'ping' })).type, 'pong');
});

test('registered tells who asks for more than the document what the limits are', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-frame', '4096', '--rate-messages', '7:9', '--rate-typing', '0', '--limit-rooms', '3', '--limit-user-connections', '2', '--limit-outbox', '70000');
  for (const asked of [{ events: true }, { ack: true }, { resume: {} }]) {
    const alice = await clientAs(t, undefined, daemon.url);
    const told = await alice.ask({ type: 'register', userId: 'alice', ...asked });
    assert.deepEqual(told.limits, { frame: 4096, rooms: 3, outbox: 70_000, connections: 2, messages: { perSecond: 7, burst: 9 }, requests: { perSecond: 50, burst: 1000 } });
    assert.deepEqual(told.heartbeat, { intervalMs: 25_000, timeoutMs: 10_000 });
    assert.equal(told.largestFrame, (1 << 20) + 4096);
    assert.ok(Math.abs(Date.parse(told.serverTime) - Date.now()) < 5_000, told.serverTime);
    assert.equal((await alice.ask({ type: 'register' })).limits, undefined, 'once');
  }
  const bob = await clientAs(t, undefined, daemon.url);
  const { type, id, userId, connectionId, rooms, ...more } = await bob.ask({ type: 'register', userId: 'bob' });
  assert.deepEqual(more, {});
});

test('no answer is larger than registered says, whatever is asked for', { timeout: 120_000 }, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '0', '--rate-requests', '0');
  const redis = await look(t, daemon.redisSocket, 1);
  const awkward = (n) => `${n}`.padEnd(128, '"');
  for (let n = 0; n < 1_000; n += 500) {
    const users = Array.from({ length: 500 }, (_, i) => awkward(n + i));
    await redis.command('SADD', 'ws:room_participants:tea', ...users);
    await redis.command('SADD', 'ws:online_users', ...users);
  }
  const sizes = [];
  const alice = await clientAs(t, undefined, daemon.url);
  const { largestFrame } = await alice.ask({ type: 'register', userId: 'alice', events: true });
  const answer = async (request) => {
    alice.say(request);
    const text = await alice.raw(20_000);
    sizes.push(Buffer.byteLength(text));
    return JSON.parse(text);
  };
  await answer({ type: 'joinRoom', roomId: 'tea' });
  let last;
  for (let n = 0; n < 20; n += 1) last = (await answer({ type: 'message', roomId: 'tea', content: '"'.repeat(30_000), id: `${n}` })).messageId;
  await answer({ type: 'joinRoom', roomId: 'tea', since: `${last.split(':')[0]}:1` });
  await answer({ type: 'history', roomId: 'tea', limit: 200 });
  await answer({ type: 'participants', roomId: 'tea', limit: 1000 });
  assert.ok(Math.max(...sizes) > 250_000, `the largest has ${Math.max(...sizes)} bytes`);
  assert.ok(Math.max(...sizes) <= largestFrame, `${Math.max(...sizes)} bytes`);
});

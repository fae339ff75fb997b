// SPDX-License-Identifier: Apache-2.0
// The memory that one client can take: a slow reader, large messages, frames that inflate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { offer, op, squeezed, text } from './support/frames.mjs';
import { peerOf, webSocketOf } from './support/peer.mjs';
import { folder, startRedis } from './support/redis.mjs';

// ASan keeps freed memory, and would hide how much memory is in use.
const asanForgets = { ASAN_OPTIONS: 'quarantine_size_mb=1:allocator_release_to_os_interval_ms=20' };

test('a slow reader loses typing first, then presence, never a message, and is closed with 4430',
  bounded, async (t) => {
  const daemon = await daemonWith(
    t,
    '--limit-outbox',
    '262144',
    '--rate-messages',
    '0',
    '--rate-typing',
    '0',
    '--rate-requests',
    '0',
  );
  const slow = await peerOf(t, daemon.port);
  await slow.upgrade();
  await slow.send(
    text(JSON.stringify({ type: 'register', userId: 'slow' })),
    text(JSON.stringify({ type: 'joinRoom', roomId: 'tea' })),
  );
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
    if (said % 20 === 0 && (await metricsOf(daemon)).get('hiky_slow_connections_closed_total') === 1) break;
  }
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_slow_connections_closed_total'), 1);
  assert.ok(numbers.get('hiky_shed_frames_total{class="typing"}') > 0, 'typing frames were left out');
  // The frames that were sent to the reader are there without a hole; then comes the close frame.
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

test('a message larger than the outbox reaches a client that reads', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-frame', '2000000', '--limit-outbox', '65536');
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  for (const client of [alice, bob]) await client.join('tea');
  for (const size of [65_000, 200_000, 1_200_000]) {
    await alice.ask({ type: 'message', roomId: 'tea', content: 'x'.repeat(size) });
    assert.equal((await bob.hears({ type: 'message' })).content.length, size);
  }
});

test('readers who read nothing cannot make the process grow: it gives them up and stays within its limit',
  { timeout: 120_000 }, async (t) => {
  const limit = 96;
  const redis = await startRedis(t, await folder(t)); // it writes no file: that is not under test
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: [
      '--limit-outbox',
      `${8 << 20}`,
      '--rate-messages',
      '0',
      '--rate-requests',
      '0',
      '--limit-memory',
      `${limit}`,
      '--workers',
      '1',
    ],
    env: asanForgets,
  });
  const alice = await clientAs(t, 'alice', daemon.url);
  // Each has a room of its own, so that no two outboxes share a frame: 40 times 8 MiB would be 320 MiB.
  const readers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => peerOf(t, daemon.port).then((peer) => ({ peer, room: `room ${n}` }))),
  );
  for (const { peer, room } of readers) {
    await peer.upgrade();
    await peer.send(
      text(JSON.stringify({ type: 'register', userId: room })),
      text(JSON.stringify({ type: 'joinRoom', roomId: room })),
    );
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
    highest = Math.max(highest, (await metricsOf(daemon)).get('process_resident_memory_bytes'));
    if ((await metricsOf(daemon)).get('hiky_slow_connections_closed_total') >= 35) break;
  }
  const numbers = await metricsOf(daemon);
  assert.ok(numbers.get('hiky_slow_connections_closed_total') > 0, 'a reader was given up');
  assert.ok(highest < (limit + 64) << 20, `${highest >> 20} MiB at the highest`);
  assert.ok(alice.isOpen);
});

test('a compressed bomb ends at the limit of a message, and the process does not grow', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t), flags: ['--limit-frame', '65536'], env: asanForgets });
  const bomb = squeezed(op.text, Buffer.alloc(48 << 20, ' '));
  assert.ok(bomb.length < 65_536);
  const before = (await metricsOf(daemon)).get('process_resident_memory_bytes');
  for (let n = 0; n < 100; n += 1) {
    const peer = await webSocketOf(t, daemon.port, offer);
    await peer.send(bomb);
    assert.match(String((await peer.frame()).payload), /"code":"too_large"/);
    assert.equal((await peer.closed()).code, 1009);
  }
  const after = (await metricsOf(daemon)).get('process_resident_memory_bytes');
  assert.ok(after - before < 40 << 20, `${before} bytes became ${after}`);
});

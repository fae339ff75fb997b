// SPDX-License-Identifier: Apache-2.0
// A hundred bytes may inflate to the largest message. The bytes that come out of a client's compressed messages have a
// rate, so they keep nobody waiting; messages that are slowed down for it arrive all the same, in order.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metric } from './support/exposition.mjs';
import { offer, op, squeezed } from './support/frames.mjs';
import { atMost, pairOf, waitsNoLongerThan } from './support/pairs.mjs';
import { handshake } from './support/peer.mjs';
import { atEnd, pause } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { turnsOf } from './support/turns.mjs';

const bomb = squeezed(op.text, JSON.stringify({ type: 'ping', x: Array(32_000).fill(1) }));
const flags = ['--workers', '1', '--rate-messages', '0', '--rate-requests', '0'];

test('compressed messages of a hundred bytes that become large keep nobody waiting', bounded, async (t) => {
  assert.ok(bomb.length < 150, `${bomb.length} bytes`);
  await atMost('ms of a turn of the loop', 5, async () => {
    const turns = await turnsOf(t);
    const daemon = await daemonFor(t, { data: await folder(t), flags, env: turns.env });
    const longest = await pairOf(t, daemon);
    const calm = await longest(() => pause(1_000));
    await turns.longest();
    await waitsNoLongerThan(calm, () => longest(async () => {
      const socket = connect(daemon.port, daemon.host);
      atEnd(t, () => socket.destroy());
      socket.on('error', () => {}).on('data', () => {});
      socket.write(handshake(offer));
      socket.write(Buffer.concat(Array(1_000).fill(bomb)));
      await pause(1_500);
    }));
    // All of them once took more than a second of the worker.
    assert.ok((await metric(daemon, 'hiky_inflated_messages_total')) === 1, 'one is read before a client says who it is');
    return turns.longest();
  });
});

test('large compressed messages are slowed down, and all arrive in order', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t), flags: [...flags, '--limit-outbox', '67108864'] });
  const alice = await clientAs(t, 'alice', daemon.url, { perMessageDeflate: { threshold: 0 } });
  const bob = await clientAs(t, 'bob', daemon.url);
  await alice.join('tea');
  await bob.join('tea');
  const count = 80;  // 4.8 MB
  for (let n = 0; n < count; n += 1)
    alice.say({ type: 'message', roomId: 'tea', content: `${n}`.padEnd(60_000, '.') });
  for (let n = 0; n < count; n += 1) {
    const { content } = await bob.hears({ type: 'message', roomId: 'tea' }, { within: 30_000 });
    assert.equal(parseInt(content, 10), n);
  }
  assert.equal((await alice.ask({ type: 'ping' })).type, 'pong');
});

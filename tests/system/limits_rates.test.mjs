// SPDX-License-Identifier: Apache-2.0
// How often a client may send requests, the answers beyond that, and the numbers in /metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { op, ping, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { bounded as within, pause } from './support/processes.mjs';

test('a flood of messages is refused with rate_limited, and a client that persists is closed with 4429',
  bounded, async (t) => {
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
  assert.deepEqual(await within('the end', alice.closed), {
    code: 4429,
    reason: 'too many refused requests; send less',
  });
  await bob.ask({ type: 'ping' });
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_flooding_connections_closed_total'), 1);
  assert.ok(numbers.get('hiky_rate_limited_total{limit="messages"}') >= 50);
});

test('a client that was closed for flooding, or left in good time, does not get a new burst by coming back',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-messages', '0.001:10', '--rate-refusals', '0.001:20');
  const flood = async () => {
    const alice = await clientAs(t, 'alice', daemon.url);
    await alice.ask({ type: 'joinRoom', roomId: 'tea' }); // answers to her earlier messages may come first
    for (let n = 0; n < 100; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n });
    assert.equal((await within('the end', alice.closed)).code, 4429);
  };
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  for (let n = 0; n < 3; n += 1) await flood();
  for (let n = 0; n < 10; n += 1) await bob.hears({ type: 'message', content: n });
  assert.deepEqual((await bob.rest()).filter((frame) => frame.includes('"message"')), []);
  // Other users keep their rate.
  const carol = await clientAs(t, 'carol', daemon.url);
  await carol.join('tea');
  assert.equal((await carol.ask({ type: 'message', roomId: 'tea', content: 'hello' })).type, 'messageAck');
});

test('requests other than messages have a rate of their own', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-requests', '1:20');
  const alice = await clientAs(t, 'alice', daemon.url);
  for (let n = 0; n < 30; n += 1) alice.say({ type: 'ping', id: `${n}` });
  for (let n = 0; n < 19; n += 1) await alice.hears({ type: 'pong', id: `${n}` }); // the register counts, too
  await alice.hears({
    type: 'error',
    code: 'rate_limited',
    id: '19',
    message: 'at most 1 requests per second',
    retryable: true,
  });
  for (let n = 20; n < 30; n += 1) await alice.hears({ type: 'error', id: `${n}` });
  assert.equal((await metricsOf(daemon)).get('hiky_rate_limited_total{limit="requests"}'), 11);
});

test('frames that nobody can read are a flood too', bounded, async (t) => {
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

test('a client that goes on after refusals is read more slowly, and closed in the end', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-refusals', '5:200');
  const bob = await clientAs(t, 'bob', daemon.url);
  const flood = await webSocketOf(t, daemon.port);
  const began = performance.now();
  await flood.send(...Array.from({ length: 20_000 }, () => text('{')));
  let refusals = 0;
  for (let opcode = op.text; opcode === op.text; refusals += opcode === op.text ? 1 : 0)
    ({ opcode } = await flood.frame());
  // With a rest of 100 ms behind each sixteenth.
  const took = performance.now() - began;
  assert.ok(refusals >= 200 && refusals < 220, `${refusals} refusals`);
  assert.ok(took > 1000, `closed after ${took} ms`);
  const rests = (await metricsOf(daemon)).get('hiky_rests_total');
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
  // One ping of each read beyond the bound is answered all the same.
  const excess = (await metricsOf(daemon)).get('hiky_excess_pings_total');
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
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_rate_limited_total{limit="typing"}'), 7);
  assert.equal(numbers.get('hiky_typing_received_total'), 4);
});

test('more typing frames than a person can make are dropped, and a flood of them ends with 4429',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-requests', '10:50', '--rate-refusals', '1:20');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  for (let n = 0; n < 200; n += 1) alice.say({ type: 'typing', roomId: 'tea', isTyping: true });
  assert.equal((await within('the end', alice.closed)).code, 4429);
});

test('a client that floods and is kicked, or pings beyond all bounds, ends without harm to the others',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--limit-user-connections', '1', '--rate-refusals', '1:40');
  const bob = await clientAs(t, 'bob', daemon.url);
  for (let round = 0; round < 20; round += 1) {
    // The connection rests, with nothing to be sent to it, and is replaced by the next one.
    const resting = await webSocketOf(t, daemon.port);
    await resting.send(
      text(JSON.stringify({ type: 'register', userId: `alice ${round}` })),
      ...Array.from({ length: 40 }, () => text('{')),
    );
    await pause(20);
    await clientAs(t, `alice ${round}`, daemon.url);
    // The connection is closed in the middle of the frames of one read.
    const unknown = await webSocketOf(t, daemon.port);
    await unknown.send(...Array.from({ length: 39 }, () => text('{')));
    await pause(round % 2 ? 5 : 250);
    await unknown.send(...Array.from({ length: 400 }, () => ping()));
  }
  assert.equal((await bob.ask({ type: 'ping' })).type, 'pong');
});

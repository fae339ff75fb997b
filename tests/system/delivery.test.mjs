// SPDX-License-Identifier: Apache-2.0
// How frames leave: to many clients at once, to slow readers, by io_uring and by send. Both ways give the same frames.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonWith } from './support/daemon.mjs';
import { closing, op, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { pause } from './support/processes.mjs';
import { metric, metricsOf } from './support/exposition.mjs';

const flags = ['--rate-messages', '0', '--rate-typing', '0', '--workers', '1'];
const filler = (size, n) => `${n} `.padEnd(size, 'abcdefghijklmnopqrstuvwxyz');

async function sendingBy(t, method, ...more) {
  const daemon = await daemonWith(t, ...flags, '--batch-send', method, ...more);
  assert.equal(daemon.send, method);
  return daemon;
}

// A TCP peer that is registered and in the room, and reads nothing from then on.
async function sleeper(t, daemon, name, room) {
  const peer = await webSocketOf(t, daemon.port);
  await peer.send(
    text(JSON.stringify({ type: 'register', userId: name })),
    text(JSON.stringify({ type: 'joinRoom', roomId: room })),
  );
  await peer.frame();
  await peer.frame();
  peer.socket.pause();
  return peer;
}

async function crowd(t, daemon, size, room) {
  const people = [];
  for (let n = 0; n < size; n += 1) {
    const person = await clientAs(t, `person ${n}`, daemon.url);
    await person.join(room);
    people.push(person);
  }
  return people;
}

for (const method of ['send', 'io_uring']) {
  test(`${method}: everybody gets everything, small and large, in order`, bounded, async (t) => {
    const daemon = await sendingBy(t, method);
    const speaker = await clientAs(t, 'speaker', daemon.url);
    await speaker.join('hall');
    const people = await crowd(t, daemon, 60, 'hall');
    const sizes = [0, 1, 20, 125, 126, 1000, 60_000, 3, 65_000, 2];
    for (let n = 0; n < 60; n += 1)
      speaker.say({ type: 'message', roomId: 'hall', content: filler(sizes[n % sizes.length], n) });
    for (const person of people) {
      for (let n = 0; n < 60; n += 1) {
        const { content, seq } = await person.hears({ type: 'message', senderId: 'speaker' });
        assert.deepEqual([seq, content === filler(sizes[n % sizes.length], n)], [n + 1, true]);
      }
    }
    assert.deepEqual(await speaker.rest(), []);
  });

  test(`${method}: one reader that sleeps is let go with 4430, and holds nobody up`, bounded, async (t) => {
    const daemon = await sendingBy(t, method, '--limit-outbox', '1000000');
    const speaker = await clientAs(t, 'speaker', daemon.url);
    await speaker.join('hall');
    const sleepy = await sleeper(t, daemon, 'sleepy', 'hall');
    const people = await crowd(t, daemon, 5, 'hall');
    const count = 300;
    const content = (n) => filler(60_000, n);
    for (let n = 0; n < count; n += 1) {
      await speaker.ask({ type: 'message', roomId: 'hall', content: content(n) });
      for (const person of people) {
        let frame;
        do frame = JSON.parse(await person.raw());
        while (frame.type === 'userOffline' && frame.userId === 'sleepy');
        assert.deepEqual([frame.seq, frame.content === content(n)], [n + 1, true]);
      }
    }
    // The sleeper reads on: whole frames in order, then the close frame with the reason.
    sleepy.socket.resume();
    let last = 0;
    for (;;) {
      const frame = await sleepy.frame();
      if (frame.opcode === op.close) {
        assert.equal(frame.payload.readUInt16BE(), 4430, frame.payload.toString('utf8', 2));
        break;
      }
      const { seq } = JSON.parse(frame.payload);
      assert.equal(seq, (last += 1));
    }
    assert.ok(last < count);
    await sleepy.send(closing(4430));
    await sleepy.ends();
    const numbers = await metricsOf(daemon);
    assert.equal(numbers.get('hiky_slow_connections_closed_total'), 1);
  });

  test(`${method}: a reader that is slow but not too slow gets all of it`, bounded, async (t) => {
    const daemon = await sendingBy(t, method, '--limit-outbox', '40000000');
    const speaker = await clientAs(t, 'speaker', daemon.url);
    await speaker.join('hall');
    const slow = await Promise.all(['a', 'b', 'c', 'd'].map((name) => sleeper(t, daemon, name, 'hall')));
    for (let n = 0; n < 400; n += 1)
      await speaker.ask({ type: 'message', roomId: 'hall', content: filler(n % 10 ? 100 : 60_000, n) });
    for (let n = 0; n < 200; n += 1) await speaker.ask({ type: 'message', roomId: 'hall', content: filler(60_000, n) });
    for (const peer of slow) {
      for (let n = 0; n < 600; n += 1) {
        if (n % 100 === 0) {
          peer.socket.pause();
          await pause(5);
          peer.socket.resume();
        }
        const received = await peer.frame(); // the peer is asked for receipts and gives none
        assert.equal(JSON.parse(received.payload).seq, n + 1);
      }
    }
  });

  test(`${method}: for a slow reader typing is left out first, and messages are not`, bounded, async (t) => {
    const daemon = await sendingBy(t, method, '--limit-outbox', '1000000');
    const speaker = await clientAs(t, 'speaker', daemon.url);
    await speaker.join('hall');
    const sleepy = await sleeper(t, daemon, 'sleepy', 'hall');
    // Until the kernel's buffers are full and the outbox is half full.
    const shed = () => metric(daemon, 'hiky_shed_frames_total{class="typing"}');
    let said = 0;
    do {
      assert.ok(said < 1_000, 'nothing was left out');
      await speaker.ask({ type: 'message', roomId: 'hall', content: filler(50_000, (said += 1)) });
      speaker.say({ type: 'typing', roomId: 'hall', content: said % 2 });
      await speaker.settle();
    } while ((await shed()) < 3);
    sleepy.socket.resume();
    let last = 0;
    while (last < said) {
      const frame = JSON.parse((await sleepy.frame()).payload);
      if (frame.type === 'message') assert.equal(frame.seq, (last += 1));
    }
  });
}

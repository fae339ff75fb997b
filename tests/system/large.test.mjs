// SPDX-License-Identifier: Apache-2.0
// Many large messages at once: mailboxes, pages of history, bursts. None may be more than the connection takes, or hold
// others up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metric } from './support/exposition.mjs';
import { closing, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { until } from './support/processes.mjs';
import { folder, look, Redis, startRedis } from './support/redis.mjs';

const filler = (n) => `${n} `.padEnd(60_000, 'abcdefghijklmnopqrstuvwxyz');
const oneWorker = (t, ...flags) => daemonWith(t, '--rate-messages', '0', '--workers', '1', ...flags);

// Mail for bob as another program may have left it: more than our own messages may fill a mailbox with.
async function plant(t, daemon, first, last) {
  const redis = await look(t, daemon.redisSocket);
  for (let seq = first; seq <= last; seq += 1) {
    const frame = {
      type: 'message',
      roomId: 'tea',
      senderId: 'alice',
      content: filler(seq),
      timestamp: new Date().toISOString(),
      messageId: `e:${seq}`,
      seq,
    };
    await redis.command('LPUSH', 'ws:offline_messages:bob', JSON.stringify(frame));
  }
  return redis;
}

async function talk(t, daemon, count) {
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  for (let n = 1; n <= count; n += 1)
    assert.equal((await alice.ask({ type: 'message', roomId: 'tea', content: filler(n) })).type, 'messageAck');
  return alice;
}

// Bob has the first message and resumes behind it. That brings 59 more.
async function resumes(t, daemon) {
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  const alice = await talk(t, daemon, 1);
  const { messageId } = await bob.hears({ type: 'message' });
  await bob.leaves();
  for (let n = 2; n <= 60; n += 1) await alice.ask({ type: 'message', roomId: 'tea', content: filler(n) });
  const back = await clientAs(t, undefined, daemon.url);
  back.say({ type: 'register', userId: 'bob', ack: true, resume: { tea: messageId } });
  return back;
}

for (const [ack, how] of [[false, ''], [true, ', confirmed by name'], [true, ', confirmed frame by frame']]) {
  test(`a mailbox of six megabytes reaches its owner, in portions and in order${how}`, bounded, async (t) => {
    const daemon = await oneWorker(t);
    const bob = await clientAs(t, 'bob', daemon.url);
    await bob.join('tea');
    await bob.leaves();
    const redis = await plant(t, daemon, 6, 105);
    await redis.command('SET', 'ws:offline_dropped:bob', 5);
    const back = await clientAs(t, 'bob', daemon.url, { fields: ack ? { ack } : {} });
    const got = [];
    for (let portions = 1; got.length < 100; portions += 1) {
      const { count, messages, dropped } = await back.hears({ type: 'offlineMessages' });
      assert.equal(count, messages.length);
      assert.equal(dropped, portions === 1 ? 5 : undefined);
      got.push(...messages);
      if (ack) back.say({ type: 'offlineAck', upTo: how.endsWith('name') ? messages.at(-1).messageId : undefined });
    }
    assert.deepEqual(got.map(({ seq }) => seq), Array.from({ length: 100 }, (_, n) => n + 6));
    assert.ok(got.every(({ seq, content }) => content === filler(seq)));
    await until('the queue to be empty', async () => (await redis.command('KEYS', 'ws:offline_*')).length === 0);
    assert.ok(back.isOpen);
  });
}

test('one confirmation that names nothing confirms one portion', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  await bob.leaves();
  await plant(t, daemon, 1, 10);
  const back = await clientAs(t, 'bob', daemon.url, { fields: { ack: true } });
  const { count } = await back.hears({ type: 'offlineMessages' });
  back.say({ type: 'offlineAck' });
  while ((await back.hears({ type: 'offlineMessages' })).messages.at(-1).seq < 10);
  await back.rest();
  await back.leaves();
  const again = await clientAs(t, 'bob', daemon.url);
  assert.equal((await again.hears({ type: 'offlineMessages' })).messages[0].seq, count + 1);
});

test('a page of history ends by its size too, and the next begins behind it', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const alice = await talk(t, daemon, 20);
  const seen = [];
  for (let before; ; ) {
    const { messages, complete } = await alice.ask({ type: 'history', roomId: 'tea', limit: 200, before });
    assert.equal(messages.length, 1, 'messages of 60,000 bytes');
    seen.unshift(...messages.map(({ seq }) => seq));
    before = messages[0].messageId;
    if (complete) break;
  }
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, n) => n + 1));
});

test('a join since long ago brings the first messages and says that there are more', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const alice = await talk(t, daemon, 20);
  const { messages } = await alice.ask({ type: 'history', roomId: 'tea', limit: 1 });
  const bob = await clientAs(t, 'bob', daemon.url);
  const joined = await bob.ask({
    type: 'joinRoom',
    roomId: 'tea',
    since: messages[0].messageId.replace(/:\d+$/, ':2'),
  });
  assert.equal(joined.recovered, false);
  assert.deepEqual(joined.messages.map(({ seq }) => seq), [3]);
});

test('a resume brings megabytes, whole', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const back = await resumes(t, daemon);
  const { resumed } = await back.hears({ type: 'registered' });
  assert.deepEqual(resumed, { tea: { recovered: true, count: 59 } });
  for (let n = 2; n <= 60; n += 1) assert.equal((await back.hears({ type: 'message' })).seq, n);
});

test('a resume of many rooms brings sixteen megabytes; the rest is told of as a gap', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const rooms = Array.from({ length: 6 }, (_, n) => `room ${n}`);
  const [bob, alice] = [await clientAs(t, 'bob', daemon.url), await clientAs(t, 'alice', daemon.url)];
  for (const room of rooms) await Promise.all([bob.join(room), alice.ask({ type: 'joinRoom', roomId: room })]);
  const since = {};
  for (const room of rooms)
    since[room] = (await alice.ask({ type: 'message', roomId: room, content: 'first' })).messageId;
  await bob.rest();
  await bob.leaves();
  for (const room of rooms)
    for (let n = 2; n <= 61; n += 1) await alice.ask({ type: 'message', roomId: room, content: filler(n) });
  const back = await clientAs(t, undefined, daemon.url);
  back.say({ type: 'register', userId: 'bob', ack: true, resume: since });
  const { resumed } = await back.hears({ type: 'registered' });
  const counts = rooms.map((room) => resumed[room].count);
  assert.deepEqual(
    rooms.map((room) => resumed[room].recovered),
    [true, true, true, true, false, false],
    JSON.stringify(resumed),
  );
  assert.deepEqual(counts.slice(0, 4), [60, 60, 60, 60]);
  assert.ok(counts[4] > 20 && counts[4] < 40 && counts[5] >= 1 && counts[5] < 5, `${counts.slice(4)} of the others`);
  for (const [n, room] of rooms.entries()) {
    if (!resumed[room].recovered) await back.hears({ type: 'gap', roomId: room, from: counts[n] + 2, to: 61 });
    for (let seq = 2; seq < counts[n] + 2; seq += 1) await back.hears({ type: 'message', roomId: room, seq });
  }
});

test('a client that asks for much behind a resume gets both', bounded, async (t) => {
  const daemon = await oneWorker(t, '--rate-requests', '0');
  const back = await resumes(t, daemon);
  // More requests than may wait, so that the server does not read from the client any more; its pongs neither.
  for (let n = 0; n < 1_000; n += 1) back.say({ type: 'history', roomId: 'tea', limit: 1, id: `${n}` });
  await back.hears({ type: 'registered' });
  for (let n = 2; n <= 60; n += 1) assert.equal((await back.hears({ type: 'message' })).seq, n);
  await back.hears({ type: 'offlineMessages', count: 0 }); // not all found room there
  for (let n = 0; n < 1_000; n += 1) await back.hears({ type: 'history', id: `${n}` });
});

test('of clients that have closed while Redis hung, a bounded number of requests is remembered', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: ['--rate-messages', '0', '--workers', '1', '--lease', '60'],
  });
  const listener = await clientAs(t, 'listener', daemon.url);
  await listener.join('tea');
  const people = await Promise.all(Array.from({ length: 100 }, (_, n) => clientAs(t, `u${n}`, daemon.url)));
  await Promise.all(people.map((person) => person.ask({ type: 'joinRoom', roomId: 'tea' })));
  await listener.rest();
  redis.signal('SIGSTOP');
  for (const person of people)
    for (let n = 0; n < 4; n += 1) person.say({ type: 'message', roomId: 'tea', content: filler(n) });
  await Promise.all(people.map((person) => person.leaves()));
  redis.signal('SIGCONT');
  const dropped = () => daemon.told.stderr.match(/session\.requests_dropped/g)?.length ?? 0;
  await until(
    'the end of the last',
    async () => (await listener.ask({ type: 'joinRoom', roomId: 'tea' })).participantCount === 1,
  );
  assert.ok(dropped() > 0 && dropped() < 50, `${dropped()} of 100 dropped`);
  const counted = await metric(daemon, 'hiky_requests_dropped_total');
  assert.ok(counted >= dropped() && counted <= 4 * dropped(), `${counted} requests of ${dropped()} people`);
});

test('messages from just before the close are sent', bounded, async (t) => {
  const daemon = await oneWorker(t);
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  const peer = await webSocketOf(t, daemon.port);
  const say = (frame) => text(JSON.stringify(frame));
  const messages = Array.from({ length: 20 }, (_, n) => say({ type: 'message', roomId: 'tea', content: n }));
  await peer.send(
    say({ type: 'register', userId: 'alice' }),
    say({ type: 'joinRoom', roomId: 'tea' }),
    ...messages,
    closing(1000),
  );
  for (let n = 0; n < 20; n += 1) await bob.hears({ type: 'message', senderId: 'alice', content: n });
  await bob.hears({ type: 'userOffline', userId: 'alice' });
});

test('messages of one sender keep their order when Redis has forgotten the script', bounded, async (t) => {
  const daemon = await oneWorker(t, '--rate-requests', '0');
  const redis = await Redis.connect(daemon.redisSocket);
  t.after(() => redis.close());
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const count = 2_000;
  const flushing = setInterval(() => redis.command('SCRIPT', 'FLUSH').catch(() => {}), 20);
  t.after(() => clearInterval(flushing));
  for (let n = 0; n < count; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n });
  for (let n = 0; n < count; n += 1) assert.equal((await bob.hears({ type: 'message' })).content, n);
});

// SPDX-License-Identifier: Apache-2.0
// Limits without a flag: on requests, on long answers, and on frames. Each has its number in /metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { metricsOf } from './support/exposition.mjs';
import { binary, fragments, op, text } from './support/frames.mjs';
import { matches } from './support/match.mjs';
import { peerOf, webSocketOf } from './support/peer.mjs';
import { until } from './support/processes.mjs';
import { look } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(['--rate-messages', '0', '--rate-requests', '0']);
const numbers = () => metricsOf(stage.daemon);
// The growth of the metrics since the last look.
async function since() {
  const before = await numbers();
  return async (name) => (await numbers()).get(name) - before.get(name);
}
const many = (count, each = (n) => `user ${n}`) => Array.from({ length: count }, (_, n) => each(n));
const rooms = (count) => Object.fromEntries(many(count, (n) => [`room ${n}`, 'e:1']));
const deep = (levels) => `{"type":"ping","x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

// Values at the limit, and values one beyond it.
const requests = {
  'a room’s id of 128 bytes': [
    { type: 'joinRoom', roomId: 'r'.repeat(128) },
    { type: 'joinRoom', roomId: 'r'.repeat(129) },
  ],
  'a user’s id of 128 bytes': [
    { type: 'watchPresence', userIds: ['u'.repeat(128)] },
    { type: 'watchPresence', userIds: ['u'.repeat(129)] },
  ],
  'a clientMsgId of 128 bytes': [128, 129].map((size) => ({
    type: 'message',
    roomId: 'tea',
    content: 1,
    clientMsgId: 'm'.repeat(size),
  })),
  'userIds of 1,000 to look at': [
    { type: 'getOnlineStatus', userIds: many(1000) },
    { type: 'getOnlineStatus', userIds: many(1001) },
  ],
  'userIds of 1,000 to watch': [
    { type: 'watchPresence', userIds: many(1000) },
    { type: 'watchPresence', userIds: many(1001) },
  ],
  'a history of 200': [
    { type: 'history', roomId: 'tea', limit: 200 },
    { type: 'history', roomId: 'tea', limit: 201 },
  ],
  'a page of 1,000 participants': [
    { type: 'participants', roomId: 'tea', limit: 1000 },
    { type: 'participants', roomId: 'tea', limit: 1001 },
  ],
  'a token of 8 KiB': [8192, 8193].map((size) => ({ type: 'register', userId: 'alice', token: 't'.repeat(size) })),
};
for (const [what, [most, tooMuch]] of Object.entries(requests)) {
  test(`${what} is let in, and more is invalid`, bounded, async (t) => {
    const alice = await clientAs(t, 'alice', stage.daemon.url);
    await alice.join('tea');
    const more = await since();
    assert.notEqual((await alice.ask(most)).type, 'error');
    const code = tooMuch.userIds?.length > 1 ? 'too_large' : 'invalid_argument';
    matches({ type: 'error', code }, await alice.ask(tooMuch));
    assert.equal(await more(`hiky_frames_refused_total{code="${code}"}`), 1);
  });
}

test('a request’s id of 64 bytes is let in, and more is invalid', bounded, async (t) => {
  const alice = await clientAs(t, 'alice', stage.daemon.url);
  const more = await since();
  alice.say({ type: 'ping', id: 'i'.repeat(64) });
  await alice.hears({ type: 'pong', id: 'i'.repeat(64) });
  alice.say({ type: 'ping', id: 'i'.repeat(65) });
  await alice.hears({ type: 'error', code: 'invalid_argument' });
  assert.equal(await more('hiky_frames_refused_total{code="invalid_argument"}'), 1);
});

test('JSON of 128 levels is read, and deeper is not', bounded, async (t) => {
  const alice = await clientAs(t, 'alice', stage.daemon.url);
  const more = await since();
  alice.say(deep(128));
  await alice.hears({ type: 'pong' });
  alice.say(deep(129));
  await alice.hears({ type: 'error', code: 'bad_json' });
  assert.equal(await more('hiky_frames_refused_total{code="bad_json"}'), 1);
});

test('a resume of 512 rooms is answered, and one of more is too large', bounded, async (t) => {
  const more = await since();
  const alice = await clientAs(t, undefined, stage.daemon.url);
  matches(
    { type: 'error', code: 'too_large' },
    await alice.ask({ type: 'register', userId: 'alice', resume: rooms(513) }),
  );
  const { type, resumed } = await alice.ask({ type: 'register', userId: 'alice', resume: rooms(512) });
  assert.equal(type, 'registered');
  assert.equal(Object.keys(resumed).length, 512);
  assert.equal(await more('hiky_frames_refused_total{code="too_large"}'), 1);
});

test('joinedRoom names 1,000 participants, and says how many there are', bounded, async (t) => {
  const store = await look(t, stage.daemon.redisSocket);
  await store.command('SADD', 'ws:room_participants:crowd', ...many(1100));
  const alice = await clientAs(t, 'alice', stage.daemon.url);
  const more = await since();
  const { participants, participantCount, truncated } = await alice.join('crowd');
  assert.deepEqual([participants.length, participantCount, truncated], [1000, 1101, true]);
  await alice.join('tea');
  assert.equal(await more('hiky_participants_truncated_total'), 1);
});

test('a page of a large room has about the size that was asked for, with any cursor', bounded, async (t) => {
  const store = await look(t, stage.daemon.redisSocket);
  for (let n = 0; n < 20; n += 1)
    await store.command('SADD', 'ws:room_participants:stadium', ...many(1000, (i) => `user ${n} ${i}`));
  const alice = await clientAs(t, 'alice', stage.daemon.url);
  await alice.join('stadium');
  const hex = (text) => Buffer.from(text).toString('hex');
  for (const cursor of [
    undefined,
    hex('k'),
    hex('kuser'),
    hex('s'),
    hex('s0'),
    hex('s12345'),
    hex('s18446744073709551615'),
    hex(`k${'z'.repeat(400)}`),
    hex('x'),
  ]) {
    const answer = await alice.ask({ type: 'participants', roomId: 'stadium', limit: 1000, cursor });
    assert.ok(
      answer.type === 'error' ? answer.code === 'invalid_argument' : answer.participants.length <= 1_100,
      `${cursor}: ${JSON.stringify(answer).slice(0, 200)}`,
    );
  }
});

test('an incomplete answer to since says so, and is counted', bounded, async (t) => {
  const [alice, bob] = [await clientAs(t, 'alice', stage.daemon.url), await clientAs(t, 'bob', stage.daemon.url)];
  await alice.join('long');
  const { messageId } = await alice.ask({ type: 'message', roomId: 'long', content: 0 });
  const more = await since();
  for (const [missed, recovered] of [[200, true], [201, false]]) {
    while ((await alice.ask({ type: 'history', roomId: 'long', limit: 1 })).messages[0].seq <= missed) {
      await alice.ask({ type: 'message', roomId: 'long', content: 'x' });
    }
    const joined = await bob.ask({ type: 'joinRoom', roomId: 'long', since: messageId });
    assert.deepEqual([joined.messages.length, joined.recovered], [200, recovered]);
    await bob.ask({ type: 'leaveRoom', roomId: 'long' });
  }
  assert.equal(await more('hiky_unrecovered_rooms_total'), 1);
});

test('a mailbox holds 100 messages, and dropped ones are told and counted', bounded, async (t) => {
  const alice = await clientAs(t, 'alice', stage.daemon.url);
  const away = await clientAs(t, 'away', stage.daemon.url);
  for (const client of [alice, away]) await client.join('mail');
  await away.leaves();
  await alice.hears({ type: 'userOffline', userId: 'away' });
  for (let n = 1; n <= 105; n += 1) await alice.ask({ type: 'message', roomId: 'mail', content: n });
  const more = await since();
  const back = await clientAs(t, 'away', stage.daemon.url);
  const { count, messages, dropped } = await back.hears({ type: 'offlineMessages' });
  assert.deepEqual([count, messages[0].content, dropped], [100, 6, 5]);
  assert.equal(await more('hiky_offline_messages_dropped_total'), 5);
  assert.equal(await more('hiky_offline_messages_delivered_total'), 100);
});

test('a client that breaks a rule of the protocol is closed, and counted by the code', bounded, async (t) => {
  const broken = { 1002: [text('{}', { masked: false })], 1003: [binary('x')], 1007: [text(Buffer.from([0xff]))],
    1008: fragments(op.text, many(1025, () => '')), 1009: [text('x'.repeat(65_537))] };
  const more = await since();
  for (const [code, bytes] of Object.entries(broken)) {
    const peer = await webSocketOf(t, stage.daemon.port);
    await peer.send(...bytes);
    if (code === '1009') assert.match(String((await peer.frame()).payload), /"code":"too_large"/);
    assert.equal((await peer.closed()).code, Number(code));
    assert.equal(await more(`hiky_violating_connections_closed_total{code="${code}"}`), 1, code);
  }
  assert.equal(await more('hiky_violating_connections_closed_total'), 5);
  const peer = await webSocketOf(t, stage.daemon.port);
  await peer.send(...fragments(op.text, ['{"type":"ping"}', ...many(1023, () => '')]));
  await peer.receives(op.text, '{"type":"pong"}');
});

test('a frame that is no request, or too large a one, is refused and counted', bounded, async (t) => {
  const head = (size) => `GET /ready HTTP/1.1\r\nHost: x\r\nLong: ${'x'.repeat(size)}\r\n\r\n`;
  const body = (size) => `POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`;
  const cases = [
    ['head', head(16_000), 200],
    ['head', head(16_400), 431],
    ['body', body(65_536), 405],
    ['body', body(65_537), 413],
    ['malformed', 'tea\r\n\r\n', 400],
  ];
  for (const [reason, bytes, status] of cases) {
    const more = await since();
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(bytes);
    assert.equal((await peer.answer()).status, status);
    const counted = `hiky_unread_requests_total{reason="${reason}"}`;
    await until('it to be counted', async () => (await more(counted)) === (status === 200 || status === 405 ? 0 : 1));
  }
});

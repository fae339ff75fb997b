// SPDX-License-Identifier: Apache-2.0
// permessage-deflate between clients and hikyd: the same frames in fewer bytes, for clients that offered it, compressed
// once for all of them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { offer, op, inflated, squeezed, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { folder } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(['--rate-messages', '0']);
const metrics = () => metricsOf(stage.daemon);
const long = (size, salt = '') =>
  `${salt}${'the kettle is on, and the cups are blue. '.repeat(size / 40)}`.slice(0, size);
const register = (user) => text(JSON.stringify({ type: 'register', userId: user }));
const enter = (room) => text(JSON.stringify({ type: 'joinRoom', roomId: room }));

// A peer in the room. It has read all frames of its arrival.
async function peerIn(t, user, room, changes) {
  const peer = await webSocketOf(t, stage.daemon.port, changes);
  await peer.send(register(user), enter(room));
  await peer.frame();
  await peer.frame();
  return peer;
}

test('a client that offers compression gets long messages compressed, others get them plain, and both read the same',
  bounded, async (t) => {
  const alice = await clientAs(t, 'alice', stage.daemon.url, { perMessageDeflate: false });
  await alice.join('both');
  const [plain, packed] = [await peerIn(t, 'paul', 'both'), await peerIn(t, 'petra', 'both', offer)];
  for (const [size, compressed] of [[100, false], [800, false], [1_000, true], [30_000, true]]) {
    alice.say({ type: 'message', roomId: 'both', content: long(size) });
    const [one, other] = [await plain.frame(), await packed.frame()];
    assert.equal(one.compressed, false);
    assert.equal(other.compressed, compressed, `${size} bytes`);
    assert.ok((compressed ? inflated(other.payload) : other.payload).equals(one.payload));
    assert.ok(!compressed || other.payload.length < one.payload.length / 2);
    assert.equal(JSON.parse(one.payload).content, long(size));
  }
});

test('a message is compressed once, however many get it', bounded, async (t) => {
  const alice = await clientAs(t, 'anna', stage.daemon.url, { perMessageDeflate: false });
  await alice.join('many');
  const crowd = [];
  for (let n = 0; n < 12; n += 1) crowd.push(await clientAs(t, `one of many ${n}`, stage.daemon.url));
  for (const each of crowd) await each.join('many');
  const before = await metrics();
  alice.say({ type: 'message', roomId: 'many', content: long(2_000) });
  for (const each of crowd) await each.hears({ type: 'message', content: long(2_000) });
  const after = await metrics();
  const more = (name) => after.get(name) - before.get(name);
  assert.ok(more('hiky_deflated_frames_total') >= 1);
  assert.ok(more('hiky_deflated_frames_total') <= stage.daemon.workers);
  assert.ok(more('hiky_saved_bytes_total') > 12 * 1_000);
  assert.equal(more('hiky_frames_sent_total{type="message"}'), 12);
});

test('a message is compressed by itself: an earlier message does not make it smaller', bounded, async (t) => {
  const victim = await clientAs(t, 'victim', stage.daemon.url, { perMessageDeflate: false });
  const guesser = await clientAs(t, 'guesser', stage.daemon.url, { perMessageDeflate: false });
  for (const client of [victim, guesser]) await client.join('secret');
  const ear = await peerIn(t, 'ear', 'secret', offer);
  // Nothing in it repeats, so that only another message could make it smaller.
  const [secret, other] = [0, 1].map(() => randomBytes(3_000).toString('base64'));
  const heard = async (client, content) => {
    await client.ask({ type: 'message', roomId: 'secret', content });
    const { payload, compressed } = await ear.frame();
    assert.ok(compressed);
    assert.equal(JSON.parse(inflated(payload)).content, content, 'it needs nothing of earlier messages');
    return payload.length;
  };
  await heard(victim, secret);
  const [right, wrong] = [await heard(guesser, secret), await heard(guesser, other)];
  assert.ok(Math.abs(right - wrong) < 60, `${right} bytes for the right guess, ${wrong} for a wrong one`);
});

const agreed = { server_no_context_takeover: true, client_no_context_takeover: true };
const offers = {
  'as browsers do': [{}, agreed],
  'without context takeover': [{ serverNoContextTakeover: true, clientNoContextTakeover: true }, agreed],
  'with a small window of its own': [{ clientMaxWindowBits: 9 }, { ...agreed, client_max_window_bits: 9 }],
  'with a small window of the server': [{ serverMaxWindowBits: 10 }, { ...agreed, server_max_window_bits: 10 }],
  'and compresses everything': [{ threshold: 0 }, agreed],
};
for (const [how, [options, answer]] of Object.entries(offers)) {
  test(`npm's ws talks to another one ${how}`, bounded, async (t) => {
    const room = `ws ${how}`;
    const [alice, bob] = [
      await clientAs(t, `alice ${how}`, stage.daemon.url, { perMessageDeflate: options }),
      await clientAs(t, `bob ${how}`, stage.daemon.url, { perMessageDeflate: options }),
    ];
    assert.deepEqual({ ...bob.raw_socket._extensions['permessage-deflate'].params }, answer);
    await alice.join(room);
    await bob.join(room);
    for (const size of [0, 1, 500, 1_000, 1_024, 1_025, 5_000, 40_000]) {
      alice.say({ type: 'message', roomId: room, content: long(size, 'é') });
      await bob.hears({ type: 'message', senderId: `alice ${how}`, content: long(size, 'é') });
    }
    assert.deepEqual(await bob.rest(), []);
  });
}

test('long answers are compressed too: history, and mail for a user who was away', bounded, async (t) => {
  const alice = await clientAs(t, 'ada', stage.daemon.url);
  await alice.join('past');
  const away = await peerIn(t, 'bert', 'past', offer);
  away.destroy();
  await alice.hears({ type: 'userOffline', userId: 'bert' });
  for (let n = 0; n < 20; n += 1) await alice.ask({ type: 'message', roomId: 'past', content: `${n}: ${long(80)}` });
  const back = await webSocketOf(t, stage.daemon.port, offer);
  await back.send(register('bert'));
  assert.equal(JSON.parse((await back.frame()).payload).type, 'registered');
  const mail = await back.frame();
  assert.ok(mail.compressed);
  assert.equal(JSON.parse(inflated(mail.payload)).count, 20);
  await back.send(squeezed(op.text, JSON.stringify({ type: 'history', roomId: 'past' })));
  const history = await back.frame();
  assert.ok(history.compressed);
  assert.equal(JSON.parse(inflated(history.payload)).messages.length, 20);
});

test('a compressed request counts like a plain one: requests, refusals, rates', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '1:3');
  const peer = await webSocketOf(t, daemon.port, offer);
  const say = (frame) => peer.send(squeezed(op.text, typeof frame === 'string' ? frame : JSON.stringify(frame)));
  await say({ type: 'register', userId: 'dora' });
  await say({ type: 'joinRoom', roomId: 'rates' });
  await peer.frame();
  await peer.frame();
  await say('put the kettle on');
  await say({ type: 'ping', id: '1' });
  for (let n = 0; n < 4; n += 1) await say({ type: 'message', roomId: 'rates', content: 'x', id: `m${n}` });
  const told = [];
  for (let n = 0; n < 6; n += 1) told.push(JSON.parse((await peer.frame()).payload));
  assert.deepEqual(told.map(({ code, type }) => code ?? type).sort(), [
    'bad_json',
    'messageAck',
    'messageAck',
    'messageAck',
    'pong',
    'rate_limited',
  ]);
  await peer.send(squeezed(op.binary, 'bytes'));
  assert.equal((await peer.closed()).code, 1003);
});

test('--compress-from sets the length from which messages are compressed, and with 0 nothing is negotiated',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--compress-from', '200');
  const peer = await webSocketOf(t, daemon.port, offer);
  await peer.send(
    register('e'),
    text(JSON.stringify({ type: 'ping', id: 'x'.repeat(64) })),
    text(JSON.stringify({ type: 'pour', id: 'x'.repeat(64) })),
  );
  assert.deepEqual(
    [await peer.frame(), await peer.frame(), await peer.frame()].map(({ compressed }) => compressed),
    [false, false, true],
  );

  const off = await daemonWith(t, '--compress-from', '0');
  const refused = await webSocketOf(t, off.port, offer);
  await refused.send(squeezed(op.text, '{"type":"ping"}'));
  assert.equal((await refused.closed()).code, 1002);
});

test('over TLS it is the same', bounded, async (t) => {
  const where = await folder(t);
  const by = await authority(where);
  const { cert, key } = await certificate(where, by, 'localhost', 'DNS:localhost,IP:127.0.0.1');
  const daemon = await daemonFor(t, { data: join(where, 'data'), flags: ['--tls-cert', cert, '--tls-key', key] });
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map((name) => clientAs(t, name, daemon.url, { rejectUnauthorized: false })),
  );
  await alice.join('tls');
  await bob.join('tls');
  alice.say({ type: 'message', roomId: 'tls', content: long(20_000) });
  await bob.hears({ type: 'message', content: long(20_000) });
  assert.equal(Object.keys(bob.raw_socket._extensions).join(), 'permessage-deflate');
});

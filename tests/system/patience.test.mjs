// SPDX-License-Identifier: Apache-2.0
// How long the daemon waits for each kind of peer. The tests wait side by side, since each deadline takes its own time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { binary, op, pong, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);
const patience = 60_000;

// Runs `wait` and demands that it takes from `least` to `most` seconds.
async function takes(least, most, wait) {
  const begin = Date.now();
  const result = await wait();
  const took = (Date.now() - begin) / 1000;
  assert.ok(took >= least && took <= most, `took ${took} s, not ${least} to ${most}`);
  return result;
}

const registered = async (t, user, daemon = stage.daemon) => {
  const peer = await webSocketOf(t, daemon.port);
  await peer.send(
    text(JSON.stringify({ type: 'register', userId: user })),
    text(JSON.stringify({ type: 'joinRoom', roomId: user })),
  );
  assert.match((await peer.frame()).payload.toString(), /"registered"/);
  assert.match((await peer.frame()).payload.toString(), /"joinedRoom"/);
  return peer;
};

const waits = {
  'a half-finished handshake is told after ten seconds that it was too slow': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(handshake().slice(0, -2));
    const answer = await takes(9, 12, () => peer.answer(patience));
    assert.equal(answer.status, 408, answer.body);
    assert.match(answer.body, /did not arrive in time/);
    await peer.ends();
  },

  'a handshake that drips in has no longer': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    const begin = Date.now();
    for (const byte of handshake()) {
      if (peer.failure || Date.now() - begin > 12_000) break;
      peer.send(byte);
      await pause(200);
    }
    assert.equal((await peer.answer())?.status, 408);
  },

  'a connection without a word is closed': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await takes(9, 12, () => peer.ends(patience));
  },

  'half a body is waited for as long as half a head': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(
      `POST /api/v1/rooms/tea/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.all}\r\nContent-Length: 10\r\n\r\nhalf`,
    );
    assert.equal((await takes(9, 12, () => peer.answer(patience))).status, 408);
  },

  'a WebSocket that does not register is closed with 4408': async (t) => {
    const peer = await webSocketOf(t, stage.daemon.port);
    assert.deepEqual(await takes(9, 12, () => peer.closed(patience)), { code: 4408, reason: 'no register in time' });
  },

  'talking is not registering': async (t) => {
    const peer = await webSocketOf(t, stage.daemon.port);
    for (let i = 0; i < 8; i += 1) {
      await peer.send(text('{"type":"ping"}'), pong('so there'));
      await peer.receives(op.text, '{"type":"pong"}');
      await pause(1_000);
    }
    assert.equal((await takes(0.5, 4, () => peer.closed(patience))).code, 4408);
  },

  'a close that nobody answers is over after five seconds': async (t) => {
    const peer = await webSocketOf(t, stage.daemon.port);
    await peer.send(binary('not for you'));
    assert.equal((await peer.closed()).code, 1003);
    await takes(4, 7, () => peer.ends(patience));
  },

  'an HTTP connection may rest for longer than a balancer uses it again': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await peer.answer()).status, 200);
    await takes(74, 78, () => peer.ends(85_000));
  },

  'a later request that has begun has no longer than the first': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await peer.answer()).status, 200);
    await pause(2_000);
    await peer.send('GET /ready HTTP/1.1\r\n');
    assert.equal((await takes(9, 12, () => peer.answer(patience))).status, 408);
    await peer.ends();
  },

  'a client that answers no ping is gone after 35 seconds, and the room hears it': async (t) => {
    const bob = await clientAs(t, 'bob', stage.daemon.url);
    const silent = await registered(t, 'silent');
    await bob.join('silent');
    await takes(24, 28, async () => assert.equal((await silent.frame(patience, { pings: true })).opcode, op.ping));
    await takes(9, 12, async () => {
      await bob.hears({ type: 'userOffline', userId: 'silent' }, { within: patience });
    });
    await silent.ends();
  },

  'a client that answers pings stays': async (t) => {
    const alive = await registered(t, 'alive');
    const { opcode, payload } = await alive.frame(patience, { pings: true });
    assert.equal(opcode, op.ping);
    await alive.send(pong(payload));
    await pause(12_000);
    await alive.send(text('{"type":"ping"}'));
    await alive.receives(op.text, '{"type":"pong"}');
  },

  'a client that sends pongs unasked stays too': async (t) => {
    const alive = await registered(t, 'unasked');
    for (let i = 0; i < 40; i += 1) {
      await alive.send(pong('here I am'));
      await pause(1_000);
    }
    await alive.send(text('{"type":"ping"}'));
    await alive.receives(op.text, '{"type":"pong"}');
  },

  'a client that takes no waiting frames is gone all the same, also if it sends pongs unasked': async (t) => {
    const daemon = await daemonWith(t, '--workers', '1', '--rate-messages', '0');
    const alice = await clientAs(t, 'alice', daemon.url);
    await alice.join('tea');
    await alice.join('stuck');
    const stuck = await registered(t, 'stuck', daemon);
    stuck.socket.pause();
    const count = async (name) => (await metricsOf(daemon)).get(`hiky_${name}`);
    while ((await count('outbox_bytes')) === 0)
      await alice.ask({ type: 'message', roomId: 'stuck', content: 'x'.repeat(60_000) });
    const beats = setInterval(() => stuck.send(pong('here I am')), 1000);
    t.after(() => clearInterval(beats));
    await until('it to be given up', async () => (await count('silent_connections_dropped_total')) === 1, 50_000);
  },

  'a client that is not read from, because Redis is slow, is not taken for silent': async (t) => {
    const redis = await startRedis(t, await folder(t), '--enable-debug-command', 'yes');
    const daemon = await daemonFor(t, { redis: redis.url, flags: ['--lease', '100', '--rate-messages', '0'] });
    const alice = await clientAs(t, 'alice', daemon.url);
    await alice.join('tea');
    const end = Date.now() + 38_000;
    // Two, so that one always waits where the other has just slept: a message a turn.
    const sleepers = [0, 1].map(async () => {
      const sleeper = await look(t, redis.socket);
      while (Date.now() < end) await sleeper.command('DEBUG', 'SLEEP', '0.8');
    });
    const count = 1_000;
    for (let n = 0; n < count; n += 1) alice.say({ type: 'message', roomId: 'tea', content: n, id: `${n}` });
    await Promise.all(sleepers);
    for (let n = 0; n < count; n += 1) await alice.hears({ id: `${n}` }, { within: patience });
  },
};

test('patience', { concurrency: 20, timeout: 120_000 }, async (t) => {
  await Promise.all(Object.entries(waits).map(([name, body]) => t.test(name, { timeout: 90_000 }, body)));
  await t.test('a client that was awaited in vain is counted, but not a rest between two requests', async () => {
    const numbers = await metricsOf(stage.daemon);
    const counted = (name) => numbers.get(name);
    assert.deepEqual(
      ['late', 'silent'].map((reason) => counted(`hiky_unread_requests_total{reason="${reason}"}`)),
      [4, 1],
    );
    assert.deepEqual(
      ['unregistered_connections_closed', 'silent_connections_dropped'].map((what) => counted(`hiky_${what}_total`)),
      [2, 1],
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// How long the daemon waits for whom. The tests wait side by side, since each deadline takes its own time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { binary, op, pong, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { pause } from './support/processes.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon();
const patience = 60_000;

// Runs `wait` and demands that it takes from `least` to `most` seconds.
async function takes(least, most, wait) {
  const begin = Date.now();
  const result = await wait();
  const took = (Date.now() - begin) / 1000;
  assert.ok(took >= least && took <= most, `took ${took} s, not ${least} to ${most}`);
  return result;
}

const registered = async (t, user) => {
  const peer = await webSocketOf(t, stage.daemon.port);
  await peer.send(text(JSON.stringify({ type: 'register', userId: user })), text(JSON.stringify({ type: 'joinRoom', roomId: user })));
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
    await peer.send('POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
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

  'an HTTP connection may rest for half a minute': async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await peer.answer()).status, 200);
    await takes(29, 33, () => peer.ends(patience));
  },

  'who answers no ping is gone after 35 seconds, and the room hears it': async (t) => {
    const bob = await clientAs(t, 'bob', stage.daemon.url);
    const silent = await registered(t, 'silent');
    await bob.join('silent');
    await takes(24, 28, () => silent.receives(op.ping, '', patience));
    await takes(9, 12, async () => {
      await bob.hears({ type: 'userOffline', userId: 'silent' }, { within: patience });
    });
    await silent.ends();
  },

  'who answers pings stays': async (t) => {
    const alive = await registered(t, 'alive');
    await alive.receives(op.ping, '', patience);
    await alive.send(pong());
    await pause(12_000);
    await alive.send(text('{"type":"ping"}'));
    await alive.receives(op.text, '{"type":"pong"}');
  },
};

test('patience', { concurrency: 20, timeout: 120_000 }, async (t) => {
  await Promise.all(Object.entries(waits).map(([name, body]) => t.test(name, { timeout: 90_000 }, body)));
});

// SPDX-License-Identifier: Apache-2.0
// Limits at the door: on the number of connections, in all and of one address, and on how often they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { daemonWith, hikyd } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { run, until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

async function refused(t, daemon, status, reason) {
  const peer = await peerOf(t, daemon.port);
  await peer.send(handshake());
  const answer = await peer.answer();
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.headers['retry-after'], '5');
  assert.match(answer.body, reason);
  await peer.ends();
}

test('an instance that is full refuses WebSockets with 503, answers /health, and takes the next when one has gone',
  bounded, async (t) => {
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
  const numbers = await metricsOf(daemon);
  assert.ok(numbers.get('hiky_refused_connections_total{limit="connections"}') >= 1);
  assert.equal(numbers.get('hiky_limit_connections'), 3);
});

test('a flood of connections that say nothing is cut off a little above the limit', bounded, async (t) => {
  const daemon = await daemonWith(t, '--limit-connections', '10');
  const peers = await Promise.all(Array.from({ length: 200 }, () => peerOf(t, daemon.port)));
  await until(
    'the flood to be refused',
    async () =>
      peers.filter((peer) => peer.socket.readableEnded || peer.socket.destroyed || peer.failure).length >= 100,
  );
  const numbers = await until('room for a look', async () => metricsOf(daemon).catch(() => false));
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
  const numbers = await until('room for a look', async () => metricsOf(daemon).catch(() => false));
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
  const numbers = await metricsOf(daemon);
  assert.ok(numbers.get('hiky_refused_connections_total{limit="memory"}') >= 1);
  assert.equal(numbers.get('hiky_limit_memory_bytes'), 1 << 20);
  assert.equal((await fetch(`${daemon.url}/health`)).status, 200);
});

// The shell's limit of descriptors is the limit of the daemon.
const withFiles = (count, ...flags) =>
  run('/bin/sh', [
    '-c',
    `ulimit -n ${count} && exec "$0" "$@"`,
    hikyd,
    '--listen',
    '127.0.0.1:0',
    '--workers',
    '1',
    ...flags,
  ]);

test('a limit of connections above that of open files is refused at start, with a message that helps',
  bounded, async (t) => {
  const ended = await withFiles(1024, '--limit-connections', '5000', '--data', await folder(t));
  assert.equal(ended.code, 2);
  assert.match(
    ended.stderr,
    /^hikyd: --limit-connections: 5000 connections need 5\d\d\d open files, but the limit is 1024, which is enough for \d+; raise it with/,
  );
  assert.match(
    (await withFiles(100, '--data', await folder(t))).stderr,
    /^hikyd: 100 open files are not enough to accept anybody; raise it/,
  );
});

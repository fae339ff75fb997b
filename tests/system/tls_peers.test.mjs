// SPDX-License-Identifier: Apache-2.0
// Peers that misuse TLS: they stop halfway, read slowly, flood or vanish. Nothing of them stays.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { text } from './support/frames.mjs';
import { handshake } from './support/peer.mjs';
import { atEnd, bounded as within, pause, until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { get, metric, openFiles, secured, secureSocket } from './support/tls.mjs';

test('a handshake that stops halfway is given up after ten seconds', bounded, async (t) => {
  const stage = await secured(t);
  const before = await openFiles(stage.daemon);
  const began = Date.now();
  const silent = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const socket = connectPlain({ port: stage.daemon.port, host: '127.0.0.1' });
    atEnd(t, () => socket.destroy());
    socket.on('error', () => {}).resume();
    if (n % 2) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await new Promise((resolve) => socket.once('close', resolve));
    return Date.now() - began;
  }));
  assert.ok(Math.min(...silent) >= 9_000 && Math.max(...silent) < 20_000, `${silent}`);
  await until('all files to be closed', async () => (await openFiles(stage.daemon)) <= before);
});

test('a slow reader is slow through the tunnel too: it is closed as slow, and nothing of it stays',
  { timeout: 120_000 }, async (t) => {
  const stage = await secured(t, '--limit-outbox', '131072', '--rate-messages', '0', '--rate-requests', '0');
  const { daemon, trust } = stage;
  const alice = await clientAs(t, 'alice', daemon.url, trust);
  await alice.join('tea');
  const before = await openFiles(daemon);
  const slow = await secureSocket(t, stage);
  slow.write(handshake());
  slow.write(text(JSON.stringify({ type: 'register', userId: 'slow' })));
  slow.write(text(JSON.stringify({ type: 'joinRoom', roomId: 'tea' })));
  await until(
    'the slow one to have joined',
    async () => (await alice.ask({ type: 'joinRoom', roomId: 'tea' })).participantCount === 2,
  );
  slow.pause();
  const content = 'x'.repeat(32_000);
  let said = 0;
  // Bounded by what the kernel holds on either side of the tunnel, the outbox, and a little more.
  for (
    ;
    said < 2000 && (said % 20 !== 0 || (await metric(stage, 'hiky_slow_connections_closed_total')) === 0);
    said += 1
  ) {
    await alice.ask({ type: 'message', roomId: 'tea', content });
  }
  assert.equal(
    await metric(stage, 'hiky_slow_connections_closed_total'),
    1,
    `${said} messages of 32 kB disappeared somewhere`,
  );
  // It neither reads nor hangs up, and is dropped all the same.
  await until('its files to be closed', async () => (await openFiles(daemon)) <= before, 30_000);
  await alice.ask({ type: 'ping' });
});

test('a flooding writer is held back through the tunnel', bounded, async (t) => {
  // Bob may be slow: the writer is what is tested.
  const stage = await secured(t, '--rate-messages', '0', '--limit-outbox', '20000000');
  const alice = await clientAs(t, 'alice', stage.daemon.url, stage.trust);
  await alice.join('tea');
  const bob = await clientAs(t, 'bob', stage.daemon.url, stage.trust);
  await bob.join('tea');
  const count = 300;
  for (let n = 0; n < count; n += 1)
    alice.say({ type: 'message', roomId: 'tea', content: `${n} ${'w'.repeat(20_000)}` });
  for (let n = 0; n < count; n += 1) assert.ok((await bob.hears({ type: 'message' })).content.startsWith(`${n} `));
});

test('who is gone in the middle of a long answer is noticed at once', bounded, async (t) => {
  const stage = await secured(t, ...(await keyFile(await folder(t))));
  const ask = (line, body = '') =>
    `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.all}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const before = await openFiles(stage.daemon);
  const raw = connectPlain({ port: stage.daemon.port, host: '127.0.0.1' });
  const gone = await secureSocket(t, stage, { socket: raw });
  for (const [status, request] of [
    [200, ask('PUT /api/v1/rooms/tea/members/alice')],
    [201, ask('POST /api/v1/rooms/tea/messages', JSON.stringify({ content: 'x'.repeat(60_000) }))],
  ]) {
    gone.write(request);
    const [answer] = await within('an answer', once(gone, 'data'));
    assert.match(answer.toString(), new RegExp(`^HTTP/1.1 ${status}`));
  }
  gone.pause();
  // More than the kernel holds.
  gone.write(ask('GET /api/v1/rooms/tea/messages').repeat(100));
  await pause(1_000);
  raw.resetAndDestroy();
  await until('its files to be closed', async () => (await openFiles(stage.daemon)) <= before, 5_000);
});

test('connections that come and go leave no files behind', bounded, async (t) => {
  const stage = await secured(t);
  await get(stage.daemon, '/health', stage.ca);
  const before = await openFiles(stage.daemon);
  for (let n = 0; n < 10; n += 1) {
    const some = await Promise.all(
      Array.from({ length: 10 }, (_, i) => clientAs(t, `user ${i}`, stage.daemon.url, stage.trust)),
    );
    await Promise.all(some.map((one, i) => (i % 2 ? one.leaves() : one.vanishes())));
  }
  await until('all files to be closed', async () => (await openFiles(stage.daemon)) <= before);
});

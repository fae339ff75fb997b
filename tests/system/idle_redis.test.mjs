// SPDX-License-Identifier: Apache-2.0
// Connections to Redis that nobody uses: a NAT or a firewall forgets them without a word. The daemon notices that
// before a user needs such a connection.
import { createReadStream } from 'node:fs';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';

// A way to Redis by TCP that can forget its connections: nothing passes any more, and neither side is told.
async function forgetfulWay(t, socket) {
  const pairs = new Set();
  const server = createServer((near) => {
    const far = connect(socket);
    const pair = { near, far, forgotten: false };
    pairs.add(pair);
    near
      .on('data', (bytes) => pair.forgotten || far.write(bytes))
      .on('close', () => far.destroy())
      .on('error', () => {});
    far
      .on('data', (bytes) => pair.forgotten || near.write(bytes))
      .on('close', () => pair.forgotten || near.destroy())
      .on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    for (const { near, far } of pairs) (near.destroy(), far.destroy());
    server.close();
  });
  return { port: server.address().port, forget: () => pairs.forEach((pair) => (pair.forgotten = true)) };
}

test('a connection that was dropped without a word is made anew before anybody asks for it', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const way = await forgetfulWay(t, redis.socket);
  const daemon = await daemonFor(t, { redis: `redis://127.0.0.1:${way.port}`, flags: ['--workers', '1'] });
  way.forget();
  // The directory is not asked as long as no client registers.
  const lost = /redis\.lost redis=\S+ database=0 reason="Redis hangs/;
  await until('the idle connection to be missed', () => lost.test(daemon.told.stderr), 25_000);
  await until('/ready', async () => (await fetch(`${daemon.url}/ready`)).ok);
  await clientAs(t, 'alice', daemon.url);
});

test('the kernel looks after connections to Redis', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const way = await forgetfulWay(t, redis.socket);
  await daemonFor(t, { redis: `redis://127.0.0.1:${way.port}` });
  const port = way.port.toString(16).toUpperCase().padStart(4, '0');
  // In /proc/net/tcp: `tr` 2 is a keepalive timer. A connection with bytes under way shows another timer for a moment.
  await until('keepalive on all of them', async () => {
    // A stream, since readFile of Node.js 18 ends at the first page of such a file.
    const table = await text(createReadStream('/proc/net/tcp', 'utf8'));
    const lines = table.split('\n').map((line) => line.trim().split(/\s+/));
    const ours = lines.filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === '01');
    return ours.length >= 4 && ours.every((line) => line[5].startsWith('02:'));
  });
});

// SPDX-License-Identifier: Apache-2.0
// Directed attacks on the promises of the ledger: readers that take nothing, phones that are dead.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { metricsOf } from './support/exposition.mjs';
import { pong, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { away, collect, collected, deafPeer, joined, mailOf, say } from './support/talk.mjs';
import { bearer } from './support/tokens.mjs';
import { twoInstances } from './support/two_instances.mjs';

test('messages that a dead phone did not get reach the device whose token has got more rooms since',
  bounded, async (t) => {
  const { app, one, store, as } = await twoInstances(t, { jwt: true });
  const alice = await as('alice', one);
  for (const room of ['tea', 'go']) await alice.join(room);
  const setup = await as('bob', one);
  for (const room of ['tea', 'go']) await setup.join(room);
  const phone = await deafPeer(t, one.port, bearer(await app.token('bob')).headers, { type: 'register' });
  await until('two', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 2);
  await setup.leaves();
  const tablet = await as('bob', one, { rooms: ['tea'] });
  for (let n = 1; n <= 3; n += 1) await say(alice, n, 'go');
  await tablet.ask({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'x'] }) });
  await pause(50);
  await tablet.ask({ type: 'refresh', token: await app.token('bob') });
  const heard = await collected(tablet);
  phone.socket.resetAndDestroy();
  await until('one', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 1);
  heard.push(...(await collected(tablet)));
  assert.deepEqual([...new Set(heard), ...(await mailOf(store, 'bob'))], [1, 2, 3]);
});

test('a pong that nobody asked for confirms nothing', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await deafPeer(t, one.port, {}, { type: 'register', userId: 'bob' }, { type: 'joinRoom', roomId: 'tea' });
  await until('bob to be in', async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'bob')) === 1);
  bob.socket.pause();
  for (let n = 1; n <= 3; n += 1) await say(alice, n);
  await pause(1500);
  await bob.send(pong('beat'));
  await pause(200);
  bob.socket.resetAndDestroy();
  await away(store, 'bob');
  assert.deepEqual(await mailOf(store, 'bob'), [1, 2, 3]);
});

test('a reader that takes nothing while it is replayed to is closed as slow, and holds no memory',
  bounded, async (t) => {
  const { one, two, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  await (await joined(t, 'bob', one.url)).leaves();
  await away(store, 'bob');
  const big = 'x'.repeat(60_000);
  for (let n = 0; n < 40; n += 1) await say(alice, big);
  const first = JSON.parse((await store.command('LINDEX', 'ws:offline_messages:bob', -1))).messageId;
  const bob = await webSocketOf(t, one.port);
  bob.socket.pause();
  await bob.send(
    text(
      JSON.stringify({
        type: 'register',
        userId: 'bob',
        ack: true,
        resume: { tea: `${first.slice(0, first.lastIndexOf(':'))}:0` },
      }),
    ),
  );
  await until('bob', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 1);
  const beats = setInterval(() => bob.send(pong('')), 1000);
  atEnd(t, () => clearInterval(beats));
  const rss = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${one.pid}/status`, 'utf8'))[1]) / 1024;
  await pause(300);
  const before = await rss();
  for (let n = 0; n < 800; n += 1) await say(alice, big);
  await away(store, 'bob');
  const numbers = await metricsOf(one);
  assert.equal(numbers.get('hiky_slow_connections_closed_total'), 1);
  const grown = (await rss()) - before;
  if (!process.env.HIKY_SANITIZE) assert.ok(grown < 20, `${grown.toFixed()} MiB more`);
});

test('a reader that takes nothing keeps the gate closed for nobody', bounded, async (t) => {
  const { one, two, store, deafFor } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  const carol = await joined(t, 'carol', one.url, 'tea');
  await (await joined(t, 'bob', one.url)).leaves();
  await away(store, 'bob');
  const big = 'x'.repeat(60_000);
  for (let n = 0; n < 80; n += 1) await say(alice, big);
  const bob = await webSocketOf(t, one.port);
  bob.socket.pause();
  await bob.send(text(JSON.stringify({ type: 'register', userId: 'bob', resume: { tea: 'x:0' } })));
  await until('bob', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 1);
  await pause(500);
  await collected(carol);
  await deafFor(300, async () => {});
  await until(
    'the instance to reach Redis',
    async () => (await carol.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus',
  );
  const began = Date.now();
  await say(alice, 'hello');
  await until('carol to hear', async () => collect(carol.come).includes('hello'), 20_000);
  assert.ok(Date.now() - began < 8000, `after ${Date.now() - began} ms`); // and not only when the gate's patience is over
});

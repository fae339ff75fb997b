// SPDX-License-Identifier: Apache-2.0
// One client cannot starve the others: each of these requests has a bounded cost for them.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { Client, clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { metric } from './support/exposition.mjs';
import { text as textFrame } from './support/frames.mjs';
import { pairOf, sanitized, waitsNoLongerThan } from './support/pairs.mjs';
import { handshake } from './support/peer.mjs';
import { atEnd, bounded as within, pause } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

test('a user has one burst over all connections and workers, however often connections are made',
  bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '3', '--rate-messages', '0.001:20');
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  // Half a burst each time, so that no connection has used up much when it goes.
  const kinds = [];
  for (let round = 0; round < 6; round += 1) {
    const alice = await Client.as('alice', daemon.url);
    atEnd(t, () => alice.vanishes());
    await alice.join('tea');
    for (let n = 0; n < 8; n += 1)
      kinds.push((await alice.ask({ type: 'message', roomId: 'tea', content: `${round} ${n}` })).type);
    if (round % 2 === 0) await alice.leaves();
  }
  assert.equal(kinds.filter((kind) => kind === 'messageAck').length, 20);
  const carol = await clientAs(t, 'carol', daemon.url);
  await carol.join('tea');
  assert.equal(
    (await carol.ask({ type: 'message', roomId: 'tea', content: 'hello' })).type,
    'messageAck',
    'nobody else pays for it',
  );
});

test('a connection may show a few tokens that are of no use, and is closed then', bounded, async (t) => {
  const data = await folder(t);
  const [app, stranger] = [await issuer(data, 'RS256'), await issuer(data, 'RS256', 'other')];
  const daemon = await daemonFor(t, { data, flags: ['--auth', 'jwt', '--jwt-key', app.file, '--workers', '1'] });
  const forged = await stranger.token('alice');
  const client = await Client.open(daemon.url);
  atEnd(t, () => client.vanishes());
  for (let n = 0; n < 4; n += 1)
    assert.equal((await client.ask({ type: 'register', token: forged })).code, 'unauthorized');
  client.say({ type: 'register', token: forged });
  assert.equal((await within('the end', client.closed)).code, 4429);
  const patient = await Client.open(daemon.url);
  atEnd(t, () => patient.vanishes());
  assert.equal((await patient.ask({ type: 'register', token: forged })).code, 'unauthorized');
  assert.equal((await patient.ask({ type: 'register', token: await app.token('alice') })).type, 'registered');
});

test('a user with very many friends keeps nobody waiting who is on the same worker', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-messages', '0');
  const directory = await look(t, daemon.redisSocket, 0);
  const friends = Array.from({ length: 20_000 }, (_, n) => `friend ${n}`);
  for (let n = 0; n < friends.length; n += 1000)
    await directory.command('SADD', 'hiky:user_friends:popular', ...friends.slice(n, n + 1000));
  const popular = await clientAs(t, 'popular', daemon.url);
  const longest = await pairOf(t, daemon);
  const calm = await longest(() => pause(1_000));
  // This once took seconds at a stretch.
  await waitsNoLongerThan(calm, () => longest(async () => {
    for (let n = 0; n < 3; n += 1)
      assert.equal((await popular.ask({ type: 'getOnlineStatus' }, 60_000)).friends.length, 20_000);
  }));
  await waitsNoLongerThan(calm, () => longest(async () => {
    const { friends: all } = await popular.ask({ type: 'getOnlineStatus', userIds: friends.slice(0, 1_000) }, 60_000);
    assert.equal(all.length, 1_000);
  }));
});

test('before the first message there is an empty page', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const { messageId } = await alice.ask({ type: 'message', roomId: 'tea', content: 'first' });
  const before = `${messageId.split(':')[0]}:0`;
  const { type, messages } = await alice.ask({ type: 'history', roomId: 'tea', before });
  assert.deepEqual([type, messages], ['history', []]);
});

test('metrics that are asked for without end are made twenty times a second at most', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const scrape = async () => (await fetch(`${daemon.url}/metrics`)).text();
  const began = performance.now();
  const texts = new Set(await Promise.all(Array.from({ length: 800 }, scrape))); // on as many connections
  const most = 202 + Math.ceil((21 * (performance.now() - began)) / 1000);
  assert.ok(texts.size <= most, `${texts.size} texts, expected ${most} at most`);
  await pause(1_500);
  assert.notEqual(await scrape(), [...texts][0]);
});

test('a client that resumes and does not read holds no more than an outbox', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '0', '--workers', '2');
  const alice = await clientAs(t, 'alice', daemon.url, { perMessageDeflate: false });
  const rooms = ['one', 'two', 'three'], said = 68;
  const resume = {};
  for (const room of rooms) {
    await alice.join(room);
    const { messageId } = await alice.ask({ type: 'message', roomId: room, content: 'the first' });
    resume[room] = messageId;
    for (let n = 0; n < said; n += 1)
      await alice.ask({ type: 'message', roomId: room, content: `${n}`.padEnd(60_000, '.') });
  }
  const bob = await Client.as('bob', daemon.url);
  for (const room of rooms) await bob.join(room);
  await bob.leaves();
  const resident = async () => (await metric(daemon, 'process_resident_memory_bytes')) / 2 ** 20;
  const before = await resident();
  const count = 15;
  for (let n = 0; n < count; n += 1) {
    const socket = connect({ port: Number(new URL(daemon.url).port), host: '127.0.0.1' }).on('error', () => {});
    atEnd(t, () => socket.destroy());
    socket.pause();
    socket.write(
      Buffer.concat([Buffer.from(handshake()), textFrame(JSON.stringify({ type: 'register', userId: 'bob', resume }))]),
    );
  }
  let most = 0;
  for (let n = 0; n < 40; n += 1) {
    await pause(100);
    most = Math.max(most, await resident());
  }
  // AddressSanitizer keeps freed memory.
  if (!sanitized)
    assert.ok(most - before < count * 3, `${most - before} MiB for ${count} connections; it took 12 for each`);
  // A client that reads gets everything, in order.
  const reader = await clientAs(t, undefined, daemon.url);
  reader.say({ type: 'register', userId: 'bob', resume });
  const { resumed } = await reader.hears({ type: 'registered', resumed: { one: { recovered: true } } });
  assert.deepEqual(
    Object.values(resumed).map(({ recovered, count: all }) => [recovered, all]),
    rooms.map(() => [true, said]),
  );
  for (const room of rooms) {
    for (let n = 0; n < said; n += 1) {
      const { content } = await reader.hears({ type: 'message', roomId: room });
      assert.equal(parseInt(content, 10), n);
    }
  }
});

test('seventeen tabs that come back whenever they are replaced come to rest', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '2');
  let closes = 0, over = false;
  atEnd(t, () => (over = true));
  const tab = async () => {
    while (!over) {
      const client = await Client.open(daemon.url);
      atEnd(t, () => client.vanishes());
      client.say({ type: 'register', userId: 'bob' });
      if ((await client.closed).code === 4409) closes += 1;
    }
  };
  for (let n = 0; n < 17; n += 1) tab().catch(() => {});
  await pause(4_000);
  const burst = closes;
  assert.ok(burst > 0);
  await pause(10_000);
  assert.ok(closes - burst <= 4, `${closes - burst} closes in 10 s, after ${burst}; they were 170`);
  const phone = await clientAs(t, undefined, daemon.url);
  phone.say({ type: 'register', userId: 'bob' });
  await phone.hears({ type: 'registered' }, { within: 15_000 });
});

test('a register counts as requests of its user, more with many rooms', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-requests', '0.001:30');
  const state = await look(t, daemon.redisSocket);
  await state.command('SADD', 'ws:member_rooms:busy', ...Array.from({ length: 100 }, (_, n) => `room ${n}`));
  const registers = async (user) => {
    const kinds = [];
    for (let n = 0; n < 5; n += 1) {
      const client = await clientAs(t, undefined, daemon.url);
      kinds.push((await client.ask({ type: 'register', userId: user })).code ?? 'registered');
      await client.leaves();
    }
    return kinds.filter((kind) => kind === 'registered').length;
  };
  assert.equal(await registers('idle'), 5);
  assert.equal(await registers('busy'), 3, 'each costs eleven');
  const other = await clientAs(t, undefined, daemon.url);
  const refused = await other.ask({ type: 'register', userId: 'busy' });
  assert.deepEqual([refused.code, refused.retryable], ['rate_limited', true]);
});

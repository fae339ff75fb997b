// SPDX-License-Identifier: Apache-2.0
// watchPresence under faults: an instance or Redis dies, is cut off or is slow, and in the end the watcher knows the
// presence of its friends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { Client, clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metric } from './support/exposition.mjs';
import { text } from './support/frames.mjs';
import { Gate } from './support/gate.mjs';
import { webSocketOf } from './support/peer.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';

const online = (...users) => ({ type: 'presence', users: users.map((id) => ({ id, isOnline: true })) });
const offline = (...users) => ({
  type: 'presence',
  users: users.map((id) => ({ id, isOnline: false, lastSeen: '$time' })),
});

// Two daemons, one and two, on one Redis, each with a gate of its own to it. All users here are alice's friends.
async function stage(t, { flags = [], redisFlags = [], friends = ['bob'] } = {}) {
  const data = await folder(t);
  const port = await freePort();
  const start = () => startRedis(t, data, '--port', String(port), '--bind', '127.0.0.1', ...redisFlags);
  const here = { redis: await start(), gates: [], daemons: [] };
  for (const name of ['one', 'two']) {
    const gate = await Gate.open({ host: '127.0.0.1', port });
    atEnd(t, () => gate.close());
    here.gates.push(gate);
    here.daemons.push(
      await daemonFor(t, {
        redis: `redis://127.0.0.1:${gate.port}`,
        flags: ['--instance-id', name, '--rate-requests', '0', ...flags],
      }),
    );
  }
  const directory = await look(t, { host: '127.0.0.1', port }, 0);
  for (const friend of friends) {
    await directory.command('SADD', 'hiky:user_friends:alice', friend);
    await directory.command('SADD', `hiky:user_friends:${friend}`, 'alice');
  }
  here.look = (database) => look(t, { host: '127.0.0.1', port }, database);
  here.restart = async () => {
    await here.redis.stop('SIGKILL');
    here.redis = await start();
  };
  return here;
}

// The next `presence`, past friendOnline.
async function hears(client, pattern, within = 5_000) {
  for (const until = Date.now() + within; ; ) {
    const frame = JSON.parse(await client.raw(until - Date.now()));
    if (frame.type === 'friendOnline') continue;
    assert.equal(frame.type, 'presence', JSON.stringify(frame));
    const shown = frame.users.map(({ id, isOnline }) => ({ id, isOnline }));
    assert.deepEqual(shown, pattern.users.map(({ id, isOnline }) => ({ id, isOnline })), JSON.stringify(frame));
    for (const user of frame.users) assert.equal(typeof user.lastSeen, user.isOnline ? 'undefined' : 'string');
    return frame;
  }
}
const presenceOf = (frames) => frames.map((text) => JSON.parse(text)).filter(({ type }) => type === 'presence');

async function watching(client, ...users) {
  const { type, users: states } = await client.ask({ type: 'watchPresence', userIds: users });
  assert.equal(type, 'presence');
  return states;
}

test('friends of an instance that is killed go offline for a watcher, and are online again elsewhere',
  bounded, async (t) => {
  const {
    daemons: [one, two],
  } = await stage(t, { flags: ['--lease', '2', '--grace', '1'], friends: ['bob', 'carol'] });
  const alice = await clientAs(t, 'alice', one.url);
  await clientAs(t, 'bob', two.url);
  await clientAs(t, 'carol', one.url);
  await watching(alice, 'bob', 'carol');
  await two.stop('SIGKILL');
  await hears(alice, offline('bob'), 15_000);
  await clientAs(t, 'bob', one.url);
  await hears(alice, online('bob'));
  await pause(5_000);
  assert.deepEqual(presenceOf(await alice.rest()), []);
});

test('announcements from while an instance could not hear Redis are told when it can', bounded, async (t) => {
  const { gates: [gate], daemons: [one, two], look } = await stage(t, { friends: ['bob', 'carol'] });
  const store = await look();
  const alice = await clientAs(t, 'alice', one.url);
  const bob = await clientAs(t, 'bob', two.url);
  await alice.hears({ type: 'friendOnline' });
  assert.deepEqual((await watching(alice, 'bob', 'carol')).map(({ isOnline }) => isOnline), [true, false]);
  gate.shut = true;
  gate.cut(true);
  await bob.leaves();
  await clientAs(t, 'carol', two.url);
  await until('bob to be away', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 0);
  gate.heal();
  await hears(alice, online('carol'), 10_000);
  await hears(alice, offline('bob'), 10_000);
});

test('a Redis that starts anew and keeps its data brings no news but the changes of the meantime',
  bounded, async (t) => {
  const here = await stage(t, {
    redisFlags: ['--appendonly', 'yes', '--appendfsync', 'always'],
    friends: ['bob', 'carol', 'dora'],
  });
  const [one, two] = here.daemons;
  const alice = await clientAs(t, 'alice', one.url);
  const bob = await clientAs(t, 'bob', two.url);
  await clientAs(t, 'carol', two.url);
  await watching(alice, 'bob', 'carol', 'dora');
  await here.redis.stop('SIGKILL');
  await bob.leaves();
  await here.restart();
  await hears(alice, offline('bob'), 15_000);
  await pause(4_000);
  assert.deepEqual(presenceOf(await alice.rest()), [], 'carol was here all the time');
});

test('a Redis that has lost its data makes no user look absent, and a user who comes meanwhile is told of',
  bounded, async (t) => {
  const {
    daemons: [one, two],
    gates,
    look,
  } = await stage(t, { flags: ['--lease', '2'], friends: ['bob', 'carol', 'dora'] });
  const store = await look();
  const alice = await clientAs(t, 'alice', one.url);
  await clientAs(t, 'bob', two.url);
  const carol = await clientAs(t, 'carol', one.url);
  await watching(alice, 'bob', 'carol', 'dora');
  await pause(4_000); // dora has been looked at once more
  await alice.rest();
  gates[1].stall(true); // two puts its people back later
  await store.command('FLUSHDB');
  await clientAs(t, 'dora', one.url); // announced to nobody: Redis knows of no connection of her friends
  await hears(alice, online('dora'));
  gates[1].stall(false);
  await until('everybody to be put back', async () => (await store.command('SCARD', 'ws:online_users')) === 4);
  await pause(6_000);
  assert.deepEqual(await alice.rest(), []);
  await carol.leaves();
  await hears(alice, offline('carol'));
});

test('a former friend is watched no more', bounded, async (t) => {
  const { daemons: [one, two], look } = await stage(t, { friends: ['bob', 'carol'] });
  const [store, directory] = [await look(), await look(0)];
  const alice = await clientAs(t, 'alice', one.url);
  const [bob, carol] = [await clientAs(t, 'bob', two.url), await clientAs(t, 'carol', two.url)];
  await watching(alice, 'bob', 'carol');
  await directory.command('SREM', 'hiky:user_friends:alice', 'bob');
  await directory.command('SREM', 'hiky:user_friends:bob', 'alice');
  // Announcements may have been missed, so all users who are friends now are looked at.
  await store.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await pause(2_000);
  await bob.leaves();
  await carol.leaves();
  await hears(alice, offline('carol'), 10_000);
  assert.deepEqual(presenceOf(await alice.rest(1_500)), []);
  assert.deepEqual(await watching(alice, 'bob'), [], 'nor can it be asked for again');
});

test('a friend who comes and goes quickly is told of at most four times a second, and rightly in the end',
  bounded, async (t) => {
  const { daemons: [one, two] } = await stage(t);
  const alice = await clientAs(t, 'alice', one.url);
  await watching(alice, 'bob');
  const began = Date.now();
  for (let n = 0; n < 40; n += 1) await (await Client.as('bob', two.url)).leaves();
  await clientAs(t, 'bob', two.url);
  await pause(1_000);
  const batches = (Date.now() - began) / 250;
  const frames = presenceOf(await alice.rest());
  assert.ok(frames.length <= batches + 1, `${frames.length} frames in ${batches} batches`);
  assert.deepEqual(frames.at(-1).users, [{ id: 'bob', isOnline: true }]);
  // Each batch changes the state that was told before.
  frames.forEach(({ users: [{ isOnline }] }, n) => assert.equal(isOnline, n % 2 === 0));
});

test('news that a slow reader has no room for come when there is room', bounded, async (t) => {
  const { daemons: [one, two] } = await stage(t, { flags: ['--limit-outbox', '262144', '--rate-messages', '0'] });
  const counted = async (name) => (await metric(one, name)) ?? 0;
  const bob = await clientAs(t, 'bob', two.url);
  const talker = await clientAs(t, 'carol', two.url);
  await talker.join('tea');
  const alice = await webSocketOf(t, one.port);
  const say = (frame) => alice.send(text(JSON.stringify(frame)));
  const next = async (type) => {
    for (;;) {
      const { opcode, payload } = await alice.frame();
      const frame = opcode === 1 ? JSON.parse(payload.toString()) : {};
      assert.notEqual(opcode, 8, 'alice was given up');
      if (frame.type === type) return frame;
    }
  };
  await say({ type: 'register', userId: 'alice' });
  await say({ type: 'joinRoom', roomId: 'tea' });
  await say({ type: 'watchPresence', userIds: ['bob'] });
  assert.equal((await next('presence')).users[0].isOnline, true);
  alice.socket.pause();
  const content = 'x'.repeat(16_000);
  let said = 0;
  // More than half of the outbox, and less than all of it.
  while ((await counted('hiky_outbox_bytes')) < 160_000) {
    await talker.ask({ type: 'message', roomId: 'tea', content });
    said += 1;
    await pause(2);
  }
  await bob.leaves();
  await until('the news to be left out', async () => (await counted('hiky_shed_frames_total{class="presence"}')) > 0);
  alice.socket.resume();
  for (let seq = 1; seq <= said; seq += 1) assert.equal((await next('message')).seq, seq);
  const { users: [{ id, isOnline, lastSeen }] } = await next('presence');
  assert.deepEqual([id, isOnline, typeof lastSeen], ['bob', false, 'string']);
});

test('a user who comes back while the absence is being announced is announced as back; within the grace, not at all',
  bounded, async (t) => {
  const { daemons: [one, two], look: looking } = await stage(t, { flags: ['--grace', '30'] });
  const bob = await clientAs(t, 'bob', two.url, { fields: { events: true } });
  const store = await looking();
  for (const announced of [true, false]) {
    const alice = await clientAs(t, 'alice', one.url);
    if (announced) await bob.hears({ type: 'friendOnline', userId: 'alice' });
    await alice.leaves();
    await until(
      'alice to be away',
      async () => (await store.command('ZSCORE', 'ws:pending_offline', 'alice')) !== null,
    );
    // The instance that announced the absence has died: the claim is there, and rooms have heard.
    if (announced) await store.command('ZADD', 'ws:pending_offline', 0, 'alice');
    if (announced) await bob.hears({ type: 'friendOffline', userId: 'alice' });
    if (announced) await store.command('ZADD', 'ws:pending_offline', `${Date.now() + 15_000}.5`, 'alice');
    const back = await clientAs(t, 'alice', one.url);
    if (announced) await bob.hears({ type: 'friendOnline', userId: 'alice' });
    assert.deepEqual(await bob.rest(), []);
    await back.leaves();
    await until(
      'alice to be away again',
      async () => (await store.command('SISMEMBER', 'ws:online_users', 'alice')) === 0,
    );
    if (announced) await store.command('ZADD', 'ws:pending_offline', `${Date.now() + 15_000}`, 'alice');
  }
});

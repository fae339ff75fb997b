// SPDX-License-Identifier: Apache-2.0
// Long lists and large messages keep no other client waiting: they have a bounded cost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { atMost, pairOf, waitsNoLongerThan } from './support/pairs.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';
import { turnsOf } from './support/turns.mjs';

// Long lists that another program, or time, may leave under the keys that a request reads. None of them may hold up
// other people.
const many = (count, name) => Array.from({ length: count }, (_, n) => `${name} ${n}`);

async function fill(store, command, key, values, each = 1000) {
  for (let n = 0; n < values.length; n += each) await store.command(command, key, ...values.slice(n, n + each));
}

const longLists = {
  'rooms in the directory': {
    plant: ({ directory }) => fill(directory, 'SADD', 'hiky:user_rooms:big', many(3_000, 'room')),
    ask: (big) => big.hears({ type: 'registered' }, { within: 60_000 }),
  },
  'rooms that the user belongs to': {
    plant: ({ state }) => fill(state, 'SADD', 'ws:member_rooms:big', many(3_000, 'room')),
    ask: (big) => big.hears({ type: 'registered' }, { within: 60_000 }),
  },
  'people in a room': {
    async plant({ state }) {
      for (const key of ['ws:room_participants:hall', 'ws:room_members:hall', 'ws:online_users'])
        await fill(state, 'SADD', key, many(100_000, 'guest'));
    },
    async ask(big) {
      await big.hears({ type: 'registered' });
      assert.equal((await big.ask({ type: 'joinRoom', roomId: 'hall' }, 60_000)).type, 'joinedRoom');
      assert.equal((await big.ask({ type: 'participants', roomId: 'hall', limit: 1000 }, 60_000)).type, 'participants');
      assert.equal((await big.ask({ type: 'message', roomId: 'hall', content: 'hello' }, 60_000)).type, 'messageAck');
      assert.equal((await big.ask({ type: 'leaveRoom', roomId: 'hall' }, 60_000)).type, 'leftRoom');
    },
  },
  'absent members': {
    async plant({ state }) {
      for (const key of ['ws:room_members:hall', 'ws:room_absent:hall'])
        await fill(state, 'SADD', key, many(4_900, 'guest'));
    },
    async ask(big) {
      await big.hears({ type: 'registered' });
      await big.join('hall');
      for (let n = 0; n < 20; n += 1)
        assert.equal((await big.ask({ type: 'message', roomId: 'hall', content: 'hello' }, 60_000)).type, 'messageAck');
    },
  },
  friends: {
    plant: ({ directory }) => fill(directory, 'SADD', 'hiky:user_friends:big', many(20_000, 'friend')),
    async ask(big) {
      await big.hears({ type: 'registered' }, { within: 60_000 });
      assert.equal((await big.ask({ type: 'getOnlineStatus' }, 60_000)).friends.length, 20_000);
      const some = { type: 'getOnlineStatus', userIds: many(200, 'friend') };
      assert.equal((await big.ask(some, 60_000)).friends.length, 200);
    },
  },
  'messages of a room': {
    async plant({ state }) {
      const said = (seq) => JSON.stringify({ type: 'message', roomId: 'hall', content: 'x'.repeat(10_000),
        timestamp: '2026-01-01T00:00:00.000Z', messageId: `e:${seq}`, seq });
      await state.command('DEL', 'ws:room_log:hall');
      await state.command('SADD', 'ws:member_rooms:big', 'hall');
      await state.command('SADD', 'ws:room_members:hall', 'big');
      await state.command('HSET', 'ws:room_head:hall', 'epoch', 'e', 'seq', '1000', 't', '1000');
      for (let seq = 1; seq <= 1_000; seq += 1)
        await state.command('XADD', 'ws:room_log:hall', `${seq}-0`, 'm', said(seq), 'c', 'c', 's', 's', 't', '1000');
    },
    async ask(big) {
      await big.hears({ type: 'registered' });
      assert.ok((await big.ask({ type: 'history', roomId: 'hall', limit: 100 }, 60_000)).messages.length > 1);
      assert.equal((await big.ask({ type: 'leaveRoom', roomId: 'hall' }, 60_000)).type, 'leftRoom');
      assert.equal((await big.ask({ type: 'joinRoom', roomId: 'hall', since: 'e:1' }, 60_000)).type, 'joinedRoom');
      assert.equal((await big.ask({ type: 'leaveRoom', roomId: 'hall' }, 60_000)).type, 'leftRoom');
    },
  },
  'mail of an earlier connection': {
    async plant({ state }) {
      await state.command('HSET', 'ws:user_connections:big', 'earlier', '{"instance":"gone","at":1}');
      await fill(state, 'RPUSH', 'ws:offline_inflight:big:earlier', many(5_000, 'message'), 1_000);
    },
    ask: (big) => big.hears({ type: 'registered' }, { within: 60_000 }),
  },
  mail: {
    plant: ({ state }) =>
      fill(
        state,
        'RPUSH',
        'ws:offline_messages:big',
        Array.from({ length: 100 }, () => JSON.stringify({ content: 'x'.repeat(60_000) })),
        10,
      ),
    async ask(big) {
      await big.hears({ type: 'registered' });
      for (let got = 0; got < 100;) got += (await big.hears({ type: 'offlineMessages' }, { within: 60_000 })).count;
    },
  },
  connections: {
    plant: ({ state }) =>
      fill(
        state,
        'HSET',
        'ws:user_connections:big',
        many(5_000, 'old').flatMap((id) => [id, `{"instance":"gone","at":1}`]),
      ),
    ask: (big) => big.hears({ type: 'registered' }, { within: 60_000 }),
  },
  'rooms that the user has left': {
    plant: ({ state }) =>
      fill(
        state,
        'HSET',
        'ws:left:big',
        many(20_000, 'room').flatMap((room) => [room, '1']),
      ),
    async ask(big) {
      await big.hears({ type: 'registered' });
      await big.join('hall');
      assert.equal((await big.ask({ type: 'leaveRoom', roomId: 'hall' }, 60_000)).type, 'leftRoom');
    },
  },
};

// A loop that works on one request alone keeps all other connections waiting.
const longestTurn = 5;  // ms

for (const [name, { plant, ask }] of Object.entries(longLists)) {
  test(`long lists keep nobody waiting: ${name}`, bounded, async (t) => {
    // Each try has a daemon of its own: memory that a first request has fetched from the system is there for a second.
    await atMost('ms of a turn of the loop', longestTurn, async () => {
      const turns = await turnsOf(t);
      const flags = ['--workers', '1', '--rate-messages', '0', '--limit-user-connections', '0'];
      const daemon = await daemonFor(t, { data: await folder(t), flags, env: turns.env });
      const stores = { directory: await look(t, daemon.redisSocket, 0), state: await look(t, daemon.redisSocket) };
      const longest = await pairOf(t, daemon);
      const calm = await longest(() => pause(1_000));
      const attack = async () => {
        const big = await clientAs(t, undefined, daemon.url);
        big.say({ type: 'register', userId: 'big' });
        await ask(big);
        await big.leaves();
        await pause(300);
      };
      await turns.longest();
      for (let time = 0; time < 2; time += 1) {
        await plant(stores);
        await waitsNoLongerThan(calm, () => longest(attack));
      }
      return turns.longest();
    });
  });
}

const memoryOf = async (store) => Number((await store.command('INFO', 'memory')).match(/used_memory:(\d+)/)[1]);

test('large messages for many who are away are kept in history, not in a thousand mailboxes', bounded, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '0');
  const store = await look(t, daemon.redisSocket);
  const away = Array.from({ length: 1_000 }, (_, n) => `away ${n}`);
  for (const key of ['ws:room_members:tea', 'ws:room_absent:tea']) await store.command('SADD', key, ...away);
  for (const user of away) await store.command('SADD', `ws:member_rooms:${user}`, 'tea');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const before = await memoryOf(store);
  const say = async (content) =>
    assert.equal((await alice.ask({ type: 'message', roomId: 'tea', content })).type, 'messageAck');
  for (let n = 0; n < 15; n += 1) await say(`${n}`.padEnd(64_000, '.'));
  assert.ok(await memoryOf(store) < before + 8 * 2 ** 20, 'it took 939 MB');
  const [first] = away;
  assert.deepEqual(
    [
      await store.command('LLEN', `ws:offline_messages:${first}`),
      await store.command('GET', `ws:offline_dropped:${first}`),
    ],
    [0, '15'],
  );
  // Smaller ones are queued, as many as a mailbox's memory takes.
  for (let n = 0; n < 40; n += 1) await say(`${n}`.padEnd(15_000, '.'));
  assert.ok(await memoryOf(store) < before + 300 * 2 ** 20);
  const kept = await store.command('LLEN', `ws:offline_messages:${first}`);
  assert.ok(kept >= 12 && kept < 18, `${kept} messages`);
  assert.equal(Number(await store.command('GET', `ws:offline_dropped:${first}`)), 15 + 40 - kept);
  const back = await clientAs(t, first, daemon.url);
  const mail = await back.hears({ type: 'offlineMessages', count: kept, dropped: 55 - kept });
  assert.deepEqual(
    mail.messages.map(({ content }) => parseInt(content, 10)),
    Array.from({ length: kept }, (_, n) => 40 - kept + n),
  );
  const { messages } = await back.ask({ type: 'history', roomId: 'tea', limit: 3 });
  assert.equal(messages.length, 3, 'all is in history');
});

// A token's patterns are judged in Redis, of each room of the user, whenever one of the user's devices comes or goes.
const projects = Array.from({ length: 500 }, (_, n) => `project-${n}-channel`);
const someRooms = {
  'names of many rooms': { rooms: projects, patterns: projects.slice(250) },
  'names of many rooms that are new in the directory': { rooms: projects, patterns: projects.slice(250), late: true },
  'stars that nearly match': {
    rooms: Array.from({ length: 500 }, (_, n) => `${n}`.padEnd(60, 'a')),
    patterns: ['*a*a*a*a*a*b', '*a*a*a*a*a*a*a*a*b*', `*${'a'.repeat(50)}b*`],
  },
};

const longestScript = 20;  // ms

for (const [name, { rooms, patterns, late }] of Object.entries(someRooms)) {
  test(`a token for some rooms does not hold Redis up: ${name}`, bounded, async (t) => {
    const data = await folder(t);
    const app = await issuer(data);
    const daemon = await daemonFor(t, { data, flags: ['--auth', 'jwt', '--jwt-key', app.file] });
    const [directory, state] = [await look(t, daemon.redisSocket, 0), await look(t, daemon.redisSocket)];
    const token = await app.token('big', { rooms: patterns });
    const device = async () => {
      const client = await clientAs(t, undefined, daemon.url);
      client.say({ type: 'register', token });
      await client.hears({ type: 'registered' }, { within: 60_000 });
      return client;
    };
    await state.command('CONFIG', 'SET', 'slowlog-log-slower-than', '5000');
    await atMost('ms of a script', longestScript, async () => {
      await state.command('DEL', 'ws:member_rooms:big');
      await directory.command('DEL', 'hiky:user_rooms:big');
      if (!late) await fill(state, 'SADD', 'ws:member_rooms:big', rooms);
      const devices = [];
      for (let n = 1; n < 8; n += 1) devices.push(await device());
      if (late) await fill(directory, 'SADD', 'hiky:user_rooms:big', rooms);
      await state.command('SLOWLOG', 'RESET');
      devices.push(await device());
      await Promise.all(devices.map((client) => client.leaves()));
      await until('the devices to be gone', async () => (await state.command('EXISTS', 'ws:user_connections:big')) === 0);
      const slow = await state.command('SLOWLOG', 'GET', '100');
      return Math.max(0, ...slow.map(([, , us]) => us / 1000));
    });
  });
}

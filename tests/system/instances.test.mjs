// SPDX-License-Identifier: Apache-2.0
// Two daemons on one Redis: every client gets every message, once, in the order of the room's `seq`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { pause, until } from './support/processes.mjs';
import { look } from './support/redis.mjs';
import { twoDaemons } from './support/two_instances.mjs';

const flags = ['--rate-messages', '0', '--rate-typing', '0'];

test('messages that are sent at once reach every client in one order', bounded, async (t) => {
  const { daemons } = await twoDaemons(t, ...flags);
  const rooms = ['tea', 'chess', 'go'];
  const each = 40;
  const people = await Promise.all(Array.from({ length: 12 }, (_, n) => clientAs(t, `user ${n}`, daemons[n % 2].url)));
  for (const person of people) for (const room of rooms) await person.join(room);
  for (let n = 0; n < each; n += 1) {
    for (const person of people) person.say({ type: 'message', roomId: rooms[n % 3], content: n });
    if (n % 10 === 0) await Promise.all(people.map((person) => person.settle()));
  }
  const total = people.length * each;
  const seen = new Map(); // of each room and seq, the message
  for (const person of people) {
    const last = new Map();
    for (let left = total - each; left > 0; left -= 1) {
      const { type, roomId, senderId, seq, messageId, content } = JSON.parse(await person.raw());
      assert.equal(type, 'message');
      assert.notEqual(senderId, person.userId);
      assert.ok(seq > (last.get(roomId) ?? 0), `${person.userId} heard ${seq} of ${roomId} behind ${last.get(roomId)}`);
      last.set(roomId, seq);
      const key = `${roomId} ${seq}`;
      const same = JSON.stringify([messageId, senderId, content]);
      assert.equal(seen.get(key) ?? same, same);
      seen.set(key, same);
    }
    assert.deepEqual(await person.rest(20), []);
  }
  assert.equal(seen.size, total);
  // The messages of one person come in the order in which they were said.
  for (const room of rooms) {
    const said = new Map();
    for (let seq = 1; seen.has(`${room} ${seq}`); seq += 1) {
      const [, sender, content] = JSON.parse(seen.get(`${room} ${seq}`));
      assert.ok(content > (said.get(sender) ?? -1));
      said.set(sender, content);
    }
    assert.equal(said.size, people.length);
  }
});

test('people who come while others talk miss nothing and hear nothing twice', bounded, async (t) => {
  const { redis, daemons } = await twoDaemons(t, ...flags);
  const store = await look(t, redis.socket);
  const alice = await clientAs(t, 'alice', daemons[0].url);
  await alice.join('tea');
  const first = await clientAs(t, 'bob', daemons[1].url);
  await first.join('tea');
  const said = [];
  const heard = [];
  const say = async () => {
    const { type, messageId } = await alice.ask({ type: 'message', roomId: 'tea', content: said.length });
    assert.equal(type, 'messageAck');
    said.push(Number(messageId.split(':')[1]));
  };
  const take = (text) => {
    const { type, seq, messages, dropped } = JSON.parse(text);
    assert.equal(dropped, undefined);
    if (type === 'message') heard.push(seq);
    if (type === 'offlineMessages') heard.push(...messages.map((message) => message.seq));
  };
  // Messages from when he is away wait for him.
  const leave = async (bob) => {
    await bob.leaves();
    await until('bob to be away', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 0);
  };
  await leave(first);
  for (let visit = 0; visit < 20; visit += 1) {
    let talking = true;
    const talk = (async () => {
      for (let n = 0; talking; n += 1) {
        await say();
        // The mailbox keeps a hundred messages.
        if (n > 50) await pause(20);
      }
    })();
    const bob = await clientAs(t, 'bob', daemons[visit % 2].url);
    for (let n = 0; n < 10; n += 1) take(await bob.raw());
    talking = false;
    await talk;
    // Long enough for a receipt: messages that are unconfirmed at the end would come once more.
    for (const text of await bob.rest(600)) take(text);
    await leave(bob);
    for (let n = 0; n < 5; n += 1) await say();
  }
  const last = await clientAs(t, 'bob', daemons[0].url);
  for (const text of await last.rest(100)) take(text);
  assert.ok(said.length > 200, `only ${said.length} messages`);
  const wrong = heard.findIndex((seq, i) => seq !== said[i]);
  assert.equal(wrong, -1, `heard ${heard.slice(wrong - 3, wrong + 10)} and not ${said.slice(wrong - 3, wrong + 10)}`);
  assert.equal(heard.length, said.length);
});

test('a user with connections everywhere is one user', bounded, async (t) => {
  const { redis, daemons } = await twoDaemons(t, ...flags);
  const store = await look(t, redis.socket);
  const devices = await Promise.all(Array.from({ length: 10 }, (_, n) => clientAs(t, 'alice', daemons[n % 2].url)));
  const bob = await clientAs(t, 'bob', daemons[0].url);
  await devices[0].join('tea');
  await bob.join('tea');
  // The answer to a join does not wait for the user's other devices to be in.
  await pause(300);
  assert.equal(JSON.parse(await store.command('HGET', 'ws:clients', 'alice')).connections, 10);
  bob.say({ type: 'message', roomId: 'tea', content: 'to all of you' });
  for (const device of devices) await device.hears({ type: 'message', content: 'to all of you' });
  for (const device of devices.slice(1)) await device.vanishes();
  assert.deepEqual(await bob.rest(200), []);
  assert.equal(await store.command('HLEN', 'ws:user_connections:alice'), 1);
  await devices[0].leaves();
  await bob.hears({ type: 'userOffline', userId: 'alice', roomId: 'tea' });
});

test('friends who come at the same instant hear of each other at least once', bounded, async (t) => {
  const { redis, daemons } = await twoDaemons(t, ...flags);
  const directory = await look(t, redis.socket, 0);
  for (let round = 0; round < 10; round += 1) {
    const names = [`ann ${round}`, `ben ${round}`];
    await directory.command('SADD', `hiky:user_friends:${names[0]}`, names[1]);
    await directory.command('SADD', `hiky:user_friends:${names[1]}`, names[0]);
    const both = await Promise.all(names.map((_, n) => clientAs(t, undefined, daemons[(n + round) % 2].url)));
    both.forEach((client, n) => client.say({ type: 'register', userId: names[n] }));
    for (const client of both) await client.hears({ type: 'registered' });
    const heard = (await Promise.all(both.map((client) => client.rest(100)))).flat();
    assert.ok(heard.some((text) => JSON.parse(text).type === 'friendOnline'), `round ${round}: ${heard}`);
  }
});

// A user who is let in is a participant from that moment, and nothing is queued for the user: so the messages must come
// live.
test('a user who is let in elsewhere gets the messages of that moment, in rooms that are new here and in others',
  bounded, async (t) => {
  const { daemons } = await twoDaemons(t, ...flags);
  const api = new Api(daemons[1]);
  const count = 60;
  const rooms = Array.from({ length: count }, (_, n) => `room ${n}`);
  const alice = await clientAs(t, 'alice', daemons[0].url);
  // Some connections on each worker of her instance are already subscribed to a third of the rooms.
  const others = await Promise.all(Array.from({ length: 6 }, (_, n) => clientAs(t, `other ${n}`, daemons[0].url)));
  const old = rooms.filter((_, n) => n % 3 === 0);
  for (const room of old) await Promise.all(others.map((other) => other.ask({ type: 'joinRoom', roomId: room })));
  for (const room of rooms) {
    await api.call('PUT', `/rooms/${encodeURIComponent(room)}/members/host`);
    const said = [1, 2].map((n) => ({ json: { senderId: 'host', content: n } }));
    await api.call('PUT', `/rooms/${encodeURIComponent(room)}/members/alice`);
    for (const message of said)
      assert.equal((await api.call('POST', `/rooms/${encodeURIComponent(room)}/messages`, message)).status, 201);
  }
  const heard = new Map(rooms.map((room) => [room, []]));
  for (let left = 2 * count; left > 0; left -= 1) {
    const { type, roomId, content } = JSON.parse(await alice.raw());
    assert.equal(type, 'message');
    heard.get(roomId).push(content);
  }
  assert.deepEqual([...heard], rooms.map((room) => [room, [1, 2]]));
  assert.deepEqual(await alice.rest(), []);
  for (const other of others) {
    const told = (await other.rest()).map((frame) => JSON.parse(frame)).filter(({ type }) => type === 'message');
    assert.deepEqual(
      told.map(({ roomId, content }) => [roomId, content]),
      old.flatMap((room) => [
        [room, 1],
        [room, 2],
      ]),
    );
  }
});

test('a room that one device joins is heard by the others from its first message on', bounded, async (t) => {
  const { daemons } = await twoDaemons(t, ...flags);
  const [desk, phone] = await Promise.all(daemons.map((daemon) => clientAs(t, 'alice', daemon.url)));
  const rooms = Array.from({ length: 60 }, (_, n) => `room ${n}`);
  for (const room of rooms) {
    phone.say({ type: 'joinRoom', roomId: room });
    phone.say({ type: 'message', roomId: room, content: room });
  }
  // Each room has an order of its own; rooms that are new to an instance may come in any order.
  const heard = [];
  while (heard.length < rooms.length) heard.push(JSON.parse(await desk.raw()));
  assert.deepEqual(heard.filter(({ type }) => type !== 'message'), []);
  assert.deepEqual(heard.map(({ content }) => content).sort(), [...rooms].sort());
  assert.deepEqual(await desk.rest(), []);
});

// SPDX-License-Identifier: Apache-2.0
// Directed attacks on the promises of the ledger (ledger.test.mjs): moments at which a change is half done, and clocks
// that step back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { text } from './support/frames.mjs';
import { pause, until } from './support/processes.mjs';
import { away, collect, collected, deafPeer, joined, mailOf, say } from './support/talk.mjs';
import { bearer } from './support/tokens.mjs';
import { twoInstances } from './support/two_instances.mjs';

test('removed while the instance subscribes: hears nothing from 1 s on', bounded, async (t) => {
  const { gate, one, two, ctl } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url, 'chess');
  gate.delay = 150; // each way: `a` arrives, SUBSCRIBE leaves
  await ctl('room', 'add-member', 'tea', 'bob');
  await ctl('room', 'remove-member', 'tea', 'bob');
  await pause(1500);
  gate.delay = 0;
  await say(alice, 'secret');
  assert.deepEqual(await collected(bob, 800), []);
});

test('removed while a register waits for its subscription: hears nothing from 1 s on', bounded, async (t) => {
  const { busOfOne, store, one, two, ctl } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  // Some of the connections are on a worker whose way to Redis is not that of the bus.
  const users = Array.from({ length: 6 }, (_, n) => `bob ${n}`);
  for (const user of users) {
    await (await joined(t, user, two.url)).leaves();
    await away(store, user);
  }
  const bus = await busOfOne();
  const people = await Promise.all(
    users.map((user) => clientAs(t, undefined, one.url).then((client) => Object.assign(client, { user }))),
  );
  bus.hold();
  for (const bob of people) bob.say({ type: 'register', userId: bob.user });
  await pause(300);
  const online = [];
  for (const bob of people)
    if ((await store.command('HLEN', `ws:user_connections:${bob.user}`)) === 1) online.push(bob);
  for (const bob of online) await ctl('room', 'remove-member', 'tea', bob.user);
  bus.release();
  assert.ok(online.length > 0, 'all are on the worker of the bus');
  for (const bob of online) await bob.hears({ type: 'registered' });
  await pause(1500);
  await say(alice, 'secret');
  await pause(300);
  for (const bob of online) assert.deepEqual(collect(bob.come), []);
});

test('removed while messages are under way: they are no mail, though the instance has not heard of it',
  bounded, async (t) => {
  const { gate, one, two, ctl, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  await alice.join('go');
  const joins = ['tea', 'go'].map((roomId) => ({ type: 'joinRoom', roomId }));
  const bob = await deafPeer(t, one.port, {}, { type: 'register', userId: 'bob' }, ...joins);
  await until('bob to be in', async () => (await store.command('SCARD', 'ws:user_rooms:bob')) === 2);
  for (let n = 1; n <= 3; n += 1) for (const room of ['tea', 'go']) await say(alice, `${room} ${n}`, room);
  await pause(300); // the messages have been handed to the connection
  gate.delay = 400; // each way: the instance names both rooms when the connection ends
  await ctl('room', 'remove-member', 'tea', 'bob');
  bob.socket.resetAndDestroy();
  await away(store, 'bob');
  assert.deepEqual(await mailOf(store, 'bob'), ['go 1', 'go 2', 'go 3']);
});

test('a user whose rooms change all the time is compared and answered all the same', bounded, async (t) => {
  const { gate, one, two, deafFor } = await twoInstances(t, { flags: ['--rate-requests', '0'] });
  const bob = await clientAs(t, 'bob', one.url);
  const desk = await clientAs(t, 'bob', two.url);
  let changes = true;
  const changing = (async () => {
    for (let n = 0; changes; n = (n + 1) % 10) {
      await desk.ask({ type: 'joinRoom', roomId: `room ${n}` });
      await desk.ask({ type: 'leaveRoom', roomId: `room ${n}` });
      await pause(20);
    }
  })();
  await deafFor(300, async () => {});
  gate.delay = 100;
  await pause(1500);
  await bob.ask({ type: 'getOnlineStatus' }, 15_000);
  changes = false;
  gate.delay = 0;
  await changing;
});

test('a room that the directory gives to one device is heard by the user’s other devices at once',
  bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  await say(alice, 'before');
  const devices = [await clientAs(t, 'bob', one.url), await clientAs(t, 'bob', two.url, { fields: { events: true } })];
  await store.command('SELECT', 0);
  await store.command('SADD', 'hiky:user_rooms:bob', 'tea');
  await store.command('SELECT', 1);
  devices.push(await clientAs(t, 'bob', two.url));
  await say(alice, 'now');
  for (const bob of devices) assert.deepEqual(await collected(bob), ['now']);
});

test('the end of a register that failed does not end the one that came after it', bounded, async (t) => {
  const { gate, one, store } = await twoInstances(t);
  const bob = await clientAs(t, undefined, one.url);
  gate.shut = true;
  gate.cut(false);
  await pause(50);
  bob.say({ type: 'register', userId: 'bob' });
  await bob.hears({ type: 'error' });
  gate.shut = false;
  await until('bob to be registered', async () => {
    bob.say({ type: 'register', userId: 'bob' });
    return JSON.parse(await bob.raw()).type === 'registered';
  });
  await pause(1500);
  assert.equal(await store.command('SISMEMBER', 'ws:online_users', 'bob'), 1);
});

test('a user who was removed from the only room is not put back by a refresh', bounded, async (t) => {
  const { app, one, as, deafFor, ctl, store } = await twoInstances(t, { jwt: true });
  const bob = await as('bob', one);
  await bob.join('tea');
  await deafFor(500, async () => {
    bob.say({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'x'] }) });
    await ctl('room', 'remove-member', 'tea', 'bob');
  });
  await pause(1500);
  assert.equal(await store.command('SISMEMBER', 'ws:room_members:tea', 'bob'), 0);
});

test('messages that a connection got when it entered a room late are owed when it ends', bounded, async (t) => {
  const { app, gate, one, two, as, store } = await twoInstances(t, { jwt: true, flags: ['--workers', '1'] });
  const alice = await as('alice', two);
  const carol = await as('carol', one);
  const setup = await as('bob', one);
  for (const each of [alice, carol, setup]) await each.join('go');
  await setup.leaves();
  await away(store, 'bob');
  const bob = await deafPeer(t, one.port, bearer(await app.token('bob', { rooms: ['tea'] })).headers, {
    type: 'register',
  });
  await until('bob', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 1);
  await pause(100);
  await say(alice, 0, 'go');
  await store.command('DEL', 'ws:offline_messages:bob');
  bob.socket.pause();
  gate.delay = 150;
  await bob.send(text(JSON.stringify({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'go'] }) })));
  await until(
    'bob to take part',
    async () => (await store.command('SISMEMBER', 'ws:room_participants:go', 'bob')) === 1,
  );
  for (let n = 1; n <= 3; n += 1) await say(alice, n, 'go');
  await pause(2500);
  gate.delay = 0;
  bob.socket.resetAndDestroy();
  await away(store, 'bob');
  const mail = await mailOf(store, 'bob');
  assert.deepEqual(mail.filter((n) => n > 0), [1, 2, 3]);
});

test('live messages during a late entry come before later messages of the log', bounded, async (t) => {
  const { app, gate, one, two, as, store } = await twoInstances(t, { jwt: true, flags: ['--workers', '1'] });
  const alice = await as('alice', two);
  const carol = await as('carol', one); // so that the room is heard there
  const setup = await as('bob', one);
  for (const each of [alice, carol, setup]) await each.join('go');
  await setup.leaves();
  const bob = await as('bob', one, { rooms: ['tea'] });
  await pause(100);
  gate.delay = 150;
  // At Redis: the connection's rooms now, the comparison at 300 ms, where the room stood at 600 ms, its log at 900 ms.
  // Answers take 150 ms more.
  bob.say({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'go'] }) });
  await until('bob to take part', async () => (await store.command('SISMEMBER', 'ws:room_participants:go', 'bob')) === 1);
  await pause(400);
  for (const n of [1, 2]) await say(alice, n, 'go');
  await pause(350);
  await say(alice, 3, 'go');
  await pause(1500);
  gate.delay = 0;
  assert.deepEqual(await collected(bob), [1, 2, 3]);
});

test('messages that waited during a failed register do not count as delivered', bounded, async (t) => {
  const { gate, one, two, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  await joined(t, 'carol', one.url);
  await (await joined(t, 'bob', two.url)).leaves();
  await away(store, 'bob');
  const bob = await clientAs(t, undefined, one.url);
  await store.command('SET', 'ws:user_rooms:bob', 'spoilt for a moment');
  gate.delay = 150;
  bob.say({ type: 'register', userId: 'bob' });
  await pause(330); // the rooms are known and entered; connect.lua is under way
  await say(alice, 'important');
  await bob.hears({ type: 'error' });
  await store.command('DEL', 'ws:user_rooms:bob');
  gate.delay = 0;
  await pause(700);
  assert.deepEqual(await mailOf(store, 'bob'), ['important']);
  bob.say({ type: 'register', userId: 'bob' });
  await bob.hears({ type: 'registered' });
  assert.deepEqual([...(await collected(bob, 800)), ...(await mailOf(store, 'bob'))], ['important']);
});

test('a room that one device enters and leaves at once is heard by no other device; without any fault',
  bounded, async (t) => {
  const { one, two } = await twoInstances(t, { flags: ['--rate-requests', '0'] });
  const alice = await clientAs(t, 'alice', two.url);
  const rooms = Array.from({ length: 100 }, (_, n) => `room ${n}`);
  for (const room of rooms) await alice.join(room);
  const phone = await clientAs(t, 'bob', one.url);
  const laptop = await clientAs(t, 'bob', two.url);
  for (const room of rooms) {
    laptop.say({ type: 'joinRoom', roomId: room });
    laptop.say({ type: 'leaveRoom', roomId: room });
  }
  await laptop.settle();
  await pause(1500);
  assert.deepEqual(collect(phone.come), []);
  for (const room of rooms) await say(alice, room, room);
  await pause(300);
  assert.deepEqual(collect(phone.come), []);
});

test('a kick ends no connection that has come since, though Redis’s clock stepped back in between',
  bounded, async (t) => {
  const { one, store, deafFor } = await twoInstances(t);
  // The time of the kick, by the old clock.
  await store.command('SET', 'ws:kicked:bob', Date.now() + 1500, 'EX', 300);
  const bob = await clientAs(t, 'bob', one.url);
  await pause(1600);
  await deafFor(200, async () => {}); // all sessions are compared
  await pause(1500);
  assert.ok(bob.isOpen, 'ended for a kick that was before it came');
});

// SPDX-License-Identifier: Apache-2.0
// Directed attacks on what the ledger promises (ledger.test.mjs): moments at which something is half done, readers that take nothing, tokens that
// come and go, clocks that step back, keys that another program has spoilt.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { samples } from './support/exposition.mjs';
import { op, pong, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { away, collect, collected, deafPeer, joined, mailOf, say } from './support/talk.mjs';
import { bearer, twoInstances } from './support/two_instances.mjs';

const bounded = { timeout: 120_000 };
const scripts = async (store) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await store.command('INFO', 'commandstats'))?.[1] ?? 0);

// Alice, in a room whose other member is away.
async function withoutBob({ as, one, store }) {
  const alice = await as('alice', one);
  await alice.join('go');
  const bob = await as('bob', one);
  await bob.join('go');
  await bob.leaves();
  await away(store, 'bob');
  return alice;
}

test('removed while the instance begins to listen: hears nothing from 1 s on', bounded, async (t) => {
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
  const users = Array.from({ length: 6 }, (_, n) => `bob ${n}`); // some on a worker whose way to Redis is not that of the bus
  for (const user of users) {
    await (await joined(t, user, two.url)).leaves();
    await away(store, user);
  }
  const bus = await busOfOne();
  const people = await Promise.all(users.map((user) => clientAs(t, undefined, one.url).then((client) => Object.assign(client, { user }))));
  bus.hold();
  for (const bob of people) bob.say({ type: 'register', userId: bob.user });
  await pause(300);
  const online = [];
  for (const bob of people) if ((await store.command('HLEN', `ws:user_connections:${bob.user}`)) === 1) online.push(bob);
  for (const bob of online) await ctl('room', 'remove-member', 'tea', bob.user);
  bus.release();
  assert.ok(online.length > 0, 'all are on the worker of the bus');
  for (const bob of online) await bob.hears({ type: 'registered' });
  await pause(1500);
  await say(alice, 'secret');
  await pause(300);
  for (const bob of online) assert.deepEqual(collect(bob.come), []);
});

test('what a dead phone did not get reaches the device whose token has grown since', bounded, async (t) => {
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

test('a user whose token is not for the room gets mail, with a neighbour’s participant in the room', bounded, async (t) => {
  const { one, store, as } = await twoInstances(t, { jwt: true });
  const alice = await withoutBob({ as, one, store });
  await as('bob', one, { rooms: ['tea'] });
  await store.command('SADD', 'ws:room_participants:go', 'stranger'); // as the document's own service does
  await store.command('SADD', 'ws:online_users', 'stranger');
  await say(alice, 'for bob', 'go');
  assert.deepEqual(await mailOf(store, 'bob'), ['for bob']);
});

test('a claim that can never succeed is not tried five times a second for ever', bounded, async (t) => {
  const { one, store } = await twoInstances(t);
  await store.command('LPUSH', 'ws:offline_messages:bob', JSON.stringify({ type: 'message', roomId: 'tea', content: 1 }));
  await store.command('LPUSH', 'ws:offline_dropped:bob', 'no number');
  const bob = await clientAs(t, 'bob', one.url);
  await pause(300);
  await clientAs(t, 'bystander', one.url);
  const before = await scripts(store);
  await pause(3000);
  const used = (await scripts(store)) - before;
  assert.ok(bob.isOpen);
  assert.ok(used < 30, `${used} scripts in 3 s`);
});

test('a room that can never be entered is not tried five times a second for ever, and costs no other room', bounded, async (t) => {
  const { one, two, store, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await clientAs(t, 'bob', one.url);
  await deafFor(500, async () => {
    await store.command('SET', 'ws:room_log:bad', 'spoilt');
    for (const room of ['bad', 'tea']) {
      await store.command('SADD', `ws:room_members:${room}`, 'bob');
      await store.command('SADD', 'ws:member_rooms:bob', room);
    }
  });
  await until('bob to hear tea', async () => (await say(alice, 1), collect(bob.come).length > 0));
  const before = await scripts(store);
  await pause(3000);
  const used = (await scripts(store)) - before;
  assert.ok(used < 30, `${used} scripts in 3 s`);
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

test('a room that the directory gives to one device is heard by the user’s other devices at once', bounded, async (t) => {
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

test('one user’s spoilt key keeps nobody else from being compared', bounded, async (t) => {
  const { one, two, ctl, deafFor, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await clientAs(t, 'mallory', one.url);
  await store.command('SET', 'ws:member_rooms:mallory', 'spoilt');
  await deafFor(500, () => ctl('room', 'remove-member', 'tea', 'bob'));
  await until('the instance to hear again', async () => (await bob.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus');
  await pause(1500);
  await say(alice, 'secret');
  assert.deepEqual(await collected(bob), []);
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

test('what a connection was given when it entered a room late is owed when it ends', bounded, async (t) => {
  const { app, gate, one, two, as, store } = await twoInstances(t, { jwt: true, flags: ['--workers', '1'] });
  const alice = await as('alice', two);
  const carol = await as('carol', one);
  const setup = await as('bob', one);
  for (const each of [alice, carol, setup]) await each.join('go');
  await setup.leaves();
  await away(store, 'bob');
  const bob = await deafPeer(t, one.port, bearer(await app.token('bob', { rooms: ['tea'] })).headers, { type: 'register' });
  await until('bob', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 1);
  await pause(100);
  await say(alice, 0, 'go');
  await store.command('DEL', 'ws:offline_messages:bob');
  bob.socket.pause();
  gate.delay = 150;
  await bob.send(text(JSON.stringify({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'go'] }) })));
  await until('bob to take part', async () => (await store.command('SISMEMBER', 'ws:room_participants:go', 'bob')) === 1);
  for (let n = 1; n <= 3; n += 1) await say(alice, n, 'go');
  await pause(2500);
  gate.delay = 0;
  bob.socket.resetAndDestroy();
  await away(store, 'bob');
  const mail = await mailOf(store, 'bob');
  assert.deepEqual(mail.filter((n) => n > 0), [1, 2, 3]);
});

test('what came live while a room is entered late comes before what its log has beyond that', bounded, async (t) => {
  const { app, gate, one, two, as, store } = await twoInstances(t, { jwt: true, flags: ['--workers', '1'] });
  const alice = await as('alice', two);
  const carol = await as('carol', one); // so that the room is heard there
  const setup = await as('bob', one);
  for (const each of [alice, carol, setup]) await each.join('go');
  await setup.leaves();
  const bob = await as('bob', one, { rooms: ['tea'] });
  await pause(100);
  gate.delay = 150;
  // At Redis: the connection's rooms now, the comparison at 300 ms, where the room stood at 600 ms, its log at 900 ms. Answers take 150 ms more.
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

test('what waited during a register that failed is not taken for delivered', bounded, async (t) => {
  const { gate, one, two, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  await joined(t, 'carol', one.url);
  await (await joined(t, 'bob', two.url)).leaves();
  await away(store, 'bob');
  const bob = await clientAs(t, undefined, one.url);
  await store.command('SET', 'ws:user_rooms:bob', 'spoilt for a moment');
  gate.delay = 150;
  bob.say({ type: 'register', userId: 'bob' });
  await pause(330); // the rooms are known and entered; what makes bob online is under way
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

test('a reader that takes nothing while it is replayed to is closed as slow, and holds no memory', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t, { flags: ['--workers', '1'] });
  const alice = await joined(t, 'alice', two.url);
  await (await joined(t, 'bob', one.url)).leaves();
  await away(store, 'bob');
  const big = 'x'.repeat(60_000);
  for (let n = 0; n < 40; n += 1) await say(alice, big);
  const first = JSON.parse((await store.command('LINDEX', 'ws:offline_messages:bob', -1))).messageId;
  const bob = await webSocketOf(t, one.port);
  bob.socket.pause();
  await bob.send(text(JSON.stringify({ type: 'register', userId: 'bob', ack: true, resume: { tea: `${first.slice(0, first.lastIndexOf(':'))}:0` } })));
  await until('bob', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 1);
  const beats = setInterval(() => bob.send(pong('')), 1000);
  atEnd(t, () => clearInterval(beats));
  const rss = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${one.pid}/status`, 'utf8'))[1]) / 1024;
  await pause(300);
  const before = await rss();
  for (let n = 0; n < 800; n += 1) await say(alice, big);
  await away(store, 'bob');
  const numbers = samples(await (await fetch(`${one.url}/metrics`)).text());
  assert.equal(numbers.get('hiky_slow_connections_closed_total'), 1);
  const grown = (await rss()) - before;
  if (!process.env.HIKY_SANITIZE) assert.ok(grown < 20, `${grown.toFixed()} MiB more`);
});

test('tokens that come and go leave nothing behind in the ledger', bounded, async (t) => {
  const { app, one, as, store } = await twoInstances(t, { jwt: true });
  const alice = await withoutBob({ as, one, store });
  const bob = await deafPeer(t, one.port, bearer(await app.token('bob')).headers, { type: 'register' });
  const [full, some] = [await app.token('bob'), await app.token('bob', { rooms: ['tea'] })];
  // His pong is under way while the token changes.
  for (let n = 1; n <= 3; n += 1) {
    await say(alice, n, 'go');
    let ping;
    do ping = await bob.frame(5_000, { pings: true });
    while (ping.opcode !== op.ping);
    await bob.send(text(JSON.stringify({ type: 'refresh', token: some })), text(JSON.stringify({ type: 'refresh', token: full })));
    await pause(300);
    await bob.send(pong(ping.payload));
  }
  const answers = async () => {
    for (let each; (each = await bob.frame(30_000, { pings: true })); ) if (each.opcode === op.ping) await bob.send(pong(each.payload));
  };
  const answering = answers();
  await pause(3_000);
  bob.socket.resetAndDestroy();
  await answering.catch(() => {});
  await away(store, 'bob');
  assert.deepEqual(await mailOf(store, 'bob'), []);
});

test('what a token may not hear any more while the bus is deaf is owed once, and what is said later is mail', bounded, async (t) => {
  const { app, busOfOne, one, two, as, store } = await twoInstances(t, { jwt: true });
  const alice = await as('alice', two);
  const users = Array.from({ length: 6 }, (_, n) => `bob ${n}`); // some on a worker whose way to Redis is not that of the bus
  const people = await Promise.all(users.map((user) => as(user, one)));
  for (const client of [alice, ...people]) for (const room of ['go', 'quiet']) await client.ask({ type: 'joinRoom', roomId: room });
  await say(alice, 'before', 'go');
  const heard = new Map(users.map((user) => [user, []]));
  const listen = async () => {
    for (const bob of people) heard.get(bob.userId).push(...(await collected(bob)));
  };
  await listen();
  const bus = await busOfOne();
  bus.hold();
  await say(alice, 'under way', 'go');
  await Promise.all(people.map(async (bob) => bob.ask({ type: 'refresh', token: await app.token(bob.userId, { rooms: ['tea'] }) })));
  bus.release();
  await pause(1_500);
  await say(alice, 'in between', 'go');
  await say(alice, 'quiet in between', 'quiet');
  for (const bob of people) await bob.ask({ type: 'refresh', token: await app.token(bob.userId) });
  await listen();
  await say(alice, 'later', 'go');
  await pause(3_000);
  await listen();
  let owed = 0;
  for (const bob of people) {
    await bob.vanishes();
    await away(store, bob.userId);
    const mail = await mailOf(store, bob.userId);
    owed += mail.length;
    assert.deepEqual([...heard.get(bob.userId), ...mail].sort(), ['before', 'in between', 'later', 'quiet in between', 'under way'], bob.userId);
  }
  assert.ok(owed > 0, 'all are on the worker of the bus');
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
  await until('the instance to reach Redis', async () => (await carol.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus');
  const began = Date.now();
  await say(alice, 'hello');
  await until('carol to hear', async () => collect(carol.come).includes('hello'), 20_000);
  assert.ok(Date.now() - began < 8000, `after ${Date.now() - began} ms`); // and not only when the gate's patience is over
});

test('a member of a room whose log is spoilt does not stay online', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await joined(t, 'bob', one.url, 'go').then((each) => each.leaves());
  await alice.join('go');
  await say(alice, 1);
  await store.command('SET', 'ws:room_log:tea', 'spoilt');
  await alice.ask({ type: 'message', roomId: 'tea', content: 2 }); // refused
  await bob.vanishes();
  await pause(700);
  await say(alice, 'in another room', 'go');
  assert.equal(await store.command('SISMEMBER', 'ws:online_users', 'bob'), 0);
  assert.deepEqual(await mailOf(store, 'bob'), ['in another room']);
});

test('a spoilt room costs its members no mail of other rooms', bounded, async (t) => {
  const { one, two, store } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  const bad = Array.from({ length: 15 }, (_, n) => `bad ${n}`); // sets have no order: `tea` comes behind one of them
  for (const room of bad) await bob.join(room);
  for (const room of bad) await store.command('SET', `ws:room_participants:${room}`, 'spoilt');
  await bob.vanishes();
  await pause(700);
  await say(alice, 'for bob');
  assert.deepEqual(await mailOf(store, 'bob'), ['for bob']);
});

test('a room that one device enters and leaves at once is heard by no other device; without any fault', bounded, async (t) => {
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

test('a kick ends nobody who has come since, though Redis’s clock stepped back in between', bounded, async (t) => {
  const { one, store, deafFor } = await twoInstances(t);
  await store.command('SET', 'ws:kicked:bob', Date.now() + 1500, 'EX', 300); // the time of the kick, by the clock before
  const bob = await clientAs(t, 'bob', one.url);
  await pause(1600);
  await deafFor(200, async () => {}); // all are compared
  await pause(1500);
  assert.ok(bob.isOpen, 'ended for a kick that was before it came');
});

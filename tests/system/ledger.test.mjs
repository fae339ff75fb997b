// SPDX-License-Identifier: Apache-2.0
// What a client already has: only what its connection showed. However connections end, and whatever an instance has not heard of,
// every acknowledged message reaches its user, and nobody who was removed reads on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { closing } from './support/frames.mjs';
import { pause, program, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { away, collected, deafPeer, joined, say } from './support/talk.mjs';
import { issuer } from './support/tokens.mjs';
import { bearer, twoInstances } from './support/two_instances.mjs';

const bounded = { timeout: 60_000 };
const flags = ['--rate-messages', '0'];
const contents = (messages) => messages.map(({ content }) => content);

async function chat(t, more = []) {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const store = await look(t, redis.socket);
  const start = (name = 'one', and = []) => daemonFor(t, { redis: redis.url, flags: [...flags, ...more, ...and, '--instance-id', name] });
  return { data, redis, store, start };
}
for (const first of ['the phone ends', 'the laptop comes back']) {
  test(`mail in the hands of a dead phone reaches the laptop, which has heard later messages; first ${first}`, bounded, async (t) => {
    const { store, start } = await chat(t);
    const daemon = await start();
    const alice = await joined(t, 'alice', daemon.url);
    await (await joined(t, 'bob', daemon.url)).leaves();
    await away(store, 'bob');
    for (let n = 1; n <= 5; n += 1) await say(alice, n);
    const phone = await deafPeer(t, daemon.port, {}, { type: 'register', userId: 'bob', ack: true });
    phone.socket.pause();
    await until('the phone to have the mail', async () => (await store.command('EXISTS', 'ws:offline_messages:bob')) === 0);
    const laptop = await clientAs(t, 'bob', daemon.url, { fields: { ack: true } });
    const place = await say(alice, 6);
    assert.deepEqual(await collected(laptop), [6]);
    await laptop.vanishes();
    if (first === 'the phone ends') phone.socket.resetAndDestroy();
    if (first === 'the phone ends') await away(store, 'bob');
    const again = await clientAs(t, undefined, daemon.url);
    again.say({ type: 'register', userId: 'bob', ack: true, resume: { tea: place } });
    await again.hears({ type: 'registered', resumed: { tea: { recovered: true, count: 0 } } });
    if (first !== 'the phone ends') phone.socket.resetAndDestroy();
    assert.deepEqual((await collected(again)).filter((n) => n !== 6), [1, 2, 3, 4, 5]);
  });
}

test('a page that goes while a message is under way gets it when it is back', bounded, async (t) => {
  const { store, start } = await chat(t);
  const daemon = await start();
  const bob = await joined(t, 'bob', daemon.url);
  const page = await deafPeer(t, daemon.port, {}, { type: 'register', userId: 'alice' }, { type: 'joinRoom', roomId: 'tea' });
  await until('alice to be in', async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'alice')) === 1);
  page.socket.pause();
  await say(bob, 'under way');
  await page.send(closing(1001));
  await away(store, 'alice');
  const alice = await clientAs(t, 'alice', daemon.url);
  assert.deepEqual(contents((await alice.hears({ type: 'offlineMessages' })).messages), ['under way']);
});

test('a goodbye in a quiet room costs no message twice', bounded, async (t) => {
  const { store, start } = await chat(t);
  const daemon = await start();
  const bob = await joined(t, 'bob', daemon.url);
  const alice = await joined(t, 'alice', daemon.url);
  for (let n = 0; n < 3; n += 1) await say(bob, n);
  assert.deepEqual(await collected(alice, 600), [0, 1, 2]);
  await alice.leaves();
  await away(store, 'alice');
  assert.deepEqual(await collected(await clientAs(t, 'alice', daemon.url)), []);
});

for (const named of [true, false]) {
  const how = named ? 'says which connection it had gets nothing of that one again' : 'does not say which connection it had gets what is in doubt again';
  test(`a client that ${how}`, bounded, async (t) => {
    const { store, start } = await chat(t);
    const [one, two] = [await start('one'), await start('two')];
    const alice = await joined(t, 'alice', one.url);
    const phone = await deafPeer(t, one.port, {}, { type: 'register', userId: 'bob', ack: true }, { type: 'joinRoom', roomId: 'tea' });
    const { connectionId } = JSON.parse((await phone.frame()).payload);
    await phone.frame();
    const places = [];
    for (let n = 1; n <= 5; n += 1) places.push(await say(alice, n));
    phone.socket.resetAndDestroy(); // it had read up to the third, and shown nothing of that
    await away(store, 'bob');
    const again = await clientAs(t, undefined, two.url);
    again.say({ type: 'register', userId: 'bob', ack: true, ...(named ? { connectionId } : {}), resume: { tea: places[2] } });
    await again.hears({ type: 'registered', resumed: { tea: { recovered: true, count: 2 } } });
    assert.deepEqual(await collected(again), named ? [4, 5] : [4, 5, 1, 2]);
  });
}

for (const [how, flags, end] of [
  ['4403', [], ({ redis }) => run(program('HIKYCTL', 'hikyctl'), ['--redis', redis.url, 'disconnect', 'bob'])],
  ['4409', ['--limit-user-connections', '1'], ({ t, daemon }) => clientAs(t, 'bob', daemon.url)],
]) {
  test(`what a half-open connection had not received waits after we close it with ${how}`, bounded, async (t) => {
    const { store, redis, start } = await chat(t, flags);
    const daemon = await start();
    const alice = await joined(t, 'alice', daemon.url);
    const bob = await deafPeer(t, daemon.port, {}, { type: 'register', userId: 'bob' }, { type: 'joinRoom', roomId: 'tea' });
    await until('bob to be in', async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'bob')) === 1);
    bob.socket.pause();
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
    const other = await end({ t, daemon, redis });
    if (other?.hears) assert.deepEqual(contents((await other.hears({ type: 'offlineMessages' })).messages), [1, 2, 3]);
    else await until('the mail', async () => (await store.command('LLEN', 'ws:offline_messages:bob')) === 3);
  });
}

test('a user who is let into a room while the instance is deaf gets what is said there', bounded, async (t) => {
  const { one, two, ctl, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url, 'chess');
  await deafFor(800, async () => {
    await ctl('room', 'add-member', 'tea', 'bob');
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
  });
  await until('bob to hear tea', async () => (await collected(alice, 0), await say(alice, 'now'), true));
  const heard = new Set();
  await until('all messages', async () => {
    for (const content of await collected(bob, 100)) heard.add(content);
    return heard.size === 4;
  });
  assert.deepEqual([...heard], [1, 2, 3, 'now']);
});

test('a user who is removed from a room while the instance is deaf hears nothing of it any more', bounded, async (t) => {
  const { store, one, two, ctl, deafFor } = await twoInstances(t);
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, async () => {
    await ctl('room', 'remove-member', 'tea', 'bob');
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
  });
  await until('the instance to hear again', async () => (await bob.ask({ type: 'getOnlineStatus' })).type === 'onlineStatus');
  for (let n = 4; n <= 8; n += 1) {
    await say(alice, n);
    await pause(200);
  }
  assert.deepEqual(await collected(bob), []);
  await bob.leaves();
  await away(store, 'bob');
  assert.equal(await store.command('EXISTS', 'ws:offline_messages:bob'), 0);
});

test('a user who is disconnected while the instance is deaf is ended when it hears', bounded, async (t) => {
  const { one, ctl, deafFor } = await twoInstances(t);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, () => ctl('disconnect', 'bob'));
  assert.deepEqual(await bob.closed, { code: 4403, reason: 'disconnected by an operator' });
  await until('the instance to be ready', async () => (await fetch(`http://127.0.0.1:${one.port}/ready`)).status === 200);
  const again = await joined(t, 'bob', one.url);
  assert.deepEqual(await again.rest(), []);
});

test('mail that comes while the instance is deaf is fetched when it hears', bounded, async (t) => {
  const { store, one, deafFor } = await twoInstances(t);
  const bob = await joined(t, 'bob', one.url);
  await deafFor(800, () => store.command('LPUSH', 'ws:offline_messages:bob', JSON.stringify({ type: 'message', roomId: 'tea', content: 'from elsewhere' })));
  const { messages } = await bob.hears({ type: 'offlineMessages' }, { within: 10_000 });
  assert.deepEqual(contents(messages), ['from elsewhere']);
});

test('a claim of mail that failed is made again', bounded, async (t) => {
  const { store, start } = await chat(t);
  const daemon = await start();
  const users = Array.from({ length: 60 }, (_, n) => `user ${n}`);
  for (const user of users) await store.command('LPUSH', `ws:offline_messages:${user}`, JSON.stringify({ type: 'message', roomId: 'tea', content: user }));
  const people = await Promise.all(users.map(async (user) => Object.assign(await clientAs(t, undefined, daemon.url), { userId: user })));
  people.forEach((person, n) => setTimeout(() => person.say({ type: 'register', userId: person.userId }), 5 * n));
  await pause(100);
  await store.command('CLIENT', 'PAUSE', 2_600, 'ALL');
  await until('everybody to be registered and to have the mail', async () => {
    for (const person of people) {
      for (const frame of person.come) {
        if (frame.type === 'registered') person.registered = true;
        if (frame.type === 'error') person.say({ type: 'register', userId: person.userId });
        if (frame.type === 'offlineMessages') person.mail = contents(frame.messages);
      }
    }
    return people.every(({ mail, userId, registered }) => registered && mail?.[0] === userId);
  }, 20_000);
});

test('an end while Redis has no memory left loses no claimed mail', bounded, async (t) => {
  const { store, start } = await chat(t);
  const daemon = await start();
  for (let n = 1; n <= 5; n += 1) await store.command('LPUSH', 'ws:offline_messages:bob', JSON.stringify({ type: 'message', roomId: 'tea', content: n }));
  const bob = await clientAs(t, 'bob', daemon.url, { fields: { ack: true } });
  await bob.hears({ type: 'offlineMessages' });
  await store.command('CONFIG', 'SET', 'maxmemory', '1');
  await bob.vanishes();
  await pause(300);
  await store.command('CONFIG', 'SET', 'maxmemory', '0');
  await away(store, 'bob');
  assert.equal(await store.command('LLEN', 'ws:offline_messages:bob'), 5);
  assert.deepEqual(await store.command('KEYS', 'ws:offline_inflight:*'), []);
});

async function tokenChat(t) {
  const all = await chat(t);
  const app = await issuer(all.data);
  const daemon = await all.start('one', ['--auth', 'jwt', '--jwt-key', app.file, '--jwt-leeway', '0']);
  return { ...all, app, daemon, as: async (user, claims) => clientAs(t, undefined, daemon.url, bearer(await app.token(user, claims))) };
}
const registers = async (client, fields = {}) => {
  client.say({ type: 'register', ...fields });
  return client.hears({ type: 'registered' });
};

test('a token for some rooms takes its mail, and leaves the rest for one that may read it', bounded, async (t) => {
  const { store, as } = await tokenChat(t);
  for (const room of ['tea', 'go', 'tea']) {
    await store.command('LPUSH', 'ws:offline_messages:bob', JSON.stringify({ type: 'message', roomId: room, content: room, messageId: undefined }));
  }
  await store.command('LPUSH', 'ws:offline_messages:bob', 'no JSON at all');
  const some = await as('bob', { rooms: ['tea'] });
  await registers(some);
  assert.deepEqual(contents((await some.hears({ type: 'offlineMessages', count: 2 })).messages), ['tea', 'tea']);
  assert.equal(await store.command('LLEN', 'ws:offline_messages:bob'), 2);
  await some.leaves();
  const full = await as('bob');
  await registers(full);
  assert.deepEqual(contents((await full.hears({ type: 'offlineMessages', count: 1 })).messages), ['go']);
});

test('rooms that a refreshed token opens are heard from then on, and their mail is fetched', bounded, async (t) => {
  const { store, app, as } = await tokenChat(t);
  const alice = await as('alice');
  await registers(alice);
  for (const room of ['tea', 'go']) await alice.join(room);
  for (const room of ['tea', 'go']) {
    await store.command('SADD', `ws:room_members:${room}`, 'bob');
    await store.command('SADD', 'ws:member_rooms:bob', room);
  }
  const bob = await as('bob', { rooms: ['tea'] });
  await registers(bob);
  await say(alice, 'before', 'go');
  bob.say({ type: 'refresh', token: await app.token('bob', { rooms: ['tea', 'go'] }) });
  const heard = [];
  await until('bob to be refreshed', async () => {
    for (const frame of (await bob.rest(50)).map((each) => JSON.parse(each))) {
      if (frame.type === 'offlineMessages') heard.push(...contents(frame.messages));
      if (frame.type === 'message') heard.push(frame.content);
      if (frame.type === 'refreshed') return true;
    }
    return false;
  });
  await say(alice, 'after', 'go');
  heard.push(...(await collected(bob)));
  assert.deepEqual(heard, ['before', 'after']);
});

test('rooms that a refreshed token closes are heard no more, and what is said there waits', bounded, async (t) => {
  const { store, app, as } = await tokenChat(t);
  const alice = await as('alice');
  const bob = await as('bob');
  for (const client of [alice, bob]) {
    await registers(client);
    for (const room of ['tea', 'go']) await client.join(room);
  }
  assert.equal((await bob.ask({ type: 'refresh', token: await app.token('bob', { rooms: ['tea'] }) })).type, 'refreshed');
  await say(alice, 'waits', 'go');
  await say(alice, 'comes', 'tea');
  assert.deepEqual(await collected(bob), ['comes']);
  assert.equal(await store.command('LLEN', 'ws:offline_messages:bob'), 1);
  assert.deepEqual(await store.command('SMEMBERS', 'ws:room_participants:go'), ['alice']);
  assert.equal((await bob.ask({ type: 'refresh', token: await app.token('bob') })).type, 'refreshed');
  assert.deepEqual(await collected(bob), ['waits']);
});

test('rooms that a token closes and opens again bring nothing twice, though Redis’s clock has stepped back', bounded, async (t) => {
  const { store, app, as } = await tokenChat(t);
  const alice = await as('alice');
  await registers(alice);
  for (const room of ['tea', 'go']) await alice.join(room);
  await say(alice, 'first', 'go');
  await store.command('HSET', 'ws:room_head:go', 't', Date.now() + 3_600_000); // by the clock before
  const before = await as('bob');
  const { connectionId } = await registers(before);
  for (const room of ['tea', 'go']) await before.join(room);
  let last;
  for (let n = 1; n <= 3; n += 1) last = await say(alice, n, 'go');
  assert.deepEqual(await collected(before), [1, 2, 3]);
  await before.leaves();
  const bob = await as('bob');
  await registers(bob, { resume: { go: last }, connectionId });
  const refreshed = async (claims) =>
    assert.equal((await bob.ask({ type: 'refresh', token: await app.token('bob', claims) })).type, 'refreshed');
  await refreshed({ rooms: ['tea'] });
  await say(alice, 4, 'go');
  bob.say({ type: 'refresh', token: await app.token('bob') });
  assert.deepEqual(await collected(bob), [4]);
});

test('messages behind a clock that has stepped back are owed when their instance is killed', bounded, async (t) => {
  const { store, start } = await chat(t, ['--lease', '2']);
  const [one, two] = [await start('one'), await start('two')];
  const alice = await joined(t, 'alice', two.url);
  const bob = await joined(t, 'bob', one.url);
  // He came before the clock stepped back.
  const came = String(Date.now() + 90_000);
  const [id, about] = await store.command('HGETALL', 'ws:user_connections:bob');
  await store.command('HSET', 'ws:user_connections:bob', id, about.replace(/"at":\d+/, `"at":${came}`));
  await store.command('SET', 'ws:clock', came);
  one.signal('SIGKILL');
  await bob.closed;
  await say(alice, 'late');
  const again = await clientAs(t, 'bob', two.url);
  const { messages } = await again.hears({ type: 'offlineMessages' }, { within: 15_000 });
  assert.deepEqual(contents(messages), ['late']);
});

test('a client that has left a room and names it in resume gets nothing twice when it joins again', bounded, async (t) => {
  const { store, start } = await chat(t);
  const daemon = await start();
  const alice = await joined(t, 'alice', daemon.url);
  const tablet = await deafPeer(t, daemon.port, {}, { type: 'register', userId: 'bob' }, { type: 'joinRoom', roomId: 'tea' });
  await until('bob to be in', async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'bob')) === 1);
  tablet.socket.pause();
  const bob = await joined(t, 'bob', daemon.url);
  let last;
  for (let n = 1; n <= 3; n += 1) last = await say(alice, n);
  assert.deepEqual(await collected(bob), [1, 2, 3]);
  await bob.ask({ type: 'leaveRoom', roomId: 'tea' });
  for (let n = 0; n < 9; n += 1) {
    await bob.ask({ type: 'joinRoom', roomId: `other ${n}` });
    await bob.ask({ type: 'leaveRoom', roomId: `other ${n}` });
  }
  const { connectionId } = bob;
  await bob.leaves();
  const again = await clientAs(t, undefined, daemon.url);
  again.say({ type: 'register', userId: 'bob', connectionId, resume: { tea: last } });
  await again.hears({ type: 'registered' });
  await again.hears({ type: 'gap', roomId: 'tea' }); // it is in that room no more
  await again.join('tea');
  tablet.socket.resetAndDestroy();
  await until('the tablet to be gone', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 1);
  assert.deepEqual(await collected(again), []);
});

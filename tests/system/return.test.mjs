// SPDX-License-Identifier: Apache-2.0
// Answers and announcements agree about an absence: within the grace a user counts as here, and a client that was told
// of an absence is told of the return.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';

const events = { fields: { events: true } };

async function stage(t, grace, ...flags) {
  const data = await folder(t);
  const one = await daemonFor(t, { data, flags: ['--grace', `${grace}`, ...flags, ...(await keyFile(data))] });
  const two = await daemonFor(t, {
    redis: `unix://${one.redisSocket}`,
    flags: ['--instance-id', 'two', '--grace', `${grace}`, ...flags],
  });
  const directory = await look(t, one.redisSocket, 0);
  for (const [user, other] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ])
    await directory.command('SADD', `hiky:user_friends:${user}`, other);
  return { one, two, store: await look(t, one.redisSocket), api: new Api(one) };
}
// Gone from Redis.
async function away(store, client) {
  await client.leaves();
  await until(
    `${client.userId} to be gone`,
    async () => (await store.command('SISMEMBER', 'ws:online_users', client.userId)) === 0,
  );
}
const shows = async (alice) => {
  const joined = await alice.ask({ type: 'joinRoom', roomId: 'tea' });
  const page = await alice.ask({ type: 'participants', roomId: 'tea' });
  const [friend] = (await alice.ask({ type: 'getOnlineStatus' })).friends;
  assert.deepEqual([...joined.participants].sort(), page.participants);
  assert.deepEqual(
    [joined.participantCount, page.participantCount, joined.truncated],
    [joined.participants.length, joined.participants.length, false],
  );
  return { inRoom: page.participants.includes('bob'), online: friend.isOnline };
};

test('a look during a reload shows the user as here, and a look after the grace does not',
  bounded, async (t) => {
  const { one, two, store, api } = await stage(t, 4);
  const bob = await clientAs(t, 'bob', one.url);
  await bob.join('tea');
  await away(store, bob);
  const alice = await clientAs(t, 'alice', two.url, events);
  assert.deepEqual(await shows(alice), { inRoom: true, online: true });
  assert.equal((await alice.ask({ type: 'watchPresence', userIds: ['bob'] })).users[0].isOnline, true);
  assert.equal((await api.get('/users/bob')).online, true);
  assert.deepEqual((await api.get('/rooms/tea/participants')).items, ['alice', 'bob']);
  assert.equal(
    await store.command('SISMEMBER', 'ws:room_participants:tea', 'bob'),
    0,
    'the document’s keys stay what they are',
  );
  const again = await clientAs(t, 'bob', one.url);
  assert.deepEqual(await shows(alice), { inRoom: true, online: true });
  assert.deepEqual(await alice.rest(300), []);

  await away(store, again);
  const told = new Set();
  while (told.size < 3) told.add(JSON.parse(await alice.raw(12_000)).type);
  assert.deepEqual([...told].sort(), ['friendOffline', 'presence', 'userOffline']);
  assert.deepEqual(await shows(alice), { inRoom: false, online: false });
  assert.equal((await api.get('/users/bob')).online, false);
  assert.deepEqual((await api.get('/rooms/tea/participants')).items, ['alice']);
});

test('a claimed announcement is one that was made', bounded, async (t) => {
  const { one, store } = await stage(t, 1000);
  const bob = await clientAs(t, 'bob', one.url);
  await bob.join('tea');
  const alice = await clientAs(t, 'alice', one.url);
  await away(store, bob);
  assert.deepEqual(await shows(alice), { inRoom: true, online: true });
  await store.command('ZADD', 'ws:pending_offline', `${Date.now() + 600_000}.5`, 'bob');
  assert.deepEqual(await shows(alice), { inRoom: false, online: false });
});

test('a room of more than a thousand people names the user who joins, and counts users who are on the way',
  bounded, async (t) => {
  const { one, store } = await stage(t, 1000);
  const bob = await clientAs(t, 'bob', one.url);
  await bob.join('tea');
  await away(store, bob);
  const crowd = Array.from({ length: 5_000 }, (_, n) => `somebody ${n}`);
  await store.command('SADD', 'ws:room_participants:tea', ...crowd);
  for (let n = 0; n < 10; n += 1) {
    const alice = await clientAs(t, `alice ${n}`, one.url);
    const { participants, participantCount, truncated } = await alice.join('tea');
    assert.ok(participants.includes(`alice ${n}`));
    assert.equal(new Set(participants).size, 1_000);
    assert.deepEqual([participantCount, truncated], [5_002 + n, true]);
  }
});

test('a client that was told of an absence is told of the return', bounded, async (t) => {
  const { one, two, store } = await stage(t, 0.3);
  const [alice, carol, plain] = [
    await clientAs(t, 'alice', one.url, events),
    await clientAs(t, 'carol', two.url, events),
    await clientAs(t, 'dan', one.url),
  ];
  for (const each of [alice, carol, plain]) for (const room of ['tea', 'go']) await each.join(room);
  const bob = await clientAs(t, 'bob', two.url, events);
  for (const room of ['tea', 'go']) await bob.join(room);
  for (const each of [alice, carol]) await each.rest(100);
  await away(store, bob);
  for (const each of [alice, carol, plain]) {
    const gone = [
      await each.hears({ type: each === alice ? '$any' : 'userOffline' }),
      await each.hears({ type: '$any' }),
    ];
    assert.ok(gone.some(({ type }) => type === 'userOffline'));
  }
  await pause(300);
  for (const each of [alice, carol, plain]) await each.rest(100);

  const began = Date.now();
  const again = await clientAs(t, 'bob', one.url, events);
  const news = async (client, count) => {
    const out = [];
    while (out.length < count) {
      const frame = JSON.parse(await client.raw(3_000));
      if (frame.type !== 'friendOnline') out.push(frame);
    }
    return out.sort((a, b) => (a.roomId < b.roomId ? -1 : 1));
  };
  for (const each of [alice, carol]) {
    assert.deepEqual(await news(each, 2), [
      { type: 'userOnline', userId: 'bob', roomId: 'go' },
      { type: 'userOnline', userId: 'bob', roomId: 'tea' },
    ]);
  }
  assert.ok(Date.now() - began < 2_000);
  // A second device is no return, nor is a reload; and his own devices are not told.
  const laptop = await clientAs(t, 'bob', two.url, events);
  await laptop.leaves();
  for (const each of [alice, carol, plain, again])
    assert.deepEqual(
      (await each.rest(400)).filter((text) => !text.includes('friend')),
      [],
      each.userId,
    );
});

test('many who come back at once cost one message a room, and each is told of', bounded, async (t) => {
  const { one, store } = await stage(t, 0.2);
  const alice = await clientAs(t, 'alice', one.url, events);
  const people = Array.from({ length: 40 }, (_, n) => `user ${n}`);
  const come = () => Promise.all(people.map((user) => clientAs(t, user, one.url)));
  for (const client of await come()) await client.join('tea'), client.vanishes();
  await alice.join('tea');
  await until(
    'all to be gone',
    async () =>
      (await store.command('SCARD', 'ws:online_users')) === 1 &&
      (await store.command('ZCARD', 'ws:pending_offline')) === 0,
  );
  await alice.rest(500);
  const heard = await look(t, one.redisSocket);
  const before = Number(/cmdstat_publish:calls=(\d+)/.exec(await heard.command('INFO', 'commandstats'))?.[1] ?? 0);
  const here = await come();
  const back = new Set();
  while (back.size < people.length) {
    const frame = await alice.hears({ type: 'userOnline', roomId: 'tea' }, { within: 5_000 });
    back.add(frame.userId);
  }
  const after = Number(/cmdstat_publish:calls=(\d+)/.exec(await heard.command('INFO', 'commandstats'))[1]);
  assert.ok(after - before < 20, `${after - before} PUBLISH`);
  assert.ok(here.every((client) => client.isOpen));
  assert.deepEqual(await alice.rest(500), []);
});

test('a user who is gone again before the room is told is not told of', bounded, async (t) => {
  const { one, store } = await stage(t, 0);
  const bob = await clientAs(t, 'bob', one.url);
  await bob.join('tea');
  const alice = await clientAs(t, 'alice', one.url, events);
  await alice.join('tea');
  await away(store, bob);
  await alice.rest(300);
  await away(store, await clientAs(t, 'bob', one.url));
  const told = (await alice.rest(600))
    .map((text) => JSON.parse(text).type)
    .filter((type) => !type.startsWith('friend'));
  assert.deepEqual(told, ['userOffline']);
});

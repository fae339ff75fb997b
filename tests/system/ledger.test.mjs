// SPDX-License-Identifier: Apache-2.0
// A client has only the messages that its connection showed. However connections end, every acknowledged message
// reaches its user.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { closing } from './support/frames.mjs';
import { pause, program, run, until } from './support/processes.mjs';
import { away, collected, contents, deafPeer, joined, say } from './support/talk.mjs';
import { ownRedis } from './support/two_instances.mjs';

const flags = ['--rate-messages', '0'];

for (const first of ['the phone ends', 'the laptop comes back']) {
  test(`mail in the hands of a dead phone reaches the laptop, which has heard later messages; first ${first}`,
    bounded, async (t) => {
    const { store, start } = await ownRedis(t, ...flags);
    const daemon = await start();
    const alice = await joined(t, 'alice', daemon.url);
    await (await joined(t, 'bob', daemon.url)).leaves();
    await away(store, 'bob');
    for (let n = 1; n <= 5; n += 1) await say(alice, n);
    const phone = await deafPeer(t, daemon.port, {}, { type: 'register', userId: 'bob', ack: true });
    phone.socket.pause();
    await until(
      'the phone to have the mail',
      async () => (await store.command('EXISTS', 'ws:offline_messages:bob')) === 0,
    );
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
  const { store, start } = await ownRedis(t, ...flags);
  const daemon = await start();
  const bob = await joined(t, 'bob', daemon.url);
  const page = await deafPeer(
    t,
    daemon.port,
    {},
    { type: 'register', userId: 'alice' },
    { type: 'joinRoom', roomId: 'tea' },
  );
  await until(
    'alice to be in',
    async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'alice')) === 1,
  );
  page.socket.pause();
  await say(bob, 'under way');
  await page.send(closing(1001));
  await away(store, 'alice');
  const alice = await clientAs(t, 'alice', daemon.url);
  assert.deepEqual(contents((await alice.hears({ type: 'offlineMessages' })).messages), ['under way']);
});

test('a goodbye in a quiet room costs no message twice', bounded, async (t) => {
  const { store, start } = await ownRedis(t, ...flags);
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
  const how = named
    ? 'says which connection it had gets nothing of that one again'
    : 'does not say which connection it had gets what is in doubt again';
  test(`a client that ${how}`, bounded, async (t) => {
    const { store, start } = await ownRedis(t, ...flags);
    const [one, two] = [await start('one'), await start('two')];
    const alice = await joined(t, 'alice', one.url);
    const phone = await deafPeer(
      t,
      one.port,
      {},
      { type: 'register', userId: 'bob', ack: true },
      { type: 'joinRoom', roomId: 'tea' },
    );
    const { connectionId } = JSON.parse((await phone.frame()).payload);
    await phone.frame();
    const places = [];
    for (let n = 1; n <= 5; n += 1) places.push(await say(alice, n));
    phone.socket.resetAndDestroy(); // the client had read up to the third message, and shown none
    await away(store, 'bob');
    const again = await clientAs(t, undefined, two.url);
    again.say({
      type: 'register',
      userId: 'bob',
      ack: true,
      ...(named ? { connectionId } : {}),
      resume: { tea: places[2] },
    });
    await again.hears({ type: 'registered', resumed: { tea: { recovered: true, count: 2 } } });
    assert.deepEqual(await collected(again), named ? [4, 5] : [4, 5, 1, 2]);
  });
}

for (const [how, flags, end] of [
  ['4403', [], ({ redis }) => run(program('HIKYCTL', 'hikyctl'), ['--redis', redis.url, 'disconnect', 'bob'])],
  ['4409', ['--limit-user-connections', '1'], ({ t, daemon }) => clientAs(t, 'bob', daemon.url)],
]) {
  test(`messages that a half-open connection had not received wait after we close it with ${how}`,
  bounded, async (t) => {
    const { store, redis, start } = await ownRedis(t, '--rate-messages', '0', ...flags);
    const daemon = await start();
    const alice = await joined(t, 'alice', daemon.url);
    const bob = await deafPeer(
      t,
      daemon.port,
      {},
      { type: 'register', userId: 'bob' },
      { type: 'joinRoom', roomId: 'tea' },
    );
    await until(
      'bob to be in',
      async () => (await store.command('SISMEMBER', 'ws:room_participants:tea', 'bob')) === 1,
    );
    bob.socket.pause();
    for (let n = 1; n <= 3; n += 1) await say(alice, n);
    const other = await end({ t, daemon, redis });
    if (other?.hears) assert.deepEqual(contents((await other.hears({ type: 'offlineMessages' })).messages), [1, 2, 3]);
    else await until('the mail', async () => (await store.command('LLEN', 'ws:offline_messages:bob')) === 3);
  });
}

test('an end while Redis has no memory left loses no claimed mail', bounded, async (t) => {
  const { store, start } = await ownRedis(t, ...flags);
  const daemon = await start();
  for (let n = 1; n <= 5; n += 1)
    await store.command(
      'LPUSH',
      'ws:offline_messages:bob',
      JSON.stringify({ type: 'message', roomId: 'tea', content: n }),
    );
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

test('messages behind a clock that has stepped back are owed when their instance is killed', bounded, async (t) => {
  const { store, start } = await ownRedis(t, ...flags, '--lease', '2');
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

test('a client that has left a room and names it in resume gets nothing twice when it joins again',
  bounded, async (t) => {
  const { store, start } = await ownRedis(t, ...flags);
  const daemon = await start();
  const alice = await joined(t, 'alice', daemon.url);
  const tablet = await deafPeer(
    t,
    daemon.port,
    {},
    { type: 'register', userId: 'bob' },
    { type: 'joinRoom', roomId: 'tea' },
  );
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
  await again.hears({ type: 'gap', roomId: 'tea' }); // the client is not in that room any more
  await again.join('tea');
  tablet.socket.resetAndDestroy();
  await until('the tablet to be gone', async () => (await store.command('HLEN', 'ws:user_connections:bob')) === 1);
  assert.deepEqual(await collected(again), []);
});

// SPDX-License-Identifier: Apache-2.0
// When an instance, a client or a subscription dies, no acknowledged message is lost, and nobody stays online.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { pong, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { pause, until } from './support/processes.mjs';
import { twoDaemons } from './support/two_instances.mjs';

const flags = ['--lease', '2', '--rate-messages', '0'];

async function together(t, daemons, room, names) {
  const people = await Promise.all(names.map((name, n) => clientAs(t, name, daemons[n].url)));
  for (const person of people) await person.join(room);
  return people;
}

test('an instance that is killed leaves nobody online, and nothing unsaid', bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, ...flags);
  const [, bob] = await together(t, [one, two], 'tea', ['alice', 'bob']);
  await clientAs(t, 'carol', one.url);
  const phone = await clientAs(t, 'carol', two.url); // she has another connection, and stays
  await one.stop('SIGKILL');
  assert.equal((await bob.ask({ type: 'message', roomId: 'tea', content: 'are you there?' })).type, 'messageAck');
  await bob.hears({ type: 'userOffline', userId: 'alice', roomId: 'tea' }, { within: 15_000 });
  assert.deepEqual((await store.command('SMEMBERS', 'ws:online_users')).sort(), ['bob', 'carol']);
  // Its lease is the last that is undone.
  await until('one to be undone', async () => (await store.command('ZRANGE', 'ws:instances', 0, -1)).join() === 'two');
  assert.equal(
    await store.command('EXISTS', 'ws:instance_connections:one', 'ws:user_connections:alice', 'ws:user_rooms:alice'),
    0,
  );
  assert.deepEqual(await store.command('SMEMBERS', 'ws:room_participants:tea'), ['bob']);
  const alice = await clientAs(t, 'alice', two.url);
  const { messages } = await alice.hears({ type: 'offlineMessages' });
  assert.equal(messages.at(-1).content, 'are you there?');
  assert.deepEqual(await phone.rest(), []);
  assert.deepEqual(await bob.rest(), []); // told once
});

// Some libraries send pongs by themselves now and then: such pongs are no receipts.
for (const [count, unasked, how] of [
  [5, 0, ''],
  [330, 3, ', also after pongs that it sent unasked'],
])
  test(`messages that a vanished client had not received wait for it${how}`, bounded, async (t) => {
    const { store, one, two } = await twoDaemons(t, ...flags);
    const [alice] = await together(t, [one], 'tea', ['alice']);
    const bob = await webSocketOf(t, two.port);
    await bob.send(text('{"type":"register","userId":"bob"}'), text('{"type":"joinRoom","roomId":"tea"}'));
    assert.deepEqual(
      [JSON.parse((await bob.frame()).payload).type, JSON.parse((await bob.frame()).payload).type],
      ['registered', 'joinedRoom'],
    );
    bob.socket.pause();
    const said = [];
    for (let n = 0; n < count; n += 1)
      said.push((await alice.ask({ type: 'message', roomId: 'tea', content: n })).messageId);
    for (let n = 0; n < unasked; n += 1) await bob.send(pong('alive'));
    await pause(200); // written to his socket by now, and never read
    assert.equal(await store.command('EXISTS', 'ws:offline_messages:bob'), 0);
    bob.socket.resetAndDestroy();
    await alice.hears({ type: 'userOffline', userId: 'bob' });
    const back = await clientAs(t, 'bob', one.url);
    const { messages, dropped } = await back.hears({ type: 'offlineMessages' });
    assert.deepEqual(
      messages.map(({ messageId }) => messageId),
      said.slice(-100),
    );
    assert.equal(dropped ?? 0, Math.max(0, count - 100));
  });

test('a subscription that is cut leaves no hole', bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, ...flags);
  const [alice, bob] = await together(t, [one, two], 'tea', ['alice', 'bob']);
  const total = 400;
  let cut = 0;
  for (let n = 1; n <= total; n += 1) {
    if (n % 50 === 0) cut += await store.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    // The subscription shares its connection with commands, so a message may have to be sent again; it is stored once
    // all the same.
    await until(
      'a message to be taken',
      async () =>
        (await alice.ask({ type: 'message', roomId: 'tea', content: n, clientMsgId: `m${n}` })).type === 'messageAck',
    );
  }
  assert.ok(cut >= 4, `only ${cut} subscriptions were cut`);
  for (let n = 1; n <= total; n += 1) await bob.hears({ type: 'message', seq: n, content: n }, { within: 20_000 });
  assert.deepEqual(await bob.rest(), []);
});

test('mail for a user whose devices come at the same instant comes once between them', bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, ...flags);
  const [alice] = await together(t, [one], 'tea', ['alice']);
  await store.command('SADD', 'ws:room_members:tea', 'bob');
  await store.command('SADD', 'ws:member_rooms:bob', 'tea');
  for (let round = 0; round < 10; round += 1) {
    for (let n = 0; n < 20; n += 1) await alice.ask({ type: 'message', roomId: 'tea', content: `${round} ${n}` });
    const devices = await Promise.all([one, two, one, two].map((daemon) => clientAs(t, 'bob', daemon.url)));
    const heard = (await Promise.all(devices.map((device) => device.rest(200))))
      .flat()
      .map((frame) => JSON.parse(frame));
    const contents = heard.flatMap(({ messages }) => messages ?? []).map(({ content }) => content);
    assert.deepEqual(contents, Array.from({ length: 20 }, (_, n) => `${round} ${n}`));
    for (const device of devices) await device.leaves();
    await until('bob to be away', async () => (await store.command('SISMEMBER', 'ws:online_users', 'bob')) === 0);
    await alice.hears({ type: 'userOffline', userId: 'bob' });
  }
});

test('an instance with a thousand connections in twenty rooms dies, and others hardly notice its sweep',
  bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, ...flags);
  const rooms = Array.from({ length: 20 }, (_, n) => `room ${n}`);
  const bob = await clientAs(t, 'bob', two.url);
  const long_ago = Date.now() - 3_600_000; // said long before the instance died, so no client may lack it
  for (const room of rooms) {
    await bob.ask({ type: 'joinRoom', roomId: room });
    for (let seq = 1; seq <= 120; seq += 1) {
      const frame = JSON.stringify({
        type: 'message',
        roomId: room,
        senderId: 'bob',
        content: seq,
        messageId: `e:${seq}`,
        seq,
      });
      await store.command('XADD', `ws:room_log:${room}`, `${seq}-0`, 'm', frame, 'c', 'x', 's', 'bob', 't', long_ago);
    }
    await store.command('HSET', `ws:room_head:${room}`, 'epoch', 'e', 'seq', 120);
  }
  const users = Array.from({ length: 1_000 }, (_, n) => `user ${n}`);
  for (let n = 0; n < users.length; n += 100) {
    const some = users.slice(n, n + 100);
    for (const user of some) await store.command('SADD', `ws:member_rooms:${user}`, ...rooms);
    for (const room of rooms) await store.command('SADD', `ws:room_members:${room}`, ...some);
    await Promise.all(some.map((user) => clientAs(t, user, one.url)));
  }
  await one.stop('SIGKILL');
  await store.command('ZADD', 'ws:instances', Date.now() - 1, 'one');
  let longest = 0;
  await until('the sweep', async () => {
    const began = Date.now();
    assert.equal((await bob.ask({ type: 'message', roomId: rooms[0], content: 'still quick?' })).type, 'messageAck');
    longest = Math.max(longest, Date.now() - began);
    return (await store.command('SCARD', 'ws:online_users')) === 1;
  }, 20_000);
  assert.ok(longest < 1_000, `a message took ${longest} ms`);
  assert.equal(await store.command('EXISTS', 'ws:instance_connections:one'), 0);
});

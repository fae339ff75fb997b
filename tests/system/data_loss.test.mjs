// SPDX-License-Identifier: Apache-2.0
// A Redis comes back without its data, or with older data: connected users are there again, and the loss is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { Gate } from './support/gate.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';
import { sayWhenTaken as say } from './support/talk.mjs';

const extended = { fields: { ack: true } };

// Daemons on one Redis, each with a gate of its own to it. `kill` takes Redis's data along.
async function stage(t, ...names) {
  const data = await folder(t);
  const port = await freePort();
  const start = () => startRedis(t, data, '--port', String(port), '--bind', '127.0.0.1');
  const here = { redis: await start(), gates: [], daemons: [] };
  for (const name of names) {
    const gate = await Gate.open({ host: '127.0.0.1', port });
    atEnd(t, () => gate.close());
    here.gates.push(gate);
    here.daemons.push(
      await daemonFor(t, {
        redis: `redis://127.0.0.1:${gate.port}`,
        flags: ['--instance-id', name, '--rate-messages', '0'],
      }),
    );
  }
  here.kill = () => here.redis.stop('SIGKILL');
  here.revive = async () => (here.redis = await start());
  here.look = () => look(t, { host: '127.0.0.1', port });
  return here;
}
const cut = (gates) => gates.forEach((gate) => ((gate.shut = true), gate.cut(true)));
const heal = (gates) => gates.forEach((gate) => gate.heal());

// The next message, past all other frames; with the gaps that were told before it.
async function nextMessage(client) {
  for (const gaps = []; ; ) {
    const frame = JSON.parse(await client.raw(20_000));
    if (frame.type === 'gap') gaps.push(frame);
    if (frame.type === 'message') return { ...frame, gaps };
  }
}

test('after a loss of all data connected users belong to their rooms as before, and need not ask',
  bounded, async (t) => {
  const here = await stage(t, 'one');
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map((name) => clientAs(t, name, here.daemons[0].url, extended)),
  );
  for (const client of [alice, bob]) await client.join('tea');
  const before = await say(alice, 'before');
  await nextMessage(bob);
  await here.kill();
  await here.revive();
  const after = await say(alice, 'after');
  assert.notEqual(after.messageId.split(':')[0], before.messageId.split(':')[0]);
  const heard = await nextMessage(bob);
  assert.equal(heard.content, 'after');
  assert.equal(heard.gaps.length, 1, 'the loss is said before the first message of the new epoch');
  const redis = await here.look();
  await until('both to be asserted', async () => (await redis.command('SCARD', 'ws:room_participants:tea')) === 2);
  assert.deepEqual((await redis.command('SMEMBERS', 'ws:online_users')).sort(), ['alice', 'bob']);
});

test('a user whose connection ends while Redis loses its data is missed by the rooms: mail waits',
  bounded, async (t) => {
  const here = await stage(t, 'one');
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => clientAs(t, name, here.daemons[0].url, extended)));
  for (const client of [alice, bob]) await client.join('tea');
  await here.kill();
  await bob.leaves();
  await here.revive();
  await say(alice, 'first');
  const redis = await here.look();
  await until(
    'bob to be known as away',
    async () => (await redis.command('SISMEMBER', 'ws:room_absent:tea', 'bob')) === 1,
  );
  await say(alice, 'second');
  const again = await clientAs(t, 'bob', here.daemons[0].url, extended);
  const { messages } = await again.hears({ type: 'offlineMessages' });
  assert.equal(messages.at(-1).content, 'second');
  assert.equal(await redis.command('SISMEMBER', 'ws:room_participants:tea', 'bob'), 1);
});

test('a user who joins again after a loss, and goes, takes no part in the room any more', bounded, async (t) => {
  const here = await stage(t, 'one', 'two');
  const alice = await clientAs(t, 'alice', here.daemons[0].url, extended);
  const bob = await clientAs(t, 'bob', here.daemons[1].url, extended);
  for (const client of [alice, bob]) await client.join('tea');
  const redis = await here.look();
  // No connection of the daemons notices the loss: as after a FLUSHDB.
  await redis.command('FLUSHALL');
  for (const client of [bob, alice])
    assert.equal((await client.ask({ type: 'joinRoom', roomId: 'tea' })).type, 'joinedRoom');
  await bob.leaves();
  await until(
    'bob to be away',
    async () => (await redis.command('SISMEMBER', 'ws:room_participants:tea', 'bob')) === 0,
  );
  await say(alice, 'for bob');
  const again = await clientAs(t, 'bob', here.daemons[1].url, extended);
  const { messages } = await again.hears({ type: 'offlineMessages' });
  assert.deepEqual(messages.map(({ content }) => content), ['for bob']);
});

test('the first messages of a room reach those whose instance did not hear Redis when they were said',
  bounded, async (t) => {
  const here = await stage(t, 'one', 'two');
  const alice = await clientAs(t, 'alice', here.daemons[0].url, extended);
  const bob = await clientAs(t, 'bob', here.daemons[1].url, extended);
  for (const client of [alice, bob]) await client.join('tea');
  await bob.settle();
  cut([here.gates[1]]);
  for (const content of ['one', 'two']) await say(alice, content);
  heal([here.gates[1]]);
  for (const content of ['one', 'two']) assert.equal((await nextMessage(bob)).content, content);
});

// Redis as it was when `seq` was the last of the room.
async function goBack(redis, seq) {
  const entries = await redis.command('XRANGE', 'ws:room_log:tea', '-', String(seq));
  await redis.command('HSET', 'ws:room_head:tea', 'seq', seq);
  await redis.command('DEL', 'ws:room_log:tea');
  for (const [id, fields] of entries) await redis.command('XADD', 'ws:room_log:tea', id, ...fields);
}

async function fiveHeard(t) {
  const here = await stage(t, 'one', 'two');
  const alice = await clientAs(t, 'alice', here.daemons[0].url, extended);
  const bob = await clientAs(t, 'bob', here.daemons[1].url, extended);
  for (const client of [alice, bob]) await client.join('tea');
  const ids = new Set();
  for (let n = 1; n <= 5; n += 1) {
    ids.add((await say(alice, n)).messageId);
    assert.equal((await nextMessage(bob)).content, n);
  }
  return { here, alice, bob, ids };
}

test('a Redis that went back to an earlier state begins a new epoch, and no number is given twice',
  bounded, async (t) => {
  const { here, alice, bob, ids } = await fiveHeard(t);
  cut(here.gates);
  await goBack(await here.look(), 3);
  heal(here.gates);
  for (const content of ['six', 'seven']) {
    const { messageId } = await say(alice, content);
    assert.ok(!ids.has(messageId), `${messageId} was given twice`);
    const heard = await nextMessage(bob);
    assert.deepEqual([heard.content, heard.messageId], [content, messageId]);
    if (content === 'six') assert.ok(heard.gaps.length > 0, 'the loss is said');
  }
});

test('a Redis that went back begins a new epoch even if the next sender has not noticed the loss',
  bounded, async (t) => {
  const { here, bob, ids } = await fiveHeard(t);
  cut(here.gates);
  const redis = await here.look();
  await goBack(redis, 3);
  // Other clients, which do not have 4 and 5, give the numbers again.
  const gate = await Gate.open({ host: '127.0.0.1', port: here.gates[0].target.port });
  atEnd(t, () => gate.close());
  const third = await daemonFor(t, { redis: `redis://127.0.0.1:${gate.port}`, flags: ['--instance-id', 'three'] });
  const carol = await clientAs(t, 'carol', third.url, extended);
  await carol.join('tea');
  for (const content of ['other 4', 'other 5', 'other 6']) await say(carol, content);
  heal([here.gates[1]]);
  await until(
    'the epoch to be another',
    async () => !ids.has(`${await redis.command('HGET', 'ws:room_head:tea', 'epoch')}:1`),
  );
  await say(carol, 'after');
  const heard = await nextMessage(bob);
  assert.equal(heard.content, 'after');
  assert.ok(heard.gaps.length > 0, 'the loss is said');
});

test('a client that has more than Redis is told that it was not recovered, and gets later messages',
  bounded, async (t) => {
  const { here, alice, bob, ids } = await fiveHeard(t);
  const last = [...ids].at(-1);
  await bob.leaves();
  await goBack(await here.look(), 3);
  const again = await clientAs(t, undefined, here.daemons[1].url);
  again.say({ type: 'register', userId: 'bob', ack: true, resume: { tea: last } });
  const { resumed } = await again.hears({ type: 'registered' });
  assert.equal(resumed.tea.recovered, false);
  const { messageId } = await say(alice, 'six');
  assert.equal((await nextMessage(again)).messageId, messageId);
});

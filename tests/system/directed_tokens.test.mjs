// SPDX-License-Identifier: Apache-2.0
// Directed attacks on the promises of the ledger: tokens that come and go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { op, pong, text } from './support/frames.mjs';
import { pause } from './support/processes.mjs';
import { away, collected, deafPeer, mailOf, say } from './support/talk.mjs';
import { bearer } from './support/tokens.mjs';
import { twoInstances } from './support/two_instances.mjs';

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

test('a user whose token is not for the room gets mail, with a neighbour’s participant in the room',
  bounded, async (t) => {
  const { one, store, as } = await twoInstances(t, { jwt: true });
  const alice = await withoutBob({ as, one, store });
  await as('bob', one, { rooms: ['tea'] });
  await store.command('SADD', 'ws:room_participants:go', 'stranger'); // as the document's own service does
  await store.command('SADD', 'ws:online_users', 'stranger');
  await say(alice, 'for bob', 'go');
  assert.deepEqual(await mailOf(store, 'bob'), ['for bob']);
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
    await bob.send(
      text(JSON.stringify({ type: 'refresh', token: some })),
      text(JSON.stringify({ type: 'refresh', token: full })),
    );
    await pause(300);
    await bob.send(pong(ping.payload));
  }
  const answers = async () => {
    for (let each; (each = await bob.frame(30_000, { pings: true }));)
      if (each.opcode === op.ping) await bob.send(pong(each.payload));
  };
  const answering = answers();
  await pause(3_000);
  bob.socket.resetAndDestroy();
  await answering.catch(() => {});
  await away(store, 'bob');
  assert.deepEqual(await mailOf(store, 'bob'), []);
});

test('messages of a room that a token loses while the bus is deaf are owed once, and later ones are mail',
  bounded, async (t) => {
  const { app, busOfOne, one, two, as, store } = await twoInstances(t, { jwt: true });
  const alice = await as('alice', two);
  // Some of the connections are on a worker whose way to Redis is not that of the bus.
  const users = Array.from({ length: 6 }, (_, n) => `bob ${n}`);
  const people = await Promise.all(users.map((user) => as(user, one)));
  for (const client of [alice, ...people])
    for (const room of ['go', 'quiet']) await client.ask({ type: 'joinRoom', roomId: room });
  await say(alice, 'before', 'go');
  const heard = new Map(users.map((user) => [user, []]));
  const listen = async () => {
    for (const bob of people) heard.get(bob.userId).push(...(await collected(bob)));
  };
  await listen();
  const bus = await busOfOne();
  bus.hold();
  await say(alice, 'under way', 'go');
  await Promise.all(
    people.map(async (bob) => bob.ask({ type: 'refresh', token: await app.token(bob.userId, { rooms: ['tea'] }) })),
  );
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
    assert.deepEqual(
      [...heard.get(bob.userId), ...mail].sort(),
      ['before', 'in between', 'later', 'quiet in between', 'under way'],
      bob.userId,
    );
  }
  assert.ok(owed > 0, 'all are on the worker of the bus');
});

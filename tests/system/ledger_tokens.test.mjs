// SPDX-License-Identifier: Apache-2.0
// A client whose token is for some rooms gets the messages of those, and the mail of other rooms waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { until } from './support/processes.mjs';
import { collected, contents, say } from './support/talk.mjs';
import { bearer, issuer } from './support/tokens.mjs';
import { ownRedis } from './support/two_instances.mjs';

async function tokenChat(t) {
  const all = await ownRedis(t, '--rate-messages', '0');
  const app = await issuer(all.data);
  const daemon = await all.start('one', ['--auth', 'jwt', '--jwt-key', app.file, '--jwt-leeway', '0']);
  return {
    ...all,
    app,
    daemon,
    as: async (user, claims) => clientAs(t, undefined, daemon.url, bearer(await app.token(user, claims))),
  };
}

const registers = async (client, fields = {}) => {
  client.say({ type: 'register', ...fields });
  return client.hears({ type: 'registered' });
};

test('a token for some rooms takes its mail, and leaves the rest for one that may read it', bounded, async (t) => {
  const { store, as } = await tokenChat(t);
  for (const room of ['tea', 'go', 'tea']) {
    await store.command(
      'LPUSH',
      'ws:offline_messages:bob',
      JSON.stringify({ type: 'message', roomId: room, content: room, messageId: undefined }),
    );
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

test('rooms that a refreshed token closes are heard no more, and their messages wait', bounded, async (t) => {
  const { store, app, as } = await tokenChat(t);
  const alice = await as('alice');
  const bob = await as('bob');
  for (const client of [alice, bob]) {
    await registers(client);
    for (const room of ['tea', 'go']) await client.join(room);
  }
  assert.equal(
    (await bob.ask({ type: 'refresh', token: await app.token('bob', { rooms: ['tea'] }) })).type,
    'refreshed',
  );
  await say(alice, 'waits', 'go');
  await say(alice, 'comes', 'tea');
  assert.deepEqual(await collected(bob), ['comes']);
  assert.equal(await store.command('LLEN', 'ws:offline_messages:bob'), 1);
  assert.deepEqual(await store.command('SMEMBERS', 'ws:room_participants:go'), ['alice']);
  assert.equal((await bob.ask({ type: 'refresh', token: await app.token('bob') })).type, 'refreshed');
  assert.deepEqual(await collected(bob), ['waits']);
});

test('rooms that a token closes and opens again bring nothing twice, though Redis’s clock has stepped back',
  bounded, async (t) => {
  const { store, app, as } = await tokenChat(t);
  const alice = await as('alice');
  await registers(alice);
  for (const room of ['tea', 'go']) await alice.join(room);
  await say(alice, 'first', 'go');
  await store.command('HSET', 'ws:room_head:go', 't', Date.now() + 3_600_000); // by the old clock
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

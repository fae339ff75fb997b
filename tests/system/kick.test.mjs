// SPDX-License-Identifier: Apache-2.0
// A user is ended from outside: on every instance, within a second; and the connections of one user are few.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { Client, clientAs } from './support/client.mjs';
import { metric } from './support/exposition.mjs';
import { bounded as within, until } from './support/processes.mjs';
import { twoDaemons } from './support/two_instances.mjs';

// A register and its answer, of any kind.
async function registers(t, user, url) {
  const client = await clientAs(t, undefined, url);
  client.say({ type: 'register', userId: user, id: 'r' });
  return { client, answer: JSON.parse(await client.raw()) };
}

test('a disconnect ends all connections of a user on every instance within a second, and nobody else\'s',
  bounded, async (t) => {
  const { daemons, ctl, store } = await twoDaemons(t);
  const alice = [];
  for (const daemon of [...daemons, ...daemons]) alice.push(await clientAs(t, 'alice', daemon.url));
  const bob = await clientAs(t, 'bob', daemons[1].url);
  const began = Date.now();
  assert.deepEqual(await ctl('disconnect', 'alice'), { user: 'alice', connections: 4, bannedSeconds: 0 });
  for (const one of alice)
    assert.deepEqual(await within('the end', one.closed, 1000), { code: 4403, reason: 'disconnected by an operator' });
  assert.ok(Date.now() - began < 2000);
  await bob.ask({ type: 'ping' });
  await until('alice to be offline', async () => (await store.command('SISMEMBER', 'ws:online_users', 'alice')) === 0);
  assert.equal(await store.command('EXISTS', 'ws:user_connections:alice'), 0);
  // Without a ban the user may come back.
  await clientAs(t, 'alice', daemons[0].url);
  assert.equal(
    (await metric(daemons[0], 'hiky_kicked_connections_total')) +
      (await metric(daemons[1], 'hiky_kicked_connections_total')),
    4,
  );
});

test('a user who has no connection can be disconnected, which tells nobody', bounded, async (t) => {
  const { ctl } = await twoDaemons(t);
  assert.deepEqual(await ctl('disconnect', 'nobody'), { user: 'nobody', connections: 0, bannedSeconds: 0 });
});

test('a banned user is refused on every instance until the ban is over or lifted, and leaves no trace',
  bounded, async (t) => {
  const { daemons, ctl, store } = await twoDaemons(t);
  const alice = await clientAs(t, 'alice', daemons[0].url);
  assert.equal((await ctl('disconnect', 'alice', '--ban', '600')).connections, 1);
  assert.deepEqual(await within('the end', alice.closed, 1000), { code: 4403, reason: 'banned by an operator' });
  await until('alice to be offline', async () => (await store.command('EXISTS', 'ws:user_connections:alice')) === 0);
  for (const daemon of daemons) {
    const { client, answer } = await registers(t, 'alice', daemon.url);
    assert.equal(answer.type, 'error');
    assert.equal(answer.code, 'forbidden');
    assert.equal(answer.id, 'r');
    assert.match(answer.message, /^an operator keeps this user out; try again in (600|59\d) s$/);
    assert.equal((await within('the end', client.closed)).code, 4403);
    assert.equal(await metric(daemon, 'hiky_banned_registers_total'), 1);
  }
  assert.equal(await store.command('SISMEMBER', 'ws:online_users', 'alice'), 0);
  assert.equal(await store.command('EXISTS', 'ws:user_connections:alice'), 0);
  assert.ok((await ctl('user', 'alice')).bannedSeconds > 500);
  assert.deepEqual(await ctl('pardon', 'alice'), { user: 'alice', pardoned: true });
  assert.deepEqual(await ctl('pardon', 'alice'), { user: 'alice', pardoned: false });
  await clientAs(t, 'alice', daemons[1].url);
  // A ban that ends by itself.
  await ctl('disconnect', 'alice', '--ban', '1');
  await until('the ban to end', async () => (await store.command('EXISTS', 'ws:banned:alice')) === 0);
  await clientAs(t, 'alice', daemons[0].url);
});

test('a ban that an instance could not hear takes effect as soon as it hears again', bounded, async (t) => {
  const { daemons, store } = await twoDaemons(t);
  const alice = await clientAs(t, 'alice', daemons[0].url);
  const bob = await clientAs(t, 'bob', daemons[0].url);
  // As if the message had been lost with the subscriber's connection.
  await store.command('SET', 'ws:banned:alice', 'x', 'EX', '600');
  await store.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  assert.equal((await within('the end', alice.closed)).code, 4403);
  await bob.ask({ type: 'ping' });
});

test('a user who opens more connections than one user may have loses the oldest, on any instance',
  bounded, async (t) => {
  const { daemons, store } = await twoDaemons(t, '--limit-user-connections', '3');
  const alice = [];
  for (let n = 0; n < 3; n += 1) alice.push(await clientAs(t, 'alice', daemons[n % 2].url));
  const bob = await clientAs(t, 'bob', daemons[0].url);
  for (const [n, daemon] of [daemons[1], daemons[1], daemons[0]].entries()) {
    alice.push(await clientAs(t, 'alice', daemon.url));
    assert.deepEqual(await within('the oldest to end', alice[n].closed), {
      code: 4409,
      reason: 'replaced: at most 3 connections per user',
    });
  }
  for (const one of [bob, ...alice.slice(3)]) await one.ask({ type: 'ping' });
  await until('three to be left', async () => (await store.command('HLEN', 'ws:user_connections:alice')) === 3);
  assert.equal(
    (await metric(daemons[0], 'hiky_replaced_connections_total')) +
      (await metric(daemons[1], 'hiky_replaced_connections_total')),
    3,
  );
});

test('a storm of one user ends with as many connections as the limit allows', bounded, async (t) => {
  const { daemons, store } = await twoDaemons(t, '--limit-user-connections', '4');
  const all = await Promise.all(Array.from({ length: 40 }, (_, n) => Client.open(daemons[n % 2].url)));
  t.after(() => all.forEach((one) => one.raw_socket.terminate()));
  for (const one of all) one.say({ type: 'register', userId: 'alice' });
  await until(
    'four to be left',
    async () =>
      (await store.command('HLEN', 'ws:user_connections:alice')) === 4 && all.filter((one) => one.isOpen).length === 4,
  );
});

// SPDX-License-Identifier: Apache-2.0
// The cost of common requests in Redis: round trips, measured by slow answers; and commands, counted by Redis.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

// A way to Redis on which every answer takes `delay` ms.
async function slowWay(t, socket) {
  const way = { delay: 0 };
  const pairs = new Set();
  const server = createServer((near) => {
    const far = connect(socket);
    pairs.add(near);
    near.on('data', (bytes) => far.write(bytes)).on('error', () => {}).on('close', () => far.destroy());
    far
      .on('data', (bytes) => setTimeout(() => near.destroyed || near.write(bytes), way.delay))
      .on('error', () => {})
      .on('close', () => near.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => {
    for (const each of pairs) each.destroy();
    server.close(resolve);
  }));
  way.url = `redis://127.0.0.1:${server.address().port}`;
  return way;
}

test('connect and register of a user with 200 rooms takes two round trips, whether the rooms are heard already or not',
  bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const way = await slowWay(t, redis.socket);
  const one = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'one', '--rate-messages', '0'] });
  const setter = await clientAs(t, 'setter', one.url);
  const store = await look(t, redis.socket);
  const rooms = Array.from({ length: 200 }, (_, n) => `room ${n}`);
  const users = ['alice', 'bob', 'carol'];
  for (const user of users) {
    await store.command('SADD', `ws:member_rooms:${user}`, ...rooms);
    for (const room of rooms) await store.command('SADD', `ws:room_members:${room}`, user);
  }
  await setter.settle();
  const far = await daemonFor(t, { redis: way.url, flags: ['--instance-id', 'far', '--workers', '1'] });
  const warm = await clientAs(t, 'warm', far.url); // scripts are loaded
  await warm.settle();
  const delay = 700;
  way.delay = delay;
  // The rooms are new for the first user, and other users are already subscribed to them for the next ones.
  for (const user of users) {
    const client = await clientAs(t, undefined, far.url);
    const begin = Date.now();
    client.say({ type: 'register', userId: user });
    const { rooms: told } = await client.hears({ type: 'registered' });
    const trips = Math.floor((Date.now() - begin) / delay);
    assert.equal(told.length, 200);
    assert.equal(trips, 2, `${user} took ${Date.now() - begin} ms with answers that take ${delay}`);
  }
  way.delay = 0;
});

test('a message to 1,000 members of whom 900 are away is one script, and no instance is asked anything',
  bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemons = [];
  for (const name of ['one', 'two'])
    daemons.push(
      await daemonFor(t, {
        redis: redis.url,
        flags: ['--instance-id', name, '--rate-messages', '0', '--workers', '1'],
      }),
    );
  const store = await look(t, redis.socket);
  const people = Array.from({ length: 1000 }, (_, n) => `user ${n}`);
  await store.command('SADD', 'ws:room_members:hall', ...people);
  await store.command('SADD', 'ws:room_absent:hall', ...people);
  for (const user of people) await store.command('SADD', `ws:member_rooms:${user}`, 'hall');
  const here = [];
  for (let n = 0; n < 100; n += 1) here.push(await clientAs(t, `user ${n}`, daemons[n % 2].url));
  assert.equal(await store.command('SCARD', 'ws:room_absent:hall'), 900);
  await here[0].ask({ type: 'message', roomId: 'hall', content: 'scripts are loaded' });
  for (const client of here.slice(1)) await client.hears({ type: 'message' });

  const calls = async () => {
    const told = await store.command('INFO', 'commandstats');
    const counts = Object.fromEntries(
      [...told.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)]),
    );
    return counts;
  };
  const messages = 20;
  const before = await calls();
  const started = Date.now();
  for (let n = 0; n < messages; n += 1) await here[0].ask({ type: 'message', roomId: 'hall', content: n });
  const after = await calls();
  const seconds = Math.ceil((Date.now() - started) / 1000) + 1;
  const spent = (name) => (after[name] ?? 0) - (before[name] ?? 0);
  // Beside the messages each daemon renews its lease, looks for announcements, and sends itself a canary, once a
  // second.
  assert.ok(spent('evalsha') - messages <= 2 * 3 * seconds, `${spent('evalsha')} scripts for ${messages} messages`);
  assert.ok(
    spent('publish') - messages <= 2 * seconds,
    `${spent('publish')} publications for ${messages} messages: one each reaches all instances`,
  );
  assert.equal(spent('lpush'), 900 * messages);
  await until(
    'every mailbox to have it',
    async () => (await store.command('LLEN', 'ws:offline_messages:user 999')) === messages + 1,
  );
  for (const command of ['keys', 'scan', 'pubsub', 'sdiff', 'smembers']) {
    // Soon after its start each daemon looks for users who were not seen for long, a step a second.
    // And every minute each session is compared.
    const compared = Math.ceil((here.length * seconds) / 60) + 2;
    const allowed = { smembers: messages + compared, scan: 2 * seconds }[command] ?? 0;
    assert.ok(spent(command) <= allowed, `${spent(command)} × ${command}`);
  }
});

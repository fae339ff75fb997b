// SPDX-License-Identifier: Apache-2.0
// Redis answers and refuses every write: its memory is full, it cannot save, it has become a replica, or its user lacks
// a right. Operators, balancers and clients are told the reason.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { samples } from './support/exposition.mjs';
import { bounded as within, pause, program, run, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';

const sentence = 'the storage refuses writes right now; try again in a moment';

const page = async (daemon, path) => {
  const answer = await fetch(`${daemon.url}${path}`);
  return { status: answer.status, body: await answer.text() };
};
// The answer of a hikyctl that asks Redis itself.
const ctlHealth = async (redis, ...how) => {
  const { code, stdout, stderr } = await run(program('HIKYCTL', 'hikyctl'), ['--redis', redis.url, ...how, 'health']);
  const { status, message } = JSON.parse(stdout);
  return { code, status, message, note: stderr };
};
const refusing = async (daemon) => samples((await page(daemon, '/metrics')).body).get('hiky_redis_refuses_writes');
const lines = (daemon, event) => daemon.told.stderr.split('\n').filter((line) => line.includes(event));

async function world(t, ...redisFlags) {
  const data = await folder(t);
  const redis = await startRedis(t, data, ...redisFlags);
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--rate-refusals', '0'] });
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  return { data, redis, daemon, alice, store: await look(t, redis.socket) };
}

// Checks the state from `begin` until `end` has undone it.
async function refusedFrom({ redis, daemon, alice }, word, begin, end) {
  assert.equal((await page(daemon, '/ready')).status, 200);
  assert.equal((await ctlHealth(redis)).status, 'healthy');
  await begin();
  const refused = await until(`/ready to say ${word}`, async () => {
    const { status, body } = await page(daemon, '/ready');
    return status === 503 && body.includes(word) && body;
  });
  assert.match(refused, new RegExp(`^Redis refuses writes: .*${word} .*\\n$`));
  // A message may be taken all the same: a script that has deleted something may go on to write when memory has run
  // out.
  const told = await alice.ask({ type: 'joinRoom', roomId: 'new' });
  assert.deepEqual([told.type, told.code, told.retryable, told.message], ['error', 'unavailable', true, sentence]);
  const health = await page(daemon, '/health');
  assert.equal(health.status, 503);
  assert.deepEqual(
    [JSON.parse(health.body).status, JSON.parse(health.body).message],
    ['unhealthy', 'Redis refuses writes'],
  );
  for (const how of [[], ['--json']]) {
    const { code, status, message, note } = await ctlHealth(redis, ...how);
    assert.deepEqual([code, status, message], [1, 'unhealthy', 'Redis refuses writes']);
    assert.match(note, new RegExp(`^hikyctl: note: ${word} .*\\n$`));
  }
  assert.equal(await refusing(daemon), 1);
  await pause(2_500);
  assert.equal(lines(daemon, 'redis.refuses_writes').length, 1, daemon.told.stderr);
  assert.match(
    lines(daemon, 'redis.refuses_writes')[0],
    new RegExp(`warning redis\\.refuses_writes reason=".*${word}`),
  );
  // The data can still be read.
  assert.equal((await alice.ask({ type: 'history', roomId: 'tea', limit: 5 })).type, 'history');
  assert.equal(lines(daemon, 'redis.takes_writes').length, 0);
  await end();
  await until('/ready to be 200 again', async () => (await page(daemon, '/ready')).status === 200);
  assert.equal((await page(daemon, '/health')).status, 200);
  assert.deepEqual(await ctlHealth(redis), { code: 0, status: 'healthy', message: undefined, note: '' });
  assert.equal(await refusing(daemon), 0);
  assert.equal((await alice.ask({ type: 'message', roomId: 'tea', content: 'again' })).type, 'messageAck');
  assert.equal(lines(daemon, 'redis.refuses_writes').length, 1);
  assert.equal(lines(daemon, 'redis.takes_writes').length, 1, daemon.told.stderr);
}

test('a Redis without memory is reported in the log once, in /ready, in a metric and to clients, until it is over',
  bounded, async (t) => {
  const all = await world(t);
  await refusedFrom(
    all,
    'OOM',
    () => all.store.command('CONFIG', 'SET', 'maxmemory', 1),
    () => all.store.command('CONFIG', 'SET', 'maxmemory', 0),
  );
});

test('a Redis that cannot save is reported the same way, and daemons log in to it all the same', bounded, async (t) => {
  const all = await world(t);
  await mkdir(join(all.data, 'dump.rdb')); // no file can take that name
  const begin = async () => {
    await all.store.command('CONFIG', 'SET', 'save', '3600 1000000');
    await all.store.command('BGSAVE');
    await until('the saving to fail', async () =>
      (await all.store.command('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'),
    );
    // Redis refuses even a PING now. A daemon that has to connect anew gets in, because data can be read.
    await all.store.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  };
  await refusedFrom(all, 'MISCONF', begin, () => all.store.command('CONFIG', 'SET', 'save', ''));
});

test('a Redis with too few replicas is reported the same way', bounded, async (t) => {
  const all = await world(t);
  const replicas = (least) => () => all.store.command('CONFIG', 'SET', 'min-replicas-to-write', least);
  await refusedFrom(all, 'NOREPLICAS', replicas(1), replicas(0));
});

test('a Redis that has become a replica is reported, too', bounded, async (t) => {
  const { redis, daemon, store, alice } = await world(t);
  await store.command('REPLICAOF', '127.0.0.1', await freePort());
  const { body } = await until('/ready to say READONLY', async () => {
    const found = await page(daemon, '/ready');
    return found.status === 503 && found.body.includes('READONLY') && found;
  });
  assert.match(body, /^Redis refuses writes: READONLY .*\n$/);
  const { code, message, note } = await ctlHealth(redis);
  assert.deepEqual([code, message, note.startsWith('hikyctl: note: READONLY ')], [1, 'Redis refuses writes', true]);
  await until(
    'a client to be told',
    async () => (await alice.ask({ type: 'message', roomId: 'tea', content: 1 })).message === sentence,
  );
  assert.equal(lines(daemon, 'redis.refuses_writes').length, 1);
  await store.command('REPLICAOF', 'NO', 'ONE');
  await until('/ready to be 200 again', async () => (await page(daemon, '/ready')).status === 200);
  assert.equal(lines(daemon, 'redis.takes_writes').length, 1);
});

for (const right of ['evalsha', 'publish', 'zadd']) {
  test(`a Redis user who may not ${right} is reported with the mend, until the user may`, bounded, async (t) => {
    const { daemon, store } = await world(t);
    await store.command('ACL', 'SETUSER', 'default', `-${right}`);
    const refused = await until('/ready to say so', async () => {
      const { status, body } = await page(daemon, '/ready');
      return status === 503 && body;
    });
    assert.match(refused, /^Redis refuses writes: (NOPERM |.*can't run this command).*deploy\/redis\/users\.acl.*\n$/);
    const health = await page(daemon, '/health');
    assert.equal(health.status, 503);
    assert.equal(JSON.parse(health.body).message, 'Redis refuses writes');
    assert.equal(`Redis refuses writes: ${JSON.parse(health.body).reason}\n`, refused);
    assert.equal(await refusing(daemon), 1);
    await pause(2_500);
    assert.equal(lines(daemon, 'redis.refuses_writes').length, 1, daemon.told.stderr);
    await store.command('ACL', 'SETUSER', 'default', '+@all');
    await until('/ready to be 200 again', async () => (await page(daemon, '/ready')).status === 200);
    assert.equal((await page(daemon, '/health')).status, 200);
    assert.equal(lines(daemon, 'redis.takes_writes').length, 1, daemon.told.stderr);
  });
}

test('the API reports it in the same words, with 503', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  const store = await look(t, daemon.redisSocket);
  await store.command('CONFIG', 'SET', 'maxmemory', 1);
  const { detail } = await new Api(daemon).refused(503, 'unavailable', 'PUT', '/rooms/tea/members/anna');
  assert.equal(detail, sentence);
});

for (const [word, begin] of [
  ['OOM', (store) => store.command('CONFIG', 'SET', 'maxmemory', 1)],
  ['NOREPLICAS', (store) => store.command('CONFIG', 'SET', 'min-replicas-to-write', 1)],
]) {
  test(`a user who is disconnected then is gone, though Redis can store no ban: ${word}`, bounded, async (t) => {
    const data = await folder(t);
    const redis = await startRedis(t, data);
    const daemon = await daemonFor(t, { redis: redis.url, flags: await keyFile(data) });
    const store = await look(t, redis.socket);
    const mallory = await clientAs(t, 'mallory', daemon.url);
    await begin(store);
    const json = { banSeconds: 60 };
    if (word === 'NOREPLICAS') {
      const { detail } = await new Api(daemon).refused(503, 'unavailable', 'POST', '/users/mallory/disconnect', {
        json,
      });
      assert.match(detail, /told to end, but Redis refuses writes/);
    // A script that has deleted something may go on to write.
    } else await new Api(daemon).ok('POST', '/users/mallory/disconnect', { json });
    assert.equal((await within('the end', mallory.closed)).code, 4403);
  });
}

test('a Redis user who may not write finds a Redis healthy that takes the writes of others', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  await (await look(t, redis.socket)).command('ACL', 'SETUSER', 'default', '-@write');
  const { code, status } = await ctlHealth(redis);
  assert.deepEqual([code, status], [0, 'healthy']);
});

test('a daemon that starts on such a Redis is not ready', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t), '--maxmemory', '1');
  const daemon = await daemonFor(t, { redis: redis.url });
  await until('/ready to say OOM', async () => (await page(daemon, '/ready')).body.includes('OOM'));
});

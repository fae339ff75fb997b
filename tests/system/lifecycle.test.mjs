// SPDX-License-Identifier: Apache-2.0
// The daemon and its own Redis: through restarts, kills, and a second daemon that wants the same folder.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { atEnd, isAlive, pause, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const say = (client, content) => client.ask({ type: 'message', roomId: 'tea', content });

// Waits until the writes that Redis has answered are in its file: while an fsync is slow, Redis holds writes back for
// up to two seconds.
async function written(t, daemon) {
  const redis = await look(t, daemon.redisSocket);
  await until('the append-only file', async () =>
    /aof_buffer_length:0\r/.test(await redis.command('INFO', 'persistence')),
  );
}

// Bob is a member of the room, and away.
async function aliceWithBobAway(t, daemon) {
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  await bob.leaves();
  await alice.hears({ type: 'userOffline', userId: 'bob' });
  return alice;
}

test('a restart with the same data folder keeps queues and memberships', bounded, async (t) => {
  const data = await folder(t);
  const first = await daemonFor(t, { data });
  const alice = await aliceWithBobAway(t, first);
  for (const content of ['one', 'two']) assert.equal((await say(alice, content)).type, 'messageAck');
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  assert.ok(!isAlive(first.redisPid));

  const second = await daemonFor(t, { data });
  const redis = await look(t, second.redisSocket);
  assert.deepEqual(await redis.command('SMEMBERS', 'ws:online_users'), []);
  const carol = await clientAs(t, 'alice', second.url);
  assert.equal((await say(carol, 'three')).type, 'messageAck');
  const bob = await clientAs(t, 'bob', second.url);
  await bob.hears({
    type: 'offlineMessages',
    count: 3,
    messages: [
      { content: 'one', seq: 1 },
      { content: 'two', seq: 2 },
      { content: 'three', seq: 3 },
    ],
  });
  assert.equal((await say(bob, 'four')).type, 'messageAck');
  await carol.hears({ type: 'message', content: 'four', seq: 4 });
});

test('a second daemon on the same data folder is refused', bounded, async (t) => {
  const data = await folder(t);
  const first = await daemonFor(t, { data });
  const { code, stdout, stderr } = await runDaemon('--listen', '127.0.0.1:0', '--data', data);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.equal(
    stderr,
    `hikyd: the data folder ${data} is in use by another hikyd; stop that one, or choose another folder with --data\n`,
  );
  const alice = await clientAs(t, 'alice', first.url);
  assert.equal((await alice.ask({ type: 'joinRoom', roomId: 'tea' })).type, 'joinedRoom');
});

test('a daemon that is killed takes its Redis along, and the next one carries on', bounded, async (t) => {
  const data = await folder(t);
  const first = await daemonFor(t, { data });
  const alice = await aliceWithBobAway(t, first);
  assert.equal((await say(alice, 'one')).type, 'messageAck');
  assert.equal((await first.stop('SIGKILL')).signal, 'SIGKILL');
  await until('its Redis to end', () => !isAlive(first.redisPid));

  const second = await daemonFor(t, { data });
  const bob = await clientAs(t, 'bob', second.url);
  await bob.hears({ type: 'offlineMessages', count: 1, messages: [{ content: 'one' }] });
});

test('a daemon that is killed can be followed at once', bounded, async (t) => {
  const data = await folder(t);
  for (let life = 0; life < 3; life += 1) {
    const daemon = await daemonFor(t, { data });
    assert.equal((await fetch(`${daemon.url}/health`)).status, 200);
    await daemon.stop('SIGKILL');
  }
});

test('a Redis that a script keeps from ending with its killed daemon is ended by the next one', bounded, async (t) => {
  const data = await folder(t);
  const first = await daemonFor(t, { data });
  atEnd(t, () => isAlive(first.redisPid) && process.kill(first.redisPid, 'SIGKILL'));
  const alice = await aliceWithBobAway(t, first);
  assert.equal((await say(alice, 'one')).type, 'messageAck');
  await written(t, first);
  const redis = await look(t, first.redisSocket);
  const held = redis.command('EVAL', "redis.call('SET', 'x', 1) while true do end", 0).catch(() => {});
  await pause(300);
  // Another server, of another folder, is left alone.
  const other = await startRedis(t, await folder(t));
  first.signal('SIGKILL');
  await until('the daemon to be gone', () => !isAlive(first.pid));
  await pause(1_000);
  assert.ok(isAlive(first.redisPid), 'the case is there');

  const second = await daemonFor(t, { data });
  await until('its Redis to be gone', () => !isAlive(first.redisPid));
  await held;
  assert.match(second.told.stderr, /warning redis\.killed reason="the redis-server of an earlier daemon did not end"/);
  const bob = await clientAs(t, 'bob', second.url);
  await bob.hears({ type: 'offlineMessages', count: 1, messages: [{ content: 'one' }] });
  assert.equal(await (await look(t, other.socket)).command('PING'), 'PONG');
});

test('a Redis that dies is started again, and service resumes', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const alice = await aliceWithBobAway(t, daemon);
  assert.equal((await say(alice, 'one')).type, 'messageAck');
  const carol = await clientAs(t, 'carol', daemon.url);
  await carol.join('tea');
  await written(t, daemon);
  process.kill(daemon.redisPid, 'SIGKILL');
  // As long as Redis is away, requests get an error that says so.
  const refusals = [];
  const answer = await until('a message to be taken again', async () => {
    const told = await say(alice, 'two');
    if (told.type === 'messageAck') return told;
    assert.deepEqual([told.code, told.retryable], ['unavailable', true]);
    refusals.push(told);
    await pause(50);
    return false;
  }, 15_000);
  assert.ok(refusals.length > 0);
  assert.match(daemon.told.stderr, /redis\.died status="signal 9"/);

  // The bus comes back on a connection of its own.
  await until('the bus', async () => (await (await fetch(`${daemon.url}/health`)).json()).bus === 'connected');
  assert.equal((await say(alice, 'three')).type, 'messageAck');
  await until('carol to hear alice', async () => JSON.parse(await carol.raw()).content === 'three');
  await until('every worker', async () => (await fetch(`${daemon.url}/ready`)).status === 200);
  const bob = await clientAs(t, 'bob', daemon.url);
  const { messages } = await bob.hears({ type: 'offlineMessages' });
  assert.deepEqual(messages.map(({ content }) => content).slice(-2), ['two', 'three']);
  assert.equal(messages.at(-1).seq - messages.at(-2).seq, 1);
  assert.equal(answer.roomId, 'tea');
  const health = await (await fetch(`${daemon.url}/health`)).json();
  assert.equal(health.status, 'healthy');
});

// UBSan opens descriptors itself, and takes it for a finding that it can't.
const skip = (process.env.HIKY_SANITIZE ?? '').includes('undefined') && 'leaves the sanitizer no descriptors';
test('a Redis that can not be started again at first is tried until it can', { ...bounded, skip }, async (t) => {
  const daemon = await daemonWith(t);
  const descriptors = (limit) => run('prlimit', ['--pid', String(daemon.pid), `--nofile=${limit}:`]);
  const children = async () =>
    (await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8')).split(' ').filter(Boolean);
  const usual = (
    await run('prlimit', ['--pid', String(daemon.pid), '--nofile', '-o', 'SOFT', '--noheadings'])
  ).stdout.trim();
  await descriptors(5); // none is left to watch a new process with
  process.kill(daemon.redisPid, 'SIGKILL');
  await until(
    'two vain tries',
    () => daemon.told.stderr.match(/redis\.not_restarted.*cannot watch redis-server/g)?.length >= 2,
  );
  assert.deepEqual(await children(), [], 'a process that could not be watched still runs');
  await descriptors(usual);
  await until('Redis to be back', async () => (await fetch(`${daemon.url}/ready`)).ok, 20_000);
  assert.equal((await children()).length, 1);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  assert.equal((await say(alice, 'one')).type, 'messageAck');
});

test('users who leave while Redis is away are offline once it is back', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  process.kill(daemon.redisPid, 'SIGKILL');
  await alice.leaves();
  const redis = await until('Redis to be back', () => look(t, daemon.redisSocket).catch(() => undefined), 15_000);
  await until(
    'alice to be offline',
    async () => (await redis.command('EXISTS', 'ws:online_users', 'ws:user_connections:alice').catch(() => 1)) === 0,
  );
});

test('the data folder is the owner’s alone, and its files are named', bounded, async (t) => {
  const { stat, readdir } = await import('node:fs/promises');
  const data = `${await folder(t)}/not/yet/there`;
  const daemon = await daemonFor(t, { data });
  assert.equal((await stat(data)).mode & 0o777, 0o700);
  assert.equal((await stat(daemon.redisSocket)).mode & 0o777, 0o700);
  assert.deepEqual((await readdir(data)).sort(), [
    'appendonlydir',
    'hikyd.lock',
    'redis.lock',
    'redis.log',
    'redis.sock',
  ]);
});

// SPDX-License-Identifier: Apache-2.0
// Redis hangs, refuses or changes its role: no client gets the answer of another, no text is read as a command, and the
// daemon finds its way back.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, pause, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

async function daemonOn(t, redisFlags = [], flags = []) {
  const redis = await startRedis(t, await folder(t), ...redisFlags);
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: ['--rate-requests', '0', '--rate-messages', '0', ...flags],
  });
  return { redis, daemon, store: await look(t, redis.socket) };
}

async function people(t, daemon, count) {
  const all = await Promise.all(Array.from({ length: count }, (_, n) => clientAs(t, `user ${n}`, daemon.url)));
  await Promise.all(all.map((client, n) => client.join(`room ${n}`)));
  return all;
}

const isReady = (daemon) => fetch(`${daemon.url}/ready`).then(({ ok }) => ok);

test('texts of clients from while Redis hung are never read as commands', bounded, async (t) => {
  const { redis, daemon, store } = await daemonOn(t, [], ['--workers', '1']);
  const all = await people(t, daemon, 24);
  await store.command('SET', 'planted', 1);
  redis.signal('SIGSTOP');
  const content = `[0${`${',0'.repeat(500)},\n"FLUSHALL"\n`.repeat(45)}]`;
  all.forEach((client, n) => client.say(`{"type":"message","roomId":"room ${n}","content":${content}}`));
  await until('the hang to be noticed', () => /redis\.lost.*hangs/.test(daemon.told.stderr));
  redis.signal('SIGCONT');
  await until('Redis to be back', () => isReady(daemon));
  assert.equal(await store.command('GET', 'planted'), '1');
  assert.doesNotMatch(await store.command('INFO', 'commandstats'), /flushall/);
});

// Each client asks again and again for the history of a room of its own, which has one message of the client. Answers
// for another client are `wrong`.
function readers(all) {
  const seen = { right: 0, wrong: [] };
  const asking = all.map(async (client, n) => {
    while (!seen.over) {
      const told = await client.ask({ type: 'history', roomId: `room ${n}`, limit: 5 });
      const contents = told.messages?.map(({ content }) => content);
      if (contents?.join() === `secret of room ${n}`) seen.right += 1;
      else if (told.code !== 'unavailable') seen.wrong.push(told);
      else await pause(20);
    }
  });
  seen.end = () => ((seen.over = true), Promise.all(asking));
  return seen;
}

async function secretive(t, daemon) {
  const all = await people(t, daemon, 12);
  for (const [n, client] of all.entries())
    assert.equal(
      (await client.ask({ type: 'message', roomId: `room ${n}`, content: `secret of room ${n}` })).type,
      'messageAck',
    );
  return all;
}

test('while a script holds Redis up nobody gets the answer of another, and a room can be joined afterwards',
  bounded, async (t) => {
  const { redis, daemon, store } = await daemonOn(t, ['--busy-reply-threshold', '100'], ['--rate-refusals', '0']);
  const seen = readers(await secretive(t, daemon));
  const [guest] = await Promise.all([
    clientAs(t, 'guest', daemon.url),
    until('readers to read', () => seen.right > 100),
  ]);
  const script = await look(t, redis.socket);
  const busy = script.command(
    'EVAL',
    "local t = redis.call('TIME')[1] + 2 while tonumber(redis.call('TIME')[1]) < t do end return 1",
    0,
  );
  let refused = 0;
  for (let n = 0; n < 20; n += 1) {
    if ((await guest.ask({ type: 'joinRoom', roomId: `new ${n}` })).type === 'error') refused += 1;
    await pause(80);
  }
  await busy;
  assert.ok(refused > 0, 'nothing was refused: the script has not held Redis up');
  await until('Redis to be back', () => isReady(daemon));
  for (let n = 0; n < 20; n += 1) {
    await until(
      `new ${n} to be joined`,
      async () => (await guest.ask({ type: 'joinRoom', roomId: `new ${n}` })).type === 'joinedRoom',
    );
  }
  const before = seen.right;
  await until('readers to read again', () => seen.right > before + 100);
  await seen.end();
  assert.deepEqual(seen.wrong, []);
  assert.equal((await store.command('PUBSUB', 'NUMSUB', 'ws:1:room:new 7'))[1], 1);
});

test('a room whose channel Redis forbids is refused, and logged once with the mend; nobody gets the answer of another',
  bounded, async (t) => {
  const { daemon, store } = await daemonOn(t, [], ['--workers', '1']);
  const seen = readers(await secretive(t, daemon));
  const guest = await clientAs(t, 'guest', daemon.url);
  await store.command('ACL', 'SETUSER', 'default', 'resetchannels', '&ws:1:instance:*', '&ws:1:room:room*');
  await until('readers to read', () => seen.right > 100);
  await until('Redis to be back', () => isReady(daemon)); // a client that lost a channel was cut off
  const told = await guest.ask({ type: 'joinRoom', roomId: 'forbidden' });
  assert.deepEqual([told.code, told.retryable], ['unavailable', true]);
  await pause(500);
  await until('Redis to be back', () => isReady(daemon));
  const before = seen.right;
  await until('readers to read again', () => seen.right > before + 100);
  await seen.end();
  assert.deepEqual(seen.wrong, []);
  const lines = daemon.told.stderr.split('\n').filter((line) => line.includes('NOPERM'));
  assert.equal(lines.length, 1, daemon.told.stderr);
  assert.match(
    lines[0],
    /redis\.lost .*refused a subscription: NOPERM.*; the user lacks a right or a channel: deploy\/redis\/users\.acl/,
  );
});

const connectionsOf = async (store) => (await store.command('CLIENT', 'LIST')).match(/^id=\d+(?=.* name=hiky)/gm);

test('a Redis that has become a replica is left, and found again when it is the master', bounded, async (t) => {
  const { daemon, store } = await daemonOn(t, [], ['--workers', '1']);
  const [alice] = await people(t, daemon, 1);
  const [before] = await connectionsOf(store);
  await store.command('REPLICAOF', '127.0.0.1', 1);
  const say = (content) => alice.ask({ type: 'message', roomId: 'room 0', content });
  assert.equal((await say('too early')).code, 'unavailable');
  await until('the connection to be another', async () => (await connectionsOf(store))?.every((id) => id !== before));
  await until('the log to say why', () => /redis\.lost .*READONLY/.test(daemon.told.stderr));
  await pause(2000);
  const tries = daemon.told.stderr.split('\n').filter((line) => line.includes('READONLY'));
  assert.ok(tries.length < 10, `${tries.length} lines about it`);
  await store.command('REPLICAOF', 'NO', 'ONE');
  await until('a message to be taken', async () => (await say('and now?')).type === 'messageAck');
});

// A way to Redis on which existing subscriptions get no more messages.
async function deafening(t, target) {
  const sockets = new Set();
  const door = { deaf: false, connections: 0 };
  const server = createServer((near) => {
    const bornDeaf = door.deaf;
    const far = connect(target);
    door.connections += 1;
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    near.pipe(far);
    far.on('end', () => near.end());
    far.on('data', (bytes) => {
      const heard =
        door.deaf && !bornDeaf
          ? bytes.toString('latin1').replaceAll('>3\r\n$7\r\nmessage', '>3\r\n$7\r\nnothing')
          : bytes;
      near.write(heard, 'latin1');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => (server.close(), sockets.forEach((socket) => socket.destroy())));
  return Object.assign(door, { port: server.address().port });
}

test('a subscription that hears nothing any more is made anew', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const door = await deafening(t, redis.socket);
  const daemon = await daemonFor(t, { redis: `redis://127.0.0.1:${door.port}`, flags: ['--workers', '1'] });
  const [alice] = await people(t, daemon, 1);
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('room 0');
  const before = door.connections;
  door.deaf = true;
  await until('the deafness to be noticed', () => /bus\.deaf/.test(daemon.told.stderr));
  await until('another connection', () => door.connections > before, 5000);
  await until('Redis to be back', () => isReady(daemon));
  assert.equal((await alice.ask({ type: 'message', roomId: 'room 0', content: 'do you hear me?' })).type, 'messageAck');
  await bob.hears({ type: 'message', content: 'do you hear me?' });
});

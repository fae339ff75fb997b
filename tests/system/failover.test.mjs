// SPDX-License-Identifier: Apache-2.0
// Redis fails over to a replica, as Sentinel does it: daemons follow, no client has to connect again, and messages that
// the replica lacked are told as lost.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, runDaemon } from './support/daemon.mjs';
import { atEnd, launch, until } from './support/processes.mjs';
import { folder, freePort, look, startRedis } from './support/redis.mjs';
import { sayWhenTaken } from './support/talk.mjs';

const host = '127.0.0.1';

// A master, its replica, and one Sentinel that decides alone.
async function threeOfThem(t) {
  const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const master = await startRedis(
    t,
    await folder(t),
    '--port',
    masterPort,
    '--bind',
    host,
    '--repl-diskless-sync-delay',
    0,
  );
  const replica = await startRedis(
    t,
    await folder(t),
    '--port',
    replicaPort,
    '--bind',
    host,
    '--replicaof',
    `${host} ${masterPort}`,
  );
  const there = await folder(t);
  const file = join(there, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${sentinelPort}`,
      `bind ${host}`,
      `dir ${there}`,
      'logfile ""',
      `sentinel monitor chat ${host} ${masterPort} 1`,
      // A busy machine is no dead master.
      'sentinel down-after-milliseconds chat 4000',
      'sentinel failover-timeout chat 8000',
      '',
    ].join('\n'),
  );
  const sentinel = await launch('redis-server', [file, '--sentinel'], /Sentinel ID is/);
  atEnd(t, () => sentinel.stop());
  const masterLook = await look(t, { host, port: masterPort });
  const replicaLook = await look(t, { host, port: replicaPort });
  await until(
    'the replica to follow',
    async () => /master_link_status:up/.test(await replicaLook.command('INFO', 'replication')),
    30_000,
  );
  const watcher = await look(t, { host, port: sentinelPort }, null);
  await until(
    'Sentinel to know the replica',
    async () => (await watcher.command('SENTINEL', 'replicas', 'chat')).length === 1,
    30_000,
  );
  return { master, replica, masterLook, replicaPort, url: `redis+sentinel://${host}:${sentinelPort}/chat` };
}

// WAIT waits for the writes of its own connection.
async function replicated(master) {
  await master.command('SET', 'probe', 1);
  assert.equal(await master.command('WAIT', 1, 10_000), 1);
}

const say = (client, content) => sayWhenTaken(client, content, { within: 60_000 });
async function nextMessage(client) {
  for (const gaps = []; ; ) {
    const frame = JSON.parse(await client.raw(30_000));
    if (frame.type === 'gap') gaps.push(frame);
    else if (frame.type === 'message') return { ...frame, gaps };
    else assert.notEqual(frame.type, 'userOffline', `${client.userId} was told that ${frame.userId} is offline`);
  }
}

async function people(t, url) {
  const daemons = [];
  for (const name of ['one', 'two'])
    daemons.push(
      await daemonFor(t, { redis: url, flags: ['--instance-id', name, '--grace', '5', '--redis-wait', '30'] }),
    );
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map((name, n) => clientAs(t, name, daemons[n].url, { fields: { ack: true } })),
  );
  for (const client of [alice, bob]) await client.join('tea');
  return { alice, bob };
}

test('a failover to a replica that has everything loses nothing', bounded, async (t) => {
  const { master, masterLook, replicaPort, url } = await threeOfThem(t);
  const { alice, bob } = await people(t, url);
  const before = await say(alice, 'before');
  await nextMessage(bob);
  await replicated(masterLook);
  assert.equal((await masterLook.command('ROLE'))[0], 'master', 'Sentinel took a busy master for dead');
  await master.stop('SIGKILL');
  const after = await say(alice, 'after');
  const [epoch, seq] = before.messageId.split(':');
  assert.equal(after.messageId, `${epoch}:${Number(seq) + 1}`);
  const heard = await nextMessage(bob);
  assert.deepEqual([heard.content, heard.gaps], ['after', []]);
  // Sentinel has cut off the connection that looked at the replica.
  const redis = await look(t, { host, port: replicaPort });
  await until('both to be there', async () => (await redis.command('SCARD', 'ws:online_users')) === 2);
});

test('a failover to a replica that was behind is said, and gives no number twice', bounded, async (t) => {
  const { master, replica, masterLook, replicaPort, url } = await threeOfThem(t);
  const { alice, bob } = await people(t, url);
  const ids = new Set();
  const talk = async (content) => {
    ids.add((await say(alice, content)).messageId);
    assert.equal((await nextMessage(bob)).content, content);
  };
  for (const content of ['one', 'two', 'three']) await talk(content);
  await replicated(masterLook);
  // The replica sleeps while its link is cut: it gets no more data, and when it wakes up its master is dead.
  replica.signal('SIGSTOP');
  await masterLook.command('CLIENT', 'KILL', 'TYPE', 'replica');
  for (const content of ['four', 'five']) await talk(content);
  await master.stop('SIGKILL');
  replica.signal('SIGCONT');
  const after = await say(alice, 'after');
  assert.ok(!ids.has(after.messageId), `${after.messageId} was given twice`);
  const heard = await nextMessage(bob);
  assert.deepEqual([heard.content, heard.messageId], ['after', after.messageId]);
  assert.ok(heard.gaps.length > 0, 'the loss is said');
  // Sentinel has cut off the connection that looked at the replica.
  const redis = await look(t, { host, port: replicaPort });
  await until('both to be there', async () => (await redis.command('SCARD', 'ws:online_users')) === 2);
  assert.equal(await redis.command('SCARD', 'ws:room_participants:tea'), 2);
});

// A Sentinel that says for every name that the master is at `port`, and counts the questions.
async function sentinelThatNames(t, port) {
  const sentinel = { asked: 0 };
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => {
      sentinel.asked += 1;
      socket.write(`*2\r\n$${host.length}\r\n${host}\r\n$${String(port).length}\r\n${port}\r\n`);
    });
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  atEnd(t, () => server.close());
  return Object.assign(sentinel, { at: `${host}:${server.address().port}` });
}

test('a Sentinel that has missed the failover is not believed: the next one is asked', bounded, async (t) => {
  const [masterPort, replicaPort] = [await freePort(), await freePort()];
  await startRedis(t, await folder(t), '--port', masterPort, '--bind', host);
  await startRedis(t, await folder(t), '--port', replicaPort, '--bind', host, '--replicaof', `${host} ${masterPort}`);
  const stale = await sentinelThatNames(t, replicaPort);
  const right = await sentinelThatNames(t, masterPort);
  const daemon = await daemonFor(t, {
    redis: `redis+sentinel://${stale.at},${right.at}/chat`,
    flags: ['--workers', '1', '--redis-wait', '10'],
  });
  await until('every connection to have found the master', async () => (await fetch(`${daemon.url}/ready`)).ok);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  assert.equal((await alice.ask({ type: 'message', roomId: 'tea', content: 'kettle is on' })).type, 'messageAck');
  assert.match(
    daemon.told.stderr,
    new RegExp(`names ${host}:${replicaPort} as the master, which says that it is a replica; the next one is asked`),
  );
  const stalest = await sentinelThatNames(t, replicaPort);
  const lost = runDaemon(
    '--listen',
    `${host}:0`,
    '--redis',
    `redis+sentinel://${stalest.at}/chat`,
    '--redis-wait',
    '2',
  );
  assert.equal((await lost).code, 3);
  assert.ok(stalest.asked > 1 && stalest.asked < 12, `asked ${stalest.asked} times in two seconds`);
});

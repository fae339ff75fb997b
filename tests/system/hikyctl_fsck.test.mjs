// SPDX-License-Identifier: Apache-2.0
// fsck and explain beside running daemons: fsck says nothing about healthy keys, and mends broken ones under way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, clientAs } from './support/client.mjs';
import { daemonFor, startDaemon } from './support/daemon.mjs';
import { hikyctl, run } from './support/hikyctl.mjs';
import { atEnd, pause } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const ctl = (redis, ...args) => run(hikyctl, ['--redis', redis.url, ...args]);
async function fsck(redis, ...args) {
  const { code, out, err } = await ctl(redis, '--json', 'fsck', ...args);
  assert.ok(code === 0 || code === 1, err);
  return { code, ...JSON.parse(out) };
}
const kinds = (report) => report.findings.map((f) => `${f.kind} ${f.key}: ${f.found}`);

test('fsck has no complaint while people come, talk, type and go', async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemons = [];
  for (const name of ['chat-1', 'chat-2']) {
    daemons.push(await daemonFor(t, { redis: redis.url, flags: ['--instance-id', name, '--grace', '1', '--rate-messages', '0', '--rate-typing', '0'] }));
  }
  const until = Date.now() + 15_000;
  let said = 0;
  const live = async (number) => {
    for (let round = 0; Date.now() < until; round += 1) {
      const client = await Client.open(daemons[(number + round) % 2].url);
      client.say({ type: 'register', userId: `u${(number * 7 + round) % 12}`, ack: round % 3 === 0 });
      for (let step = 0; step < 12 && Date.now() < until; step += 1) {
        const roomId = `r${(number + step) % 5}`;
        const what = (number + round * 5 + step * 3) % 7;
        if (what < 2) client.say({ type: 'joinRoom', roomId });
        else if (what === 2) client.say({ type: 'leaveRoom', roomId });
        else if (what === 3) client.say({ type: 'typing', roomId, content: step % 2 === 0 });
        else (said += 1), client.say({ type: 'message', roomId, content: step });
        await pause(15);
      }
      if (round % 2 === 0) await client.leaves();
      else await client.vanishes();
    }
  };
  const people = Array.from({ length: 16 }, (_, number) => live(number));
  let looks = 0;
  while (Date.now() < until) {
    const report = await fsck(redis, '--wait', '1');
    assert.deepEqual(kinds(report), []);
    looks += 1;
    assert.ok(report.keys > 0);
  }
  await Promise.all(people);
  assert.ok(looks > 3 && said > 100, `${looks} looks, ${said} messages`);
  assert.deepEqual(kinds(await fsck(redis)), [], 'and none when all have gone');
});

test('keys left by the death of all instances are found, mended, and not found again', async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemon = await startDaemon({ redis: redis.url, flags: ['--lease', '2'] });
  atEnd(t, () => daemon.stop());
  const alice = await Client.as('alice', daemon.url);
  await alice.join('tea');
  alice.say({ type: 'typing', roomId: 'tea', content: true });
  await alice.settle();
  await daemon.stop('SIGKILL');
  await alice.closed;
  const keys = await look(t, redis.socket);
  assert.deepEqual(await keys.command('SMEMBERS', 'ws:online_users'), ['alice']);
  await pause(7_500); // the lease, and the time in which another instance could have swept
  const before = await fsck(redis, '--wait', '0');
  assert.equal(before.code, 1);
  assert.match(kinds(before).join('\n'), /dead_instance ws:instances: the lease of one ended \d+ s ago; it holds 1 connections, of alice/);
  const { code, out, err } = await ctl(redis, 'fsck', '--repair', '--wait', '0');
  assert.equal(code, 0, err);
  assert.match(out, /^ws:instances\tdead_instance\t.*\tended its connections and forgot it$/m);
  assert.match(err, /hikyctl: note: looked at \d+ keys, 1 user online, 1 membership: \d findings?, \d repaired/);
  assert.deepEqual(await keys.command('SMEMBERS', 'ws:online_users'), []);
  assert.deepEqual(kinds(await fsck(redis, '--wait', '0')), []);
  assert.equal((await ctl(redis, 'fsck', '--wait', '0')).out, '');
});

test('a member whom a room has forgotten hears it again after fsck --repair, on the same connection', async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, { redis: redis.url });
  const alice = await clientAs(t, 'alice', daemon.url);
  const bob = await clientAs(t, 'bob', daemon.url);
  await alice.join('tea');
  const keys = await look(t, redis.socket);
  // bob is made a member behind the daemon's back, by half.
  await keys.command('SADD', 'ws:room_members:tea', 'bob');
  assert.equal((await fsck(redis, '--wait', '0')).code, 1);
  const mended = await fsck(redis, '--wait', '0', '--repair');
  assert.deepEqual([mended.code, mended.remaining], [0, 0]);
  await bob.settle();
  alice.say({ type: 'message', roomId: 'tea', content: 'is bob here?' });
  await bob.hears({ type: 'message', roomId: 'tea', content: 'is bob here?' });
  assert.deepEqual(await bob.rest(), []);
});

test('explain tells a message that was routed from one that waits, and which instance holds which user', async (t) => {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'chat-1'] });
  const alice = await clientAs(t, 'alice', daemon.url);
  const bob = await clientAs(t, 'bob', daemon.url);
  const carol = await clientAs(t, 'carol', daemon.url);
  for (const each of [alice, bob, carol]) await each.join('tea');
  await carol.leaves();
  await bob.settle();
  const keys = await look(t, redis.socket);
  for (let tries = 0; tries < 100 && (await keys.command('SISMEMBER', 'ws:online_users', 'carol')) === 1; tries += 1) await pause(20);
  const { messageId } = await alice.ask({ type: 'message', roomId: 'tea', content: 'kettle is on' });

  const about = JSON.parse((await ctl(redis, '--json', 'explain', 'message', messageId)).out);
  const outcome = Object.fromEntries(about.recipients.map((r) => [r.userId, r.outcome]));
  assert.deepEqual(outcome, { alice: 'sent', bob: 'routed', carol: 'queued' });
  assert.equal(about.listeningInstances, 1);
  assert.equal(about.fromConnection, alice.connectionId);

  const lines = (await ctl(redis, 'explain', 'user', 'bob')).out;
  assert.match(lines, /^verdict\tonline with 1 connection on chat-1$/m);
  assert.match(lines, new RegExp(`^connection\t${bob.connectionId}\tchat-1\tlease [\\d.]+ s left\t`, 'm'));
  assert.match(lines, /^room\ttea\tmember, takes part, has it open$/m);
  assert.match((await ctl(redis, 'explain', 'user', 'carol')).out, /^mailbox\t1 message, from /m);

  const [instance] = JSON.parse((await ctl(redis, '--json', 'instances')).out).instances;
  assert.deepEqual({ ...instance, leaseLeftMs: 0 }, { id: 'chat-1', lease: 'alive', leaseLeftMs: 0, beingSwept: false, connections: 2, users: 2, hearsTheBus: true });
});

test('explain says which things it can not find, and fsck which it may not do', async (t) => {
  const redis = await startRedis(t, await folder(t));
  for (const [code, pattern, ...args] of [
    [2, /'tea' is no messageId; expected epoch:seq/, 'explain', 'message', 'tea'],
    [1, /no room counts in the epoch 0123456789ab now/, 'explain', 'message', '0123456789ab:1'],
    [2, /a command is missing/, 'explain'],
    [2, /--strays says what --repair is to do besides/, 'fsck', '--strays'],
    [2, /--wait/, 'fsck', '--wait', 'long'],
  ]) {
    const got = await ctl(redis, ...args);
    assert.equal(got.code, code, got.err);
    assert.match(got.err, pattern);
    assert.equal(got.out, '');
  }
});

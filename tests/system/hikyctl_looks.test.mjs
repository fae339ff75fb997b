// SPDX-License-Identifier: Apache-2.0
// The answers of hikyctl about a Redis whose keys were written as the document and the scripts write them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { app, ctl, fails, folder, hikyctl, json, run, said, socket, some_state, stage, ws } from './support/hikyctl.mjs';

stage();

test('status counts users, rooms and messages', async () => {
  await some_state();
  const { redis: about, ...counts } = await json('status');
  assert.deepEqual(counts, { online: 2, connections: 3, instances: 2, rooms: 2, queues: 1, queued: 2 });
  assert.equal(about.address, `unix://${socket}`);
  assert.match(about.version, /^\d+\.\d+/);
  assert.ok(about.memoryBytes > 100_000);
  const lines = (await said('status')).split('\n');
  for (const line of ['online\t2', 'connections\t3', 'rooms\t2', 'queued\t2', `redis\tunix://${socket}`, `redis version\t${about.version}`]) {
    assert.ok(lines.includes(line), `${line} in ${lines}`);
  }
});

test('status leaves out a key of a wrong type, and says so', async () => {
  await some_state();
  await ws('SET', 'ws:offline_messages:eve', 'not a list');
  const { code, out, err } = await ctl('--json', 'status');
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).queued, 2);
  assert.match(err, /ws:offline_messages:eve is left out/);
});

test('health prints the JSON of the document', async () => {
  await ws('SADD', 'ws:online_users', 'alice');
  const found = JSON.parse(await said('health'));
  assert.deepEqual({ ...found, timestamp: '' }, { status: 'healthy', redis: 'connected', onlineUsers: 1, timestamp: '' });
  assert.equal(new Date(found.timestamp).toISOString(), found.timestamp);
});

test('health is unhealthy with exit code 1 when there is no Redis', async () => {
  const { code, out } = await run(hikyctl, ['--data', join(folder, 'nowhere'), 'health']);
  assert.equal(code, 1);
  const { status, message } = JSON.parse(out);
  assert.deepEqual({ status, message }, { status: 'unhealthy', message: 'Redis connection failed' });
});

test('info prints the INFO of Redis', async () => {
  assert.match(await said('info'), /^# Server\nredis_version:\d/);
  const found = await json('info');
  assert.equal(found.Server.tcp_port, '0');
  assert.ok('db0' in found.Keyspace || Object.keys(found.Keyspace).length === 0);
});

test('online lists users, one a line, or counts them', async () => {
  assert.equal(await said('online'), '');
  assert.equal(await said('online', '--count'), '0\n');
  await ws('SADD', 'ws:online_users', 'zoe', 'alice', 'naïve ☕');
  assert.equal(await said('online'), 'alice\nnaïve ☕\nzoe\n');
  assert.equal(await said('online', '--count'), '3\n');
  assert.deepEqual(await json('online'), { count: 3, users: ['alice', 'naïve ☕', 'zoe'] });
  assert.deepEqual(await json('online', '--count'), { count: 3 });
});

test('clients shows metadata, and one poison entry hides nobody', async () => {
  await some_state();
  await ws('HSET', 'ws:clients', 'eve', 'not json');
  const plain = await ctl('clients');
  assert.equal(plain.code, 0);
  assert.equal(plain.out, 'alice\t2026-01-31T12:00:00.000Z\t2026-01-31T12:05:00.000Z\t127.0.0.1\t2\n' +
    'carol\t2026-01-31T11:00:00.000Z\t2026-01-31T11:00:00.000Z\t\t\n');
  assert.match(plain.err, /entry of 'eve' in ws:clients is left out/);
  const found = JSON.parse((await ctl('--json', 'clients')).out);
  assert.equal(found.count, 2);
  assert.deepEqual(found.clients.carol, { connectedAt: '2026-01-31T11:00:00.000Z', lastSeen: '2026-01-31T11:00:00.000Z' });
});

test('user shows all about one user', async () => {
  await some_state();
  await said('user', 'add', 'alice', '--name', 'Alice A.');
  await said('user', 'add', 'bob');
  await said('friend', 'alice', 'bob');
  const alice = await json('user', 'alice');
  assert.deepEqual(alice, {
    id: 'alice', username: 'alice', name: 'Alice A.', profileImage: '', friends: ['bob'], online: true, lastSeen: '2026-01-31T12:05:00.000Z',
    connections: [
      { id: 'c1', instance: 'one', since: '2026-01-31T12:00:00.000Z', ip: '127.0.0.1', agent: 'curl' },
      { id: 'c2', instance: 'two', since: '2026-01-31T12:05:00.000Z', ip: '', agent: '' }],
    rooms: ['tea'], memberRooms: ['tea'], directoryRooms: [], typingIn: 'tea', queued: 0, dropped: 0, bannedSeconds: 0 });
  const bob = await json('user', 'show', 'bob');
  assert.deepEqual([bob.online, bob.lastSeen, bob.memberRooms, bob.queued, bob.dropped, bob.connections, bob.typingIn],
    [false, '2026-01-30T09:00:00.000Z', ['attic', 'tea'], 2, 7, [], null]);
  const plain = (await said('user', 'bob')).split('\n');
  for (const line of ['user\tbob', 'online\tno', 'member of\tattic\ttea', 'queued\t2', 'typing in\t']) assert.ok(plain.includes(line), line);
});

test('rooms counts participants, joined and members of each', async () => {
  await some_state();
  await ws('SET', 'ws:room_members:cellar', 'not a set');
  await ws('SADD', 'ws:user_rooms:room_x', 'not a room of this list');
  assert.equal(await said('rooms'), 'attic\t0\t0\t1\ncellar\t0\t0\t?\ntea\t1\t1\t2\n');
  const found = await json('rooms');
  assert.equal(found.count, 3);
  assert.deepEqual(found.rooms[2], { room: 'tea', participants: 1, joined: 1, members: 2 });
  assert.equal(found.rooms[1].members, null);
});

test('rooms finds every room of many', async () => {
  await ws('EVAL', "for i = 1, 5000 do redis.call('SADD', 'ws:room_participants:r' .. i, 'u' .. i) end", '0');
  const found = await json('rooms');
  assert.equal(found.count, 5000);
  assert.equal(new Set(found.rooms.map((r) => r.room)).size, 5000);
  assert.ok(found.rooms.every((r) => r.participants === 1));
});

test('room shows its users, and whether they are members, participants or joined', async () => {
  await some_state();
  await app('SADD', 'hiky:room_members:tea', 'dave');
  assert.equal(await said('room', 'tea'), 'alice\tyes\tyes\tyes\tno\nbob\tno\tno\tyes\tno\ndave\tno\tno\tno\tyes\n');
  const found = await json('room', 'show', 'tea');
  assert.deepEqual(found, { room: 'tea', participants: ['alice'], joined: ['alice'], members: ['alice', 'bob'], directoryMembers: ['dave'], lastSeq: 0, history: 0 });
});

test('queue shows waiting messages, oldest first, with all their digits', async () => {
  await some_state();
  const { code, out, err } = await ctl('queue', 'bob');
  assert.equal(code, 0);
  assert.equal(out, '2026-01-31T12:00:01.000Z\ttea\talice\tkettle is on\n2026-01-31T12:00:02.000Z\ttea\talice\t{"n":12345678901234567890123}\n');
  assert.match(err, /dropped 7 messages/);
  const text = (await ctl('--json', 'queue', 'bob')).out;
  assert.match(text, /"content":\{"n":12345678901234567890123\}/);
  const found = JSON.parse(text);
  assert.deepEqual([found.user, found.count, found.dropped, found.unreadable], ['bob', 2, 7, 0]);
  assert.equal(found.messages[0].content, 'kettle is on');
});

test('queue shows the good messages beside a poison entry', async () => {
  await some_state();
  await ws('LPUSH', 'ws:offline_messages:bob', '{"type":"mess');
  const { out } = await ctl('--json', 'queue', 'bob');
  assert.deepEqual([JSON.parse(out).unreadable, JSON.parse(out).messages.length], [1, 2]);
});

test('queue --clear deletes the queue and its counter', async () => {
  await some_state();
  assert.equal(await said('queue', 'bob', '--clear'), 'cleared 2 messages of bob\n');
  assert.equal(await ws('EXISTS', 'ws:offline_messages:bob', 'ws:offline_dropped:bob'), '0');
  assert.deepEqual(await json('queue', 'bob', '--clear'), { user: 'bob', cleared: 0 });
});

test('typing shows live marks only', async () => {
  await some_state();
  assert.equal(await said('typing'), 'alice\ttea\n');
  await ws('DEL', 'ws:typing_users:alice');
  assert.deepEqual(await json('typing'), { typing: {} });
});

test('names the command and the key when Redis holds a wrong type', async () => {
  await ws('SET', 'ws:online_users', 'not a set');
  await fails(1, /WRONGTYPE.*\(SCARD ws:online_users\)/, 'status');
  await fails(1, /WRONGTYPE.*ws:online_users/, 'online');
});

test('makes texts from Redis harmless for a terminal', async () => {
  await ws('SADD', 'ws:online_users', '\x1b[2J', 'two\nlines', 'tab\there');
  assert.equal(await said('online'), '\\x1b[2J\ntab\\there\ntwo\\nlines\n');
  assert.deepEqual((await json('online')).users, ['\x1b[2J', 'tab\there', 'two\nlines']);
});

test('prints JSON even for bytes that are no UTF-8', async () => {
  await ws('EVAL', String.raw`return redis.call('SADD', 'ws:online_users', '\255')`, '0');
  assert.deepEqual((await json('online')).users, ['\ufffd']);
});

test('a terminal gets tables with a head', async (t) => {
  await some_state();
  const shown = async (...args) => {
    const command = [hikyctl, '--data', folder, ...args].map((word) => `'${word}'`).join(' ');
    const { code, out } = await run('script', ['-qec', command, '/dev/null']);
    assert.equal(code, 0);
    return out.replaceAll('\r\n', '\n');
  };
  if ((await run('script', ['--version'])).code !== 0) return t.skip('no script(1) to make a terminal with');
  assert.equal(await shown('rooms'), 'ROOM   PARTICIPANTS  JOINED  MEMBERS\nattic  0             0       1\ntea    1             1       2\n');
  assert.match(await shown('status'), /^online +2\nconnections +3\n/);
  assert.equal(await shown('queue', 'nobody'), 'nothing is queued for nobody\n');
  await ws('LPUSH', 'ws:offline_messages:eve', JSON.stringify({ content: 'é'.repeat(100) }));
  assert.match(await shown('queue', 'eve'), /^-     -     -     é{60}…\n$/m);
});

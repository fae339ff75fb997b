// SPDX-License-Identifier: Apache-2.0
// The changes that hikyctl makes in Redis: the directory, memberships, messages, and cleanup.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { app, ctl, fails, json, said, socket, some_state, sorted, stage, start, stop, ws } from './support/hikyctl.mjs';

stage();

test('cleanup needs --yes, then removes every ws: key and nothing else', async () => {
  await some_state();
  await ws('SET', 'other', '1');
  await said('user', 'add', 'alice');
  await fails(2, /say --yes/, 'cleanup');
  assert.equal(await ws('EXISTS', 'ws:online_users'), '1');
  const keys = Number(await ws('DBSIZE')) - 1;
  assert.deepEqual(await json('cleanup', '--yes'), { removedKeys: keys });
  assert.equal(await ws('KEYS', '*'), 'other');
  assert.equal(await app('EXISTS', 'hiky:user:alice'), '1');
});

test('user add writes the documented hash, and changes only the fields that are given', async () => {
  assert.equal(await said('user', 'add', 'alice', '--username', 'al', '--name', 'Alice', '--image', '/a.png'), 'added alice\n');
  assert.equal(await app('HGETALL', 'hiky:user:alice'), 'username\nal\nname\nAlice\nprofileImage\n/a.png');
  assert.deepEqual(await json('user', 'add', 'alice', '--name='), { id: 'alice', username: 'al', name: '', profileImage: '/a.png', added: false });
  assert.equal(await app('HGET', 'hiky:user:alice', 'name'), '');
});

test('friend add and remove go both ways, in every spelling', async () => {
  for (const id of ['alice', 'bob', 'carol']) await said('user', 'add', id);
  assert.equal(await said('friend', 'alice', 'bob'), 'alice and bob are friends now\n');
  assert.equal(await said('friend', 'add', 'bob', 'alice'), 'bob and alice were friends already\n');
  assert.deepEqual(await json('user', 'friend', 'alice', 'carol'), { users: ['alice', 'carol'], changed: true });
  assert.deepEqual(sorted(await app('SMEMBERS', 'hiky:user_friends:alice')), ['bob', 'carol']);
  assert.equal(await app('SMEMBERS', 'hiky:user_friends:bob'), 'alice');
  assert.equal(await said('friend', 'remove', 'bob', 'alice'), 'bob and alice are no longer friends\n');
  assert.equal(await said('user', 'friend', 'remove', 'bob', 'alice'), 'bob and alice were no friends\n');
  assert.equal(await app('SMEMBERS', 'hiky:user_friends:alice'), 'carol');
  await fails(2, /their own friend/, 'friend', 'alice', 'alice');
});

test('friend notes a user without a profile, since the id may be a slip', async () => {
  await said('user', 'add', 'alice');
  const { code, err } = await ctl('friend', 'alice', 'it\'s');
  assert.equal(code, 0);
  assert.equal(err, "hikyctl: note: 'it's' has no profile in the directory; give them one with: hikyctl user add 'it'\\''s'\n");
});

test('room add-member writes directory and state, so that messages queue for users who never connected', async () => {
  assert.equal(await said('room', 'add-member', 'tea', 'alice', 'bob'), 'alice is now a member of tea\nbob is now a member of tea\n');
  assert.deepEqual(sorted(await app('SMEMBERS', 'hiky:room_members:tea')), ['alice', 'bob']);
  assert.equal(await app('SMEMBERS', 'hiky:user_rooms:bob'), 'tea');
  assert.deepEqual(sorted(await ws('SMEMBERS', 'ws:room_members:tea')), ['alice', 'bob']);
  assert.equal(await ws('SMEMBERS', 'ws:member_rooms:bob'), 'tea');
  assert.deepEqual(await json('room', 'add-member', 'tea', 'bob', 'carol'), { room: 'tea', added: ['carol'], unchanged: ['bob'] });

  await said('send', 'tea', 'kettle is on', '--from', 'alice');
  const mail = (await json('queue', 'bob')).messages;
  assert.equal(mail.length, 1);
  assert.deepEqual([mail[0].type, mail[0].roomId, mail[0].senderId, mail[0].content, mail[0].seq], ['message', 'tea', 'alice', 'kettle is on', 1]);
  assert.equal(await ws('LLEN', 'ws:offline_messages:alice'), '0');
});

test('room add-member lets a connected user take part at once', async () => {
  await some_state();
  await said('room', 'add-member', 'cake', 'alice');
  assert.equal(await ws('SMEMBERS', 'ws:room_participants:cake'), 'alice');
});

test('room remove-member ends the membership in both databases', async () => {
  await some_state();
  await said('room', 'add-member', 'tea', 'alice', 'bob');
  assert.deepEqual(await json('room', 'remove-member', 'tea', 'alice', 'nobody'), { room: 'tea', removed: ['alice'], unchanged: ['nobody'] });
  assert.equal(await app('SMEMBERS', 'hiky:room_members:tea'), 'bob');
  assert.equal(await ws('SMEMBERS', 'ws:room_members:tea'), 'bob');
  assert.equal(await ws('EXISTS', 'ws:room_participants:tea', 'ws:joined_room_participants:tea', 'ws:user_rooms:alice', 'ws:member_rooms:alice'), '0');
});

test('user remove forgets profile, friends, memberships and mail', async () => {
  await some_state();
  await said('user', 'add', 'bob');
  await said('user', 'add', 'carol');
  await said('friend', 'bob', 'carol');
  await said('room', 'add-member', 'tea', 'bob');
  assert.deepEqual(await json('user', 'remove', 'bob'), { id: 'bob', removed: true, rooms: ['attic', 'tea'] });
  assert.equal(await app('KEYS', '*'), 'hiky:user:carol');
  // For two hours Redis keeps that bob has left his rooms: otherwise an instance that did not hear of it would put him
  // back.
  assert.equal(await ws('KEYS', 'ws:*bob'), 'ws:left:bob');
  assert.ok(Number(await ws('TTL', 'ws:left:bob')) <= 7200);
  assert.equal(await ws('SMEMBERS', 'ws:room_members:tea'), 'alice');
  assert.equal(await said('user', 'remove', 'bob'), 'bob was not in the directory\n');
});

test('send publishes to the channel of the room with the message the daemon would make', async () => {
  await said('room', 'add-member', 'tea', 'alice', 'bob');
  const listener = start('redis-cli', ['-s', socket, 'SUBSCRIBE', 'ws:1:room:tea']);
  let heard = '';
  listener.stdout.on('data', (chunk) => { heard += chunk; });
  for (let tries = 0; tries < 200 && !heard.includes('subscribe'); ++tries) await pause(10);
  const sent = await json('send', 'tea', 'a "quoted" word', '--from', 'alice');
  for (let tries = 0; tries < 200 && !heard.includes('}'); ++tries) await pause(10);
  await stop(listener);
  const frame = JSON.parse(heard.slice(heard.indexOf('{')));
  assert.deepEqual(frame, { type: 'message', roomId: 'tea', senderId: 'alice', content: 'a "quoted" word', timestamp: sent.timestamp, messageId: sent.messageId, seq: 1 });
  assert.deepEqual([sent.roomId, sent.senderId], ['tea', 'alice']);
});

test('send --raw sends a JSON value as it was written', async () => {
  await said('room', 'add-member', 'tea', 'alice', 'bob');
  await said('send', 'tea', '[1, 12345678901234567890123]', '--raw', '--from', 'alice');
  assert.match(await ws('LINDEX', 'ws:offline_messages:bob', '0'), /"content":\[1, 12345678901234567890123\]/);
  await fails(2, /must be JSON/, 'send', 'tea', '[1', '--raw', '--from', 'alice');
});

test('send without --from comes from hikyctl, who is a member for that moment only', async () => {
  await said('room', 'add-member', 'tea', 'alice');
  assert.match(await said('send', 'tea', 'back at five'), /^sent [0-9a-f]+:1 to tea as hikyctl\n$/);
  assert.equal((await json('queue', 'alice')).messages[0].senderId, 'hikyctl');
  assert.equal(await ws('SMEMBERS', 'ws:room_members:tea'), 'alice');
  assert.equal(await ws('KEYS', 'ws:*:hikyctl'), '');
});

test('send leaves hikyctl in a room where it has been made a member all the same', async () => {
  await said('room', 'add-member', 'tea', 'alice');
  await ws('SADD', 'ws:room_members:tea', 'hikyctl');
  await said('room', 'add-member', 'cake', 'alice');
  await ws('LPUSH', 'ws:offline_messages:hikyctl', '{"kept":true}');
  await said('send', 'tea', 'one');
  await said('send', 'cake', 'two');
  assert.deepEqual(sorted(await ws('SMEMBERS', 'ws:room_members:tea')), ['alice', 'hikyctl']);
  assert.equal(await ws('SMEMBERS', 'ws:room_members:cake'), 'alice');
  assert.equal(await ws('LLEN', 'ws:offline_messages:hikyctl'), '1');
});

test('many senders at once all get through as hikyctl, and leave no trace', async () => {
  await said('room', 'add-member', 'tea', 'alice');
  const sent = await Promise.all(Array.from({ length: 12 }, (_, i) => ctl('send', 'tea', `note ${i}`)));
  assert.deepEqual(sent.map((s) => s.code), Array(12).fill(0), JSON.stringify(sent));
  assert.equal((await json('queue', 'alice')).count, 12);
  assert.equal(await ws('SMEMBERS', 'ws:room_members:tea'), 'alice');
});

test('send refuses strangers and rooms without anybody', async () => {
  await said('room', 'add-member', 'tea', 'alice');
  await fails(1, /'bob' is not a member of room 'tea'; make them one with: hikyctl room add-member tea bob/, 'send', 'tea', 'hi', '--from', 'bob');
  await fails(1, /nobody is in room 'tae'/, 'send', 'tae', 'hi');
  assert.equal(await ws('EXISTS', 'ws:room_log:tae', 'ws:room_head:tae'), '0');
  await fails(2, /at most 65536/, 'send', 'tea', 'x'.repeat(65_535), '--from', 'alice');
});

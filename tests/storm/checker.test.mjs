// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: a good one passes, and each thing that can be wrong is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from './checker.mjs';

const nothing = () => ({ sets: {}, hashes: {}, lists: {}, strings: {}, zsets: {}, logs: {} });

// Two users of one room on one instance; ann says one message, which bob hears. `change` spoils it.
function record(change = () => {}) {
  const frame = JSON.stringify({ type: 'message', roomId: 'tea', messageId: 'e:1', content: { n: 'ann/1#1' } });
  const settled = {
    ...nothing(),
    sets: {
      'ws:online_users': ['ann', 'bob'], 'ws:user_rooms:ann': ['tea'], 'ws:user_rooms:bob': ['tea'], 'ws:room_participants:tea': ['ann', 'bob'],
      'ws:member_rooms:ann': ['tea'], 'ws:member_rooms:bob': ['tea'], 'ws:room_members:tea': ['ann', 'bob'],
    },
    hashes: {
      'ws:user_connections:ann': { a1: '{}' }, 'ws:user_connections:bob': { b1: '{}' }, 'ws:clients': { ann: '{"connections":1}', bob: '{"connections":1}' },
      'ws:instance_connections:one': { a1: 'ann', b1: 'bob' }, 'ws:room_head:tea': { epoch: 'e', seq: '1' },
    },
    zsets: { 'ws:instances': { one: '1' } },
    logs: { 'ws:room_log:tea': [{ seq: 1, m: frame }] },
  };
  const empty = { ...nothing(), sets: { 'ws:member_rooms:ann': ['tea'], 'ws:member_rooms:bob': ['tea'], 'ws:room_members:tea': ['ann', 'bob'] }, hashes: { 'ws:room_head:tea': { epoch: 'e', seq: '1' } } };
  const out = {
    options: { lease: 4, grace: 1 },
    rooms: { tea: ['ann', 'bob'] },
    events: [
      { t: 0, e: 'up', instance: 'one' },
      { t: 10, d: 'ann/1', c: 1, e: 'register', user: 'ann', kind: 'ack' },
      { t: 11, d: 'ann/1', c: 1, e: 'registered', user: 'ann', connection: 'a1', rooms: ['tea'] },
      { t: 20, d: 'bob/1', c: 1, e: 'register', user: 'bob', kind: 'resume', resume: {} },
      { t: 21, d: 'bob/1', c: 1, e: 'registered', user: 'bob', connection: 'b1', rooms: ['tea'] },
      { t: 30, d: 'ann/1', c: 1, e: 'sent', n: 'ann/1#1', room: 'tea' },
      { t: 31, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#1', room: 'tea', id: 'e:1', at: 30 },
      { t: 32, d: 'bob/1', c: 1, e: 'message', room: 'tea', id: 'e:1', n: 'ann/1#1' },
      { t: 900, e: 'phase', name: 'settled' },
      { t: 950, d: 'ann/1', c: 1, e: 'closed' },
      { t: 951, d: 'bob/1', c: 1, e: 'closed' },
      { t: 5000, e: 'online', users: [] },
    ],
    settled,
    empty,
  };
  change(out, {
    add: (...events) => {
      out.events.push(...events);
      out.events.sort((a, b) => a.t - b.t);
    },
    drop: (wrong) => (out.events = out.events.filter((e) => !wrong(e))),
    frame,
  });
  return out;
}
const verdict = (change) => check(record(change)).violations;
const message = (t, id, n = `ann/1#${id.split(':')[1]}`) => ({ t, d: 'bob/1', c: 1, e: 'message', room: 'tea', id, n });

function says(pattern, change) {
  const found = verdict(change);
  assert.ok(found.some((text) => pattern.test(text)), `expected ${pattern}, got ${JSON.stringify(found)}`);
}

test('a record in which all went well has no violations', () => assert.deepEqual(verdict(), []));

test('an acknowledged message that never came is lost', () => says(/never reached bob/, (r, { drop }) => drop((e) => e.e === 'message')));
test('one that waits in the mailbox is not lost', () => {
  const found = verdict((r, { drop, frame }) => (drop((e) => e.e === 'message'), (r.empty.lists['ws:offline_messages:bob'] = [frame])));
  assert.deepEqual(found, []);
});
test('one that was counted as dropped is not lost', () => {
  const change = (newest) => (r, { drop, add }) => (drop((e) => e.e === 'message'), add({ t: 40, d: 'bob/1', c: 1, e: 'mail', dropped: 1, newest, messages: [] }));
  assert.deepEqual(verdict(change(100)), []);
  says(/never reached bob/, change(5)); // the cap drops older ones only
});
test('a gap that was said excuses what is in it', () => {
  assert.deepEqual(verdict((r, { drop, add }) => (drop((e) => e.e === 'message'), add({ t: 40, d: 'bob/1', c: 1, e: 'gap', room: 'tea', from: 1, to: 1 }))), []);
});

test('a message twice on one connection of a resume client is seen', () => says(/twice on one connection/, (r, { add }) => add(message(33, 'e:1'))));
test('mail that the live stream has brought already is seen for a resume client', () => {
  says(/second time as mail/, (r, { add }) => add({ t: 33, d: 'bob/1', c: 1, e: 'mail', dropped: 0, messages: [{ room: 'tea', id: 'e:1', n: 'ann/1#1' }] }));
});
test('a hole is seen', () => says(/nobody said that e:2 is lost/, (r, { add }) => add(message(33, 'e:3'))));
test('a hole where the device itself has spoken is none', () => assert.deepEqual(verdict((r, { add }) => add({ ...message(33, 'e:2', 'bob/1#1'), d: 'ann/1', c: 1 }, message(34, 'e:3'))), []));
test('a hole right after a resume is seen', () => {
  says(/nobody said that e:2 is lost/, (r, { add }) =>
    add(
      { t: 40, d: 'bob/1', c: 1, e: 'closed' }, { t: 50, d: 'bob/1', c: 2, e: 'register', user: 'bob', kind: 'resume', resume: { tea: 'e:1' } },
      { t: 51, d: 'bob/1', c: 2, e: 'registered', user: 'bob', connection: 'b2', rooms: ['tea'], resumed: { tea: { recovered: true, count: 0 } } }, { ...message(52, 'e:3'), c: 2 },
    ));
});
test('a message out of order is seen', () => says(/heard e:2 of tea after e:3/, (r, { add }) => add(message(33, 'e:2'), message(34, 'e:3'), message(35, 'e:2', 'other'))));
test('two messages under one id are seen', () => says(/for some and/, (r, { add }) => add(message(33, 'e:1', 'another'))));
test('one message stored twice is seen', () => says(/stored twice/, (r, { add }) => add(message(33, 'e:2', 'ann/1#1'))));
test('a new epoch that nobody announced is seen', () => says(/nobody announced/, (r, { add }) => add(message(33, 'f:1', 'ann/1#2'))));
test('a new epoch after a gap is right, if Redis lost its data', () => {
  const loss = [{ t: 32, e: 'fault', kind: 'redis_lose', number: 1 }, { t: 33, e: 'healed', kind: 'redis_lose', number: 1 }];
  assert.deepEqual(verdict((r, { add }) => (add(...loss, { t: 34, d: 'bob/1', c: 1, e: 'gap', room: 'tea' }, message(35, 'f:1', 'ann/1#2')), (r.empty.hashes['ws:room_head:tea'].epoch = 'f'))), []);
});
test('a new epoch without a loss is seen, since acknowledged messages are gone', () => says(/never lost its data/, (r) => (r.empty.hashes['ws:room_head:tea'].epoch = 'f')));

test('somebody online without a connection is seen while the storm goes on', () => says(/is online .* after the last connection/, (r, { add }) => add({ t: 30_000, e: 'online', users: ['bob'] })));
test('somebody connected who is not online is seen while the storm goes on', () => {
  says(/bob is not online .* though connected/, (r, { add, drop }) => (drop((e) => e.t > 100), add({ t: 30_000, e: 'online', users: ['ann'] })));
});
test('somebody told to be offline who is here is seen', () => {
  says(/who was not away/, (r, { add, drop }) => (drop((e) => e.t > 100), add({ t: 20_000, d: 'ann/1', c: 1, e: 'offline', user: 'bob', room: 'tea' })));
});
test('a word about somebody who is no friend is seen, and a friend said to be gone who is here', () => {
  const told = (t, online) => ({ t, d: 'ann/1', c: 1, e: 'friend', told: 'ann', user: 'bob', online });
  says(/who is no friend/, (r, { add }) => add(told(40, true)));
  const friends = (r) => (r.friends = { ann: ['bob'] });
  assert.deepEqual(verdict((r, { add }) => (friends(r), add(told(40, true)))), []);
  says(/who was not away/, (r, { add, drop }) => (friends(r), drop((e) => e.t > 100), add(told(20_000, false))));
  says(/who had not been away/, (r, { add, drop }) => (friends(r), drop((e) => e.t > 100), add(told(20_000, true))));
});
test('who has left a room and is in it again is seen', () => {
  const leaves = [{ t: 40, d: 'bob/1', c: 1, e: 'leaving', user: 'bob', room: 'tea' }, { t: 41, d: 'bob/1', c: 1, e: 'left', user: 'bob', room: 'tea' }];
  says(/bob has left tea and is a member/, (r, { add }) => add(...leaves));
  says(/is in tea, which bob had left/, (r, { add }) =>
    add(...leaves, { t: 50, d: 'bob/1', c: 2, e: 'register', user: 'bob', kind: 'ack' }, { t: 51, d: 'bob/1', c: 2, e: 'registered', user: 'bob', connection: 'b2', rooms: ['tea'] }));
});
test('after a loss of all data whoever was here when it struck is missed by the room, also if the connection ends', () => {
  const loss = [{ t: 10_000, e: 'fault', kind: 'redis_lose', number: 1 }, { t: 11_000, e: 'healed', kind: 'redis_lose', number: 1 }];
  const spoken = (at) => ({ t: at, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#2', room: 'tea', id: 'f:1', at });
  const change = (end, at) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add(...loss, { t: end, d: 'bob/1', c: 1, e: 'closed' }, spoken(at));
    r.empty.hashes['ws:room_head:tea'].epoch = 'f';
  };
  says(/f:1 in tea .* never reached bob/, change(12_000, 30_000));
  const lost = (text) => /never reached/.test(text);
  assert.ok(!verdict(change(12_000, 15_000)).some(lost)); // not yet put back
  assert.ok(!verdict(change(9_000, 30_000)).some(lost)); // was not here
});
test('what is left behind is seen', () => {
  says(/offline_inflight:bob:b1 is left/, (r) => (r.settled.lists['ws:offline_inflight:bob:b1'] = ['{}']));
  says(/instance_connections of two is left/, (r) => (r.settled.hashes['ws:instance_connections:two'] = { x: 'bob' }));
  says(/user_connections of bob has x/, (r) => (r.settled.hashes['ws:user_connections:bob'].x = '{}'));
  says(/sweep is left/, (r) => (r.empty.zsets['ws:sweeps'] = { two: '1' }));
  says(/announcements are left/, (r) => (r.empty.zsets['ws:pending_offline'] = { bob: '1' }));
  says(/types for ever/, (r) => (r.settled.hashes['ws:typing_users'] = { bob: 'tea' }));
  says(/empty: ws:online_users is left/, (r) => (r.empty.sets['ws:online_users'] = ['bob']));
});
test('state that contradicts the connections is seen', () => {
  says(/bob has a connection and is not online/, (r) => (r.settled.sets['ws:online_users'] = ['ann']));
  says(/cat is online without a connection/, (r) => r.settled.sets['ws:online_users'].push('cat'));
  says(/counts 2 connections of bob, there are 1/, (r) => (r.settled.hashes['ws:clients'].bob = '{"connections":2}'));
  says(/room_participants has not/, (r) => (r.settled.sets['ws:room_participants:tea'] = ['ann']));
  says(/user_rooms has not/, (r) => r.settled.sets['ws:room_participants:tea'].push('cat'));
  says(/takes no part in it/, (r) => ((r.settled.sets['ws:user_rooms:bob'] = []), (r.settled.sets['ws:room_participants:tea'] = ['ann'])));
});
test('a mailbox of more than a hundred is seen', () => {
  says(/bob has 101 messages/, (r, { frame }) => (r.empty.lists['ws:offline_messages:bob'] = Array(101).fill(frame)));
});
test('a line that no fault explains is seen, and one that a fault explains is not', () => {
  const line = { t: 50, e: 'log', instance: 'one', line: '2026-01-01T00:00:00.000Z warning redis.lost redis=x' };
  says(/said .* redis.lost/, (r, { add }) => add(line));
  assert.deepEqual(verdict((r, { add }) => add(line, { t: 40, e: 'fault', kind: 'redis_cut', number: 1 }, { t: 45, e: 'healed', kind: 'redis_cut', number: 1 })), []);
  says(/flow.failed/, (r, { add }) => add({ ...line, line: '2026-01-01T00:00:00.000Z error flow.failed reason=x' }, { t: 40, e: 'fault', kind: 'redis_cut', number: 1 }, { t: 45, e: 'healed', kind: 'redis_cut', number: 1 }));
});
test('a daemon that ends by itself is seen', () => says(/ended .* SIGSEGV, expected that it runs/, (r, { add }) => add({ t: 2000, e: 'ended', instance: 'one', code: null, signal: 'SIGSEGV' })));

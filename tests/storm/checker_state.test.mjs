// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: wrong state in Redis, mail that waits in vain, and lines of the log are seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, mail, only, says, verdict } from './checker_record.mjs';

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
test('mail that waits for somebody who is here is seen, at the end and while the storm goes on', () => {
  const change = (times, { final, hurt, granted } = {}) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    Object.assign(r.events.find((e) => e.connection === 'b1'), { granted });
    if (hurt) add({ ...ends(90_000), hurt });
    for (const t of times) add({ t, e: 'waiting', final, users: { bob: 3 } });
  };
  const waits = /3 messages wait for bob/;
  const seconds = Array.from({ length: 20 }, (_, i) => 20_000 + 1_000 * i);
  assert.equal(only(waits, verdict(change([20_000], { final: true }))).length, 1);
  assert.deepEqual(only(waits, verdict(change([3_000], { final: true }))), []); // has come a moment ago
  assert.equal(only(waits, verdict(change(seconds))).length, 1);
  assert.deepEqual(only(waits, verdict(change(seconds.slice(0, 8)))), []);
  assert.deepEqual(only(waits, verdict(change(seconds, { hurt: true }))), []);
  assert.deepEqual(only(waits, verdict(change(seconds, { granted: ['tea'] }))), []);
  // Also where a new master has not heard of the confirmation.
  const lost = (r, tools) => {
    change([40_000], { final: true })(r, tools);
    tools.add(mail(9_500, 'e:1', 1), { t: 9_000, e: 'fault', kind: 'failover', number: 1 });
    tools.add({ t: 9_400, e: 'lag', number: 1 }, { t: 11_000, e: 'healed', kind: 'failover', number: 1 });
  };
  assert.equal(only(waits, verdict(lost)).length, 1);
});

// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: presence and typing that are told wrongly are seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, only, put, says, verdict } from './checker_record.mjs';

test('somebody online without a connection is seen while the storm goes on', () => says(/is online .* after the last connection/, (r, { add }) => add({ t: 30_000, e: 'online', users: ['bob'] })));
test('somebody connected who is not online is seen while the storm goes on', () => {
  says(/bob is not online .* though connected/, (r, { add, drop }) => (drop((e) => e.t > 100), add({ t: 30_000, e: 'online', users: ['ann'] })));
});
test('somebody told to be offline who is here is seen', () => {
  says(/who was not away/, (r, { add, drop }) => (drop((e) => e.t > 100), add({ t: 20_000, d: 'ann/1', c: 1, e: 'offline', user: 'bob', room: 'tea' })));
});
test('a client behind a long way was away for longer than it knows', () => {
  const far = (r, { add, drop }) => {
    drop((e) => e.t > 100);
    for (const e of r.events) if (e.e === 'register') e.distance = 200;
    add(
      { t: 20_000, d: 'bob/1', c: 1, e: 'closed' }, { t: 20_650, d: 'bob/1', c: 2, e: 'register', user: 'bob', kind: 'resume', resume: {}, distance: 200 },
      { t: 21_051, d: 'bob/1', c: 2, e: 'registered', user: 'bob', connection: 'b2', rooms: ['tea'] },
      { t: 20_850, d: 'ann/1', c: 1, e: 'offline', user: 'bob', room: 'tea' },
    );
  };
  assert.deepEqual(verdict(far).filter((text) => text.includes('was not away')), []);
});
test('a word about somebody who is no friend is seen, and a friend said to be gone who is here', () => {
  const told = (t, online) => ({ t, d: 'ann/1', c: 1, e: 'friend', told: 'ann', user: 'bob', online });
  says(/who is no friend/, (r, { add }) => add(told(40, true)));
  const friends = (r) => (r.friends = { ann: ['bob'] });
  assert.deepEqual(verdict((r, { add }) => (friends(r), add(told(40, true)))), []);
  says(/who was not away/, (r, { add, drop }) => (friends(r), drop((e) => e.t > 100), add(told(20_000, false))));
  says(/who had not been away/, (r, { add, drop }) => (friends(r), drop((e) => e.t > 100), add(told(20_000, true))));
});
test('a client that does not read learns late that the server has said goodbye', () => {
  const change = (hurt) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add({ t: 20_000, d: 'ann/1', c: 1, e: 'offline', user: 'bob', room: 'tea' }, { ...ends(23_000), code: 1001, hurt });
  };
  const away = /who was not away/;
  assert.deepEqual(only(away, verdict(change(true))), []);
  assert.notDeepEqual(only(away, verdict(change(false))), []);
});
test('a browser that has closed is not missed in online_users, and one that has not is', () => {
  const change =
    (deaf) =>
    (r, { add, drop }) => (drop((e) => e.t > 100), add(...deaf, { t: 30_000, e: 'online', users: ['ann'] }));
  assert.deepEqual(only(/bob is not online/, verdict(change([{ t: 29_500, d: 'bob/1', c: 1, e: 'deaf' }]))), []);
  assert.equal(only(/bob is not online/, verdict(change([]))).length, 1);
});
test('somebody who was shown typing is shown the end of it', () => {
  const shown = (t, on) => ({ t, d: 'ann/1', c: 1, e: 'typing', room: 'tea', user: 'bob', on });
  const types = (t) => ({ t, d: 'bob/1', c: 1, e: 'types', user: 'bob', room: 'tea', on: true });
  const change =
    (...extra) =>
    (r, { add, drop }) => (
      drop((e) => e.t > 100),
      add(types(1_000), shown(1_001, true), ...extra, { t: 60_000, d: 'ann/1', c: 1, e: 'closed' })
    );
  const forever = /was shown that bob types in tea/;
  assert.equal(only(forever, verdict(change())).length, 1);
  assert.equal(only(forever, verdict(change(shown(20_000, false)))).length, 1);
  assert.deepEqual(only(forever, verdict(change(shown(11_002, false)))), []);
  assert.deepEqual(only(forever, verdict(change(types(10_000), shown(20_500, false)))), []); // typed on
  const out = [put('ann', 'removing', 5_000), put('ann', 'removed', 5_001)];
  assert.deepEqual(only(forever, verdict(change(...out))), []);
  const fault = [
    { t: 9_000, e: 'fault', kind: 'kill_pubsub', number: 1 },
    { t: 9_001, e: 'healed', kind: 'kill_pubsub', number: 1 },
  ];
  assert.deepEqual(only(forever, verdict(change(...fault))), []);
});
test('a typing mark that stays in Redis is seen', () => {
  const types = { t: 1_000, d: 'bob/1', c: 1, e: 'types', user: 'bob', room: 'tea', on: true };
  const change = (t) => (r, { add, drop }) => (drop((e) => e.t > 100), add(types, { t, e: 'marks', users: ['bob'] }));
  assert.equal(only(/bob still types in Redis/, verdict(change(20_000))).length, 1);
  assert.deepEqual(only(/bob still types in Redis/, verdict(change(9_000))), []);
});

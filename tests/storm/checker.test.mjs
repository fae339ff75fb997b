// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: a good one passes. Messages that are lost, twice or out of order are seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, only, says, says2, verdict } from './checker_record.mjs';

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
test('an id that only an acknowledgement named, which a replica never heard of, may be given again; otherwise it may not', () => {
  const change = (lag, again) => (r, { add }) => {
    add({ t: 50, e: 'fault', kind: 'failover', number: 1 }, ...(lag ? [{ t: 51, e: 'lag', number: 1 }] : []), { t: 90, e: 'healed', kind: 'failover', number: 1 });
    add(...says2(60), message(80, 'e:2', 'ann/1#9'), ...(again ? [message(85, 'e:3', 'ann/1#2')] : []));
  };
  const both = /e:2 in tea is/;
  assert.deepEqual(only(both, verdict(change(true, false))), []);
  assert.notDeepEqual(only(both, verdict(change(false, false))), []);
  assert.notDeepEqual(only(both, verdict(change(true, true))), [], 'what was heard is not given to another');
});
test('a failover to a replica that was behind excuses what was said in the lag, and no ghost', () => {
  const fault = [
    { t: 1_000, e: 'fault', kind: 'failover', number: 1 },
    { t: 1_900, e: 'lag', number: 1 },
    { t: 4_000, e: 'healed', kind: 'failover', number: 1 },
  ];
  const change = (t, faults) => (r, { add, drop }) => (drop((e) => e.t > 100), add(...faults, ...says2(t)));
  const lost = /e:2 in tea .* never reached bob/;
  assert.deepEqual(only(lost, verdict(change(2_000, fault))), []);
  assert.equal(only(lost, verdict(change(1_500, fault))).length, 1); // before the lag
  assert.equal(only(lost, verdict(change(2_000, fault.filter((e) => e.e !== 'lag')))).length, 1); // nothing was behind
  says(/bob is online .* after the last connection ended/, (r, { add }) =>
    add(...fault, { t: 40_000, e: 'online', users: ['bob'] }),
  );
});
test('with clocks that step, times of Redis are not compared with others', () => {
  const fault = [{ t: 20, e: 'fault', kind: 'clock', number: 1 }, { t: 25, e: 'healed', kind: 'clock', number: 1 }];
  const change = (r, { add, drop }) => {
    drop((e) => e.e === 'message' || e.e === 'acked');
    add(...fault, {
      t: 31,
      d: 'ann/1',
      c: 1,
      e: 'acked',
      user: 'ann',
      n: 'ann/1#1',
      room: 'tea',
      id: 'e:1',
      at: -90_000,
    });
  };
  says(/never reached bob/, change);
  assert.deepEqual(
    only(
      /never reached/,
      verdict(
        (r, tools) => (
          change(r, tools),
          tools.add({ t: 40, d: 'bob/1', c: 1, e: 'mail', dropped: 1, newest: -95_000, messages: [] })
        ),
      ),
    ),
    [],
  );
});
test('a far client hears of an epoch after others have left it behind', () => {
  const loss = [{ t: 33, e: 'fault', kind: 'redis_lose', number: 1 }, { t: 34, e: 'healed', kind: 'redis_lose', number: 1 }];
  const far = { d: 'far/1', c: 1, user: 'far' };
  const heard = (t, id, n) => ({ t, ...far, e: 'message', room: 'tea', id, n });
  const twoEpochs = (acked) => (r, { add }) => {
    r.rooms.tea.push('far');
    add({ t: 12, ...far, e: 'register', kind: 'ack' }, { t: 13, ...far, e: 'registered', connection: 'f1', rooms: ['tea'] });
    add(...loss, { t: 35, e: 'sent', d: 'ann/1', c: 1, n: 'ann/1#2', room: 'tea' }, { t: 36, e: 'sent', d: 'ann/1', c: 1, n: 'ann/1#3', room: 'tea' });
    if (acked) add({ t: 37, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#2', room: 'tea', id: 'f:1', at: 36 });
    add({ t: 40, d: 'bob/1', c: 1, e: 'gap', room: 'tea' }, message(41, 'g:1', 'ann/1#3'));
    add({ t: 50, ...far, e: 'gap', room: 'tea' }, heard(51, 'f:1', 'ann/1#2'), { t: 52, ...far, e: 'gap', room: 'tea' }, heard(53, 'g:1', 'ann/1#3'));
  };
  const late = (acked) => verdict(twoEpochs(acked)).filter((text) => text.includes('of an epoch that had ended'));
  assert.deepEqual([late(true).length, late(false).length], [0, 1]);
});

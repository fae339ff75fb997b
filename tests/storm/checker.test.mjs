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
test('a client that does not read learns late that the server has said goodbye', () => {
  const change = (hurt) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add({ t: 20_000, d: 'ann/1', c: 1, e: 'offline', user: 'bob', room: 'tea' }, { ...ends(23_000), code: 1001, hurt });
  };
  const away = /who was not away/;
  assert.deepEqual(only(away, verdict(change(true))), []);
  assert.notDeepEqual(only(away, verdict(change(false))), []);
});
test('a line that no fault explains is seen, and one that a fault explains is not', () => {
  const line = { t: 50, e: 'log', instance: 'one', line: '2026-01-01T00:00:00.000Z warning redis.lost redis=x' };
  says(/said .* redis.lost/, (r, { add }) => add(line));
  assert.deepEqual(verdict((r, { add }) => add(line, { t: 40, e: 'fault', kind: 'redis_cut', number: 1 }, { t: 45, e: 'healed', kind: 'redis_cut', number: 1 })), []);
  says(/flow.failed/, (r, { add }) => add({ ...line, line: '2026-01-01T00:00:00.000Z error flow.failed reason=x' }, { t: 40, e: 'fault', kind: 'redis_cut', number: 1 }, { t: 45, e: 'healed', kind: 'redis_cut', number: 1 }));
});
test('a daemon that ends by itself is seen', () => says(/ended .* SIGSEGV, expected that it runs/, (r, { add }) => add({ t: 2000, e: 'ended', instance: 'one', code: null, signal: 'SIGSEGV' })));

// What a second connection of bob's brings, after the first has ended.
const again = (
  kind,
  {
    from = 50,
    previous,
    resume = { tea: 'e:1' },
    resumed = { tea: { recovered: true, count: 0 } },
    granted,
    rooms = ['tea'],
  } = {},
) => [
  { t: from, d: 'bob/1', c: 2, e: 'register', user: 'bob', kind, resume, previous },
  { t: from + 1, d: 'bob/1', c: 2, e: 'registered', user: 'bob', connection: 'b2', rooms, resumed, granted },
];
const ends = (t) => ({ t, d: 'bob/1', c: 1, e: 'closed' });
const mail = (t, id, c = 2) => ({
  t,
  d: 'bob/1',
  c,
  e: 'mail',
  dropped: 0,
  messages: [{ room: 'tea', id, n: `ann/1#${id.split(':')[1]}` }],
});
const only = (pattern, found) => found.filter((text) => pattern.test(text));

test('a message that came after the own close of a browser was not shown to it', () => {
  // The page says goodbye; what it hears from then on nobody records.
  says(
    /never reached bob/,
    (r, { add, drop }) => (
      drop((e) => e.e === 'message' || (e.d === 'bob/1' && e.e === 'closed')),
      add({ t: 31, d: 'bob/1', c: 1, e: 'deaf' }, { t: 33, d: 'bob/1', c: 1, e: 'closed' })
    ),
  );
  assert.deepEqual(
    verdict(
      (r, { add, drop }) => (drop((e) => e.e === 'message'), add({ ...ends(33) }, ...again('ack'), mail(52, 'e:1'))),
    ).filter((text) => /never/.test(text)),
    [],
  );
});
test('a browser that has closed is not missed in online_users, and one that has not is', () => {
  const change =
    (deaf) =>
    (r, { add, drop }) => (drop((e) => e.t > 100), add(...deaf, { t: 30_000, e: 'online', users: ['ann'] }));
  assert.deepEqual(only(/bob is not online/, verdict(change([{ t: 29_500, d: 'bob/1', c: 1, e: 'deaf' }]))), []);
  assert.equal(only(/bob is not online/, verdict(change([]))).length, 1);
});
test('what the connection that a resume names has shown must not come as mail; for a bare resume it may', () => {
  const change = (kind, more) => (r, { add }) => add(ends(40), ...again(kind, more), mail(52, 'e:1'));
  const repeated = /which had shown it e:1, and got that as mail/;
  assert.equal(only(repeated, verdict(change('resume', { previous: 'b1' }))).length, 1);
  assert.deepEqual(only(repeated, verdict(change('bare'))), []);
  assert.deepEqual(only(repeated, verdict(change('resume'))), []); // it names none
  // An instance that has crashed took what it knew with it. Another's crash is no excuse.
  const crash = (instance) => (r, tools) => {
    change('resume', { previous: 'b1' })(r, tools);
    r.events.find((e) => e.connection === 'b1').instance = 'one';
    tools.add({ t: 41, e: 'fault', kind: 'kill', number: 1, instance }, { t: 42, e: 'healed', kind: 'kill', number: 1 });
  };
  assert.deepEqual(only(repeated, verdict(crash('one'))), []);
  assert.equal(only(repeated, verdict(crash('two'))).length, 1);
  assert.deepEqual(
    only(repeated, verdict(change('resume', { previous: 'b1', resumed: { tea: { recovered: false, count: 0 } } }))),
    [],
  );
});
test('mail that was never confirmed may come again, mail that was confirmed may not', () => {
  const confirmed = [
    { t: 34, d: 'bob/1', c: 1, e: 'sent', n: 'bob/1#1', room: 'tea' },
    { t: 35, d: 'bob/1', c: 1, e: 'acked', user: 'bob', n: 'bob/1#1', room: 'tea', id: 'e:2', at: 35 },
  ];
  const change = (extra, fault = []) => (r, { add, drop }) => {
    drop((e) => e.e === 'message');
    add(mail(33, 'e:1', 1), ...extra, ...fault, ends(40), ...again('resume', { previous: 'b1' }), mail(52, 'e:1'));
  };
  const repeated = /which had shown it e:1/;
  assert.deepEqual(only(repeated, verdict(change([]))), []);
  assert.equal(only(repeated, verdict(change(confirmed))).length, 1);
  // With Redis away nobody can say whether the confirmation counted.
  const fault = [{ t: 30, e: 'fault', kind: 'hang', number: 1 }, { t: 34, e: 'healed', kind: 'hang', number: 1 }];
  assert.deepEqual(only(repeated, verdict(change(confirmed, fault))), []);
});
test('twice on one connection is seen for a bare resume, and allowed to plain and ack clients', () => {
  const change =
    (kind) =>
    (r, { add }) => (
      (r.events.find((e) => e.d === 'bob/1' && e.e === 'register').kind = kind),
      add({ ...mail(33, 'e:1'), c: 1 })
    );
  assert.equal(only(/twice on one connection/, verdict(change('bare'))).length, 1);
  for (const kind of ['plain', 'ack']) assert.deepEqual(verdict(change(kind)), []);
});
test('recovered: false excuses what was said before the resume, and nothing after it', () => {
  const change = (at, recovered) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add({ t: at, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#2', room: 'tea', id: 'e:2', at });
    add(ends(40), ...again('resume', { from: 200, previous: 'b1', resumed: { tea: { recovered, count: 0 } } }));
  };
  const lost = /never reached bob/;
  assert.deepEqual(only(lost, verdict(change(100, false))), []);
  assert.equal(only(lost, verdict(change(100, true))).length, 1);
  assert.equal(only(lost, verdict(change(300, false))).length, 1);
});

// The API puts cat into the room and bob out of it.
const put = (user, what, t) => ({ t, e: what, room: 'tea', user });
const says2 = (t, extra = {}) => [
  { t: t - 1, d: 'ann/1', c: 1, e: 'sent', n: 'ann/1#2', room: 'tea' },
  { t, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#2', room: 'tea', id: 'e:2', at: t, ...extra },
];
test('a user whom the API adds is owed what is said after the answer', () => {
  const change = (added, heard) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add(put('cat', 'adding', added - 5), put('cat', 'added', added), ...says2(2_000), message(2_001, 'e:2'));
    if (heard) add({ t: 2_002, d: 'cat/1', c: 1, e: 'message', room: 'tea', id: 'e:2', n: 'ann/1#2' });
  };
  const lost = /never reached cat/;
  assert.equal(only(lost, verdict(change(1_000, false))).length, 1);
  assert.deepEqual(only(lost, verdict(change(1_000, true))), []);
  assert.deepEqual(only(lost, verdict(change(2_000, false))), []); // said before the answer
});
test('a user whom the API removes is owed nothing more', () => {
  const change =
    (removing) =>
    (r, { add, drop }) => (
      drop((e) => e.t > 100),
      add(put('bob', 'removing', removing), put('bob', 'removed', removing + 5), ...says2(2_000))
    );
  assert.deepEqual(only(/never reached bob/, verdict(change(1_000))), []);
  assert.deepEqual(only(/never reached bob/, verdict(change(2_500))), []);
  assert.equal(
    only(
      /e:2 in tea .* never reached bob/,
      verdict((r, { add, drop }) => (drop((e) => e.t > 100), add(...says2(2_000)))),
    ).length,
    1,
  );
});
test('a removed user hears nothing that was sent more than 1 s later: not live, as mail, or in the history', () => {
  const change =
    (said, ...extra) =>
    (r, { add, drop }) => {
      drop((e) => e.t > 100);
      add(put('bob', 'removing', 990), put('bob', 'removed', 1_000), ...says2(said), ...extra);
    };
  const mailOf = {
    t: 2_300,
    d: 'bob/1',
    c: 1,
    e: 'mail',
    dropped: 0,
    messages: [{ room: 'tea', id: 'e:2', n: 'ann/1#2' }],
  };
  const history = { t: 2_300, d: 'bob/1', c: 1, e: 'history', room: 'tea', messages: [{ id: 'e:2', n: 'ann/1#2' }] };
  says(/heard e:2 of tea .* the API had put bob out/, change(2_200, message(2_300, 'e:2')));
  says(/got as mail e:2/, change(2_200, mailOf));
  says(/found in the history e:2/, change(2_200, history));
  assert.deepEqual(only(/the API had put/, verdict(change(1_500, message(2_300, 'e:2')))), []); // within the second
  assert.deepEqual(only(/the API had put/, verdict(change(2_200))), []);
  // Put in again, the user may look at it; mail it is not.
  const back = [put('bob', 'adding', 2_250), put('bob', 'added', 2_260)];
  assert.deepEqual(only(/the API had put/, verdict(change(2_200, ...back, history))), []);
  assert.equal(only(/got as mail/, verdict(change(2_200, ...back, mailOf))).length, 1);
  // Joined again by the user.
  const joined = { t: 2_100, d: 'bob/1', c: 1, e: 'joined', user: 'bob', room: 'tea', asked: 2_090 };
  assert.deepEqual(only(/the API had put/, verdict(change(2_200, joined, message(2_300, 'e:2')))), []);
  says(/e:2 of tea waits for bob/, (r, tools) => {
    change(2_200)(r, tools);
    r.empty.lists['ws:offline_messages:bob'] = [
      JSON.stringify({ roomId: 'tea', messageId: 'e:2', content: { n: 'ann/1#2' } }),
    ];
  });
});
test('a user whom the API has removed is not told that it is in the room', () => {
  const change = (...extra) => (r, { add, drop }) => {
    drop((e) => e.t > 100);
    add(put('bob', 'removing', 990), put('bob', 'removed', 1_000), ends(1_500), ...extra);
  };
  says(/was told .* that it is in tea, of which the API had put bob out/, change(...again('ack', { from: 3_000 })));
  assert.deepEqual(only(/that it is in tea/, verdict(change(...again('ack', { from: 3_000, rooms: [] })))), []);
  assert.deepEqual(only(/that it is in tea/, verdict(change(...again('ack', { from: 1_600 })))), []);
});
test('put out and in again in between, a client has no hole', () => {
  const change = (...extra) => (r, { add }) => add(...extra, message(60, 'e:3'));
  says(/nobody said that e:2 is lost/, change());
  assert.deepEqual(
    verdict(
      change(put('bob', 'removing', 40), put('bob', 'removed', 41), put('bob', 'adding', 50), put('bob', 'added', 51)),
    ),
    [],
  );
});

test('a connection hears only the rooms that its token is for', () => {
  const claim =
    (granted) =>
    (r, { add }) => (
      Object.assign(
        r.events.find((e) => e.connection === 'b1'),
        { granted },
      ),
      add()
    );
  assert.deepEqual(verdict(claim(['tea'])), []);
  says(/got e:1 of tea, which its token is not for/, claim(['milk']));
  const refreshed = (t, granted) => ({ t, d: 'bob/1', c: 1, e: 'refreshed', granted });
  says(/got e:2 of tea, which its token is not for/, (r, { add }) => add(refreshed(33, ['milk']), message(34, 'e:2')));
  // What is newly allowed may come before the answer. e:2 was said while the token was not for the room.
  const refreshing = { t: 34, d: 'bob/1', c: 1, e: 'refreshing', rooms: ['tea'] };
  assert.deepEqual(
    verdict((r, { add }) => add(refreshed(33, ['milk']), refreshing, message(35, 'e:3'), refreshed(36, ['tea']))),
    [],
  );
});

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
test('a not_member is explained by a removal, and by a look into the history of a room that one was put out of', () => {
  const error = (id) => ({
    t: 60,
    d: 'bob/1',
    c: 1,
    e: 'error',
    code: 'not_member',
    message: 'you are not in this room',
    id,
  });
  says(/got the error not_member/, (r, { add }) => add(error('x')));
  assert.deepEqual(only(/error/, verdict((r, { add }) => add(error('history tea')))), []);
  assert.deepEqual(
    only(
      /error/,
      verdict((r, { add }) => add(put('bob', 'removing', 50), put('bob', 'removed', 51), error('x'))),
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

// SPDX-License-Identifier: Apache-2.0
// Records made by hand for the checker: one in which all went well, the ways to spoil it, and what the checker says.
import assert from 'node:assert/strict';
import { check } from './checker.mjs';

const nothing = () => ({ sets: {}, hashes: {}, lists: {}, strings: {}, zsets: {}, logs: {} });

// Two users of one room on one instance; ann says one message, which bob hears. `change` spoils it.
function record(change = () => {}) {
  const frame = JSON.stringify({ type: 'message', roomId: 'tea', messageId: 'e:1', content: { n: 'ann/1#1' } });
  const settled = {
    ...nothing(),
    sets: {
      'ws:online_users': ['ann', 'bob'], 'ws:user_rooms:ann': ['tea'], 'ws:user_rooms:bob': ['tea'],
      'ws:room_participants:tea': ['ann', 'bob'],
      'ws:member_rooms:ann': ['tea'], 'ws:member_rooms:bob': ['tea'], 'ws:room_members:tea': ['ann', 'bob'],
    },
    hashes: {
      'ws:user_connections:ann': { a1: '{}' }, 'ws:user_connections:bob': { b1: '{}' },
      'ws:clients': { ann: '{"connections":1}', bob: '{"connections":1}' },
      'ws:instance_connections:one': { a1: 'ann', b1: 'bob' }, 'ws:room_head:tea': { epoch: 'e', seq: '1' },
    },
    zsets: { 'ws:instances': { one: '1' } },
    logs: { 'ws:room_log:tea': [{ seq: 1, m: frame }] },
  };
  const empty = {
    ...nothing(),
    sets: {
      'ws:member_rooms:ann': ['tea'], 'ws:member_rooms:bob': ['tea'], 'ws:room_members:tea': ['ann', 'bob'],
    },
    hashes: { 'ws:room_head:tea': { epoch: 'e', seq: '1' } },
  };
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
export const verdict = (change) => check(record(change)).violations;
export const message = (t, id, n = `ann/1#${id.split(':')[1]}`) => (
  { t, d: 'bob/1', c: 1, e: 'message', room: 'tea', id, n });

export function says(pattern, change) {
  const found = verdict(change);
  assert.ok(found.some((text) => pattern.test(text)), `expected ${pattern}, got ${JSON.stringify(found)}`);
}
export const only = (pattern, found) => found.filter((text) => pattern.test(text));

// The record of a second connection of bob's, after the first has ended.
export const again = (
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
export const ends = (t) => ({ t, d: 'bob/1', c: 1, e: 'closed' });
export const mail = (t, id, c = 2) => ({
  t,
  d: 'bob/1',
  c,
  e: 'mail',
  dropped: 0,
  messages: [{ room: 'tea', id, n: `ann/1#${id.split(':')[1]}` }],
});

// The API puts a user into the room, or out of it.
export const put = (user, what, t) => ({ t, e: what, room: 'tea', user });

// A second message of ann's.
export const says2 = (t, extra = {}) => [
  { t: t - 1, d: 'ann/1', c: 1, e: 'sent', n: 'ann/1#2', room: 'tea' },
  { t, d: 'ann/1', c: 1, e: 'acked', user: 'ann', n: 'ann/1#2', room: 'tea', id: 'e:2', at: t, ...extra },
];

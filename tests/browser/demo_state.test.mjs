// SPDX-License-Identifier: Apache-2.0
// The page's rules without a page: presence, the order of messages, the requests that are owed to the server, when to
// come back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fade, nobody, presence } from '../../web/demo_presence.js';
import { freeze, owed, reduce, start, thaw, wanted } from '../../web/demo_state.js';
import { pause } from '../../web/demo_wire.js';

const at = (second) => new Date(Date.UTC(2025, 0, 1, 12, 0, second)).toISOString();
const said = (n, extra = {}) => (
  { type: 'message', roomId: 'tea', senderId: 'bob', content: `m${n}`, timestamp: at(n), messageId: `e:${n}`, seq: n, ...extra });
const play = (state, ...events) => events.reduce(reduce, state);
const heard = (frame, now = 0) => ({ type: 'heard', frame, now });
const log = (state, room = 'tea') => state.rooms.get(room).log.map((item) => item.text);
const ask = (state, frame) => reduce(state, { type: 'asked', id: frame.clientMsgId ?? `${frame.type} ${frame.roomId ?? ''}`, frame });
const send = (state, now = 0) => owed(state, now).reduce(ask, state);
const joinedTea = (participants) => heard({ type: 'joinedRoom', id: 'joinRoom tea', roomId: 'tea', participants });

const entered = play(start, { type: 'entered', name: 'ann', room: 'tea' }, { type: 'opening' }, { type: 'connected' });
const registered = play(send(entered), heard({ type: 'registered', id: 'register ', userId: 'ann', rooms: [] }));
const history = (...messages) => heard({ type: 'history', id: 'history tea', roomId: 'tea', messages, complete: true });
const atDoor = play(send(registered), joinedTea(['ann', 'bob']));
const inTea = play(send(atDoor), history());
const wrote = (key) => ({ type: 'wrote', room: 'tea', key, text: key, at: at(0) });

test('presence: people come, go away, come back and leave', () => {
  let room = presence(nobody, { type: 'joinedRoom', participants: ['ann'] }, 0);
  room = presence(room, { type: 'userJoined', userId: 'bob' }, 0);
  assert.deepEqual([...room.people], [['ann', 'here'], ['bob', 'here']]);
  room = presence(room, { type: 'userOffline', userId: 'bob' }, 0);
  assert.equal(room.people.get('bob'), 'away');
  assert.equal(presence(room, { type: 'userJoined', userId: 'bob' }, 0).people.get('bob'), 'here');
  assert.equal(presence(room, { type: 'userLeft', userId: 'bob' }, 0).people.has('bob'), false);
  assert.equal(presence(room, { type: 'userOffline', userId: 'stranger' }, 0).people.has('stranger'), false);
});

test('presence: a typing mark ends with a stop, a message, a leave, or by itself', () => {
  const typing = presence(nobody, { type: 'typing', userId: 'bob', isTyping: true }, 1_000);
  assert.equal(typing.typing.has('bob'), true);
  const endings = [{ type: 'typing', isTyping: false }, { type: 'userLeft' }, { type: 'userOffline' }, { type: 'message', senderId: 'bob' }];
  for (const frame of endings) {
    assert.equal(presence(typing, { userId: 'bob', ...frame }, 1_000).typing.size, 0, frame.type);
  }
  assert.equal(fade(typing, 10_999).typing.size, 1);
  assert.equal(fade(typing, 30_000).typing.size, 0);
});

test('presence: a list the server cut short says how many are missing', () => {
  const room = presence(nobody, { type: 'joinedRoom', participants: ['ann', 'bob'], participantCount: 900, truncated: true }, 0);
  assert.equal(room.more, 898);
});

test('reducing never changes the state it was given', () => {
  const before = freeze(inTea);
  const typing = heard({ type: 'typing', roomId: 'tea', userId: 'bob', isTyping: true });
  play(inTea, wrote('k'), heard(said(1)), typing, { type: 'left', room: 'tea' });
  assert.equal(freeze(inTea), before);
  assert.equal(inTea.rooms.get('tea').typing.size, 0);
});

test('a message seen twice is shown once, live or from the queue', () => {
  const state = play(inTea, heard(said(1)), heard(said(1)), heard({ type: 'offlineMessages', count: 2, messages: [said(1), said(2)] }));
  assert.deepEqual(log(state), ['m1', 'm2']);
  assert.equal(log(thaw(freeze(state))).length, 2);
  assert.deepEqual(log(play(thaw(freeze(state)), heard(said(2)))), ['m1', 'm2']);
});

test('queued messages are marked as one delivery and tell how many the cap dropped', () => {
  const state = play(inTea, heard(said(1)), heard({ type: 'offlineMessages', count: 2, dropped: 7, messages: [said(2), said(3)] }));
  const items = state.rooms.get('tea').log;
  assert.deepEqual(items.filter((item) => item.kind === 'message').map((item) => item.away), [undefined, 1, 1]);
  assert.match(items.find((item) => item.kind === 'notice').text, /^7 older messages were not kept/);
});

test('an unconfirmed message stays last, and takes its place by server time', () => {
  const waiting = play(send(play(inTea, wrote('mine'))), heard(said(5)));
  assert.deepEqual(log(waiting), ['m5', 'mine']);
  const confirmed = play(waiting, heard({ type: 'messageAck', id: 'mine', roomId: 'tea', messageId: 'e:4', timestamp: at(4) }));
  assert.deepEqual(log(confirmed), ['mine', 'm5']);
});

test('my own message back from the queue and its late confirmation are one message', () => {
  const back = play(send(play(inTea, wrote('mine'))), heard(said(1, { senderId: 'ann', content: 'mine' })));
  const late = { type: 'messageAck', id: 'mine', roomId: 'tea', messageId: 'e:1', timestamp: at(1), duplicate: true };
  assert.deepEqual(log(play(back, heard(late))), ['mine']);
});

test('owed: register, then join, then one message at a time in order', () => {
  assert.deepEqual(owed(entered, 0), [{ type: 'register', userId: 'ann', events: true }]);
  assert.deepEqual(owed(send(entered), 0), []);
  assert.deepEqual(owed(registered, 0), [{ type: 'joinRoom', roomId: 'tea' }]);
  const two = play(inTea, wrote('a'), wrote('b'));
  assert.deepEqual(owed(two, 0), [{ type: 'message', roomId: 'tea', content: 'a', clientMsgId: 'a' }]);
  const first = send(two);
  assert.deepEqual(owed(first, 0), []);
  const next = play(first, heard({ type: 'messageAck', id: 'a', roomId: 'tea', messageId: 'e:1', timestamp: at(1) }));
  assert.deepEqual(owed(next, 0).map((frame) => frame.clientMsgId), ['b']);
});

test('owed: an unsent message is sent again after a reconnect with the same clientMsgId', () => {
  const lost = play(send(play(inTea, wrote('a'))), { type: 'closed', retryAt: 5, why: '' }, { type: 'opening' }, { type: 'connected' });
  const again = play(send(lost), heard({ type: 'registered', id: 'register ', rooms: ['tea'] }));
  assert.deepEqual(owed(again, 0), [{ type: 'joinRoom', roomId: 'tea' }]);
  const joined = play(send(again), joinedTea(['ann']));
  const message = { type: 'message', roomId: 'tea', content: 'a', clientMsgId: 'a' };
  assert.deepEqual(owed(joined, 0), [{ type: 'history', roomId: 'tea', limit: 50 }, message]);
  assert.deepEqual(owed(play(joined, history()), 0), [message]);
});

test('owed: history of a room that was joined, once a connection', () => {
  assert.deepEqual(owed(atDoor, 0), [{ type: 'history', roomId: 'tea', limit: 50 }]);
  assert.deepEqual(owed(send(atDoor), 0), []);
  assert.deepEqual(owed(inTea, 0), []);
  const refused = play(send(atDoor), heard({ type: 'error', id: 'history tea', code: 'internal', message: 'no', retryable: false }));
  assert.deepEqual(owed(refused, 0), []);
  const away = play(inTea, { type: 'closed', retryAt: 5, why: '' }, { type: 'opening' }, { type: 'connected' });
  const back = play(send(play(send(away), heard({ type: 'registered', id: 'register ', rooms: ['tea'] }))), joinedTea(['ann']));
  assert.deepEqual(owed(back, 0), [{ type: 'history', roomId: 'tea', limit: 50 }]);
});

test('history is shown once, in order, beside live messages, and is no news', () => {
  const hidden = play(atDoor, { type: 'looked', visible: false }, heard(said(3)), heard({ type: 'offlineMessages', count: 1, messages: [said(2)] }));
  const state = play(send(hidden), history(said(1), said(2), said(3)));
  assert.deepEqual(log(state), ['m1', 'm2', 'm3']);
  assert.equal(state.rooms.get('tea').unread, 2);
  assert.deepEqual(log(play(state, history(said(1), said(2), said(3)), heard(said(3)))), ['m1', 'm2', 'm3']);
});

test('messages of one millisecond stand in the order of their seq', () => {
  const same = (n) => said(n, { timestamp: at(0) });
  assert.deepEqual(log(play(send(play(atDoor, heard(same(10)))), history(same(8), same(9), same(10)))), ['m8', 'm9', 'm10']);
});

test('my own message in the history confirms itself', () => {
  const lost = send(play(atDoor, wrote('mine')));
  const state = play(lost, history(said(1, { senderId: 'ann', content: 'mine', clientMsgId: 'mine' })));
  assert.deepEqual(state.rooms.get('tea').log.map((item) => [item.text, item.state]), [['mine', 'sent']]);
  const late = { type: 'messageAck', id: 'mine', roomId: 'tea', messageId: 'e:1', timestamp: at(1), duplicate: true };
  assert.deepEqual(log(play(state, heard(late))), ['mine']);
});

test('a token is shown in register, tells who one is, and is not kept', () => {
  const shown = play(start, { type: 'entered', proof: 'token', token: 'a.b.c', room: 'tea' }, { type: 'opening' }, { type: 'connected' });
  assert.deepEqual(owed(shown, 0), [{ type: 'register', token: 'a.b.c', events: true }]);
  const inside = play(send(play(shown, wrote('early'))), heard({ type: 'registered', id: 'register ', userId: 'ann', rooms: [] }));
  assert.equal(inside.me, 'ann');
  assert.equal(inside.rooms.get('tea').log[0].from, 'ann');
  assert.equal(freeze(inside).includes('a.b.c'), false);
  const later = thaw(freeze(inside));
  assert.deepEqual([later.me, later.proof, wanted(later)], ['ann', '', false]);
  // The same person finds the messages again; another person finds none of them.
  const again = play(later, { type: 'entered', proof: 'token', token: 'd.e.f', room: 'tea' }, { type: 'opening' }, { type: 'connected' });
  const as = (userId) => play(send(again), heard({ type: 'registered', id: 'register ', userId, rooms: [] }));
  assert.deepEqual(log(thaw(freeze(play(as('ann'), heard(said(1)))))), ['m1', 'early']);
  assert.deepEqual([...as('bob').rooms].map(([id, room]) => [id, room.log]), [['tea', []]]);
});

test('a cookie needs no word, and the end of a proof leads back to the door', () => {
  const known = play(start, { type: 'entered', proof: 'cookie', room: 'tea' }, { type: 'opening' }, { type: 'connected' });
  assert.deepEqual(owed(known, 0), [{ type: 'register', events: true }]);
  const over = play(known, { type: 'closed', code: 4401, retryAt: null, why: 'your session has ended' });
  assert.deepEqual([over.link.phase, over.link.why, wanted(over)], ['refused', 'your session has ended', false]);
  assert.equal(play(known, { type: 'closed', code: 4409, retryAt: null, why: 'replaced' }).link.phase, 'ended');
});

test('somebody who enters under another name finds nothing of the one before', () => {
  const other = play(inTea, wrote('a'), { type: 'entered', name: 'bob', room: 'tea' });
  assert.deepEqual([other.me, log(other)], ['bob', []]);
});

test('owed: a retryable error waits, another one marks the message as failed', () => {
  const asked = send(play(inTea, wrote('a')));
  const later = play(asked, heard({ type: 'error', id: 'a', code: 'unavailable', message: 'no', retryable: true }, 1_000));
  assert.deepEqual(owed(later, 1_100), []);
  assert.deepEqual(owed(later, 9_000).map((frame) => frame.clientMsgId), ['a']);
  const failed = play(asked, heard({ type: 'error', id: 'a', code: 'not_member', message: 'not yours', retryable: false }));
  assert.deepEqual(failed.rooms.get('tea').log.map(({ state, why }) => [state, why]), [['failed', 'not yours']]);
  assert.deepEqual(owed(play(failed, { type: 'retried', room: 'tea', key: 'a' }), 0), [{ type: 'joinRoom', roomId: 'tea' }]);
});

test('a refused name ends the tries and says why', () => {
  const no = { type: 'error', id: 'register ', code: 'unauthorized', message: 'log in first', retryable: false };
  const refused = play(send(entered), heard(no));
  assert.equal(wanted(refused), false);
  assert.equal(refused.link.why, 'log in first');
});

test('leaving while offline is told to the server later, and the room does not come back', () => {
  const left = play(inTea, { type: 'wentAway' }, { type: 'left', room: 'tea' },
    { type: 'cameBack' }, { type: 'opening' }, { type: 'connected' });
  const back = play(send(left), heard({ type: 'registered', id: 'register ', rooms: ['tea'] }), heard(said(1)));
  assert.equal(back.rooms.has('tea'), false);
  assert.deepEqual(owed(back, 0), [{ type: 'leaveRoom', roomId: 'tea' }]);
  assert.deepEqual(owed(play(send(back), heard({ type: 'leftRoom', id: 'leaveRoom tea', roomId: 'tea' })), 0), []);
});

test('rooms with the names of object properties are rooms like others', () => {
  const state = play(inTea, heard(said(1, { roomId: '__proto__' })), heard(said(2, { roomId: 'constructor' })),
    heard({ type: 'toString' }));
  assert.deepEqual([...state.rooms.keys()], ['tea', '__proto__', 'constructor']);
  assert.equal(state.rooms.get('__proto__').unread, 1);
});

test('only the newest word about a person stays', () => {
  const go = (type) => heard({ type, roomId: 'tea', userId: 'cat' });
  assert.deepEqual(log(play(inTea, go('userJoined'), go('userOffline'), go('userJoined'))), ['is back']);
  assert.deepEqual(log(play(inTea, go('userJoined'), go('userOffline'), go('userOnline'), go('userJoined'))), ['is back']);
});

test('the pause before a reconnect doubles, has jitter and an end, and obeys the server', () => {
  assert.deepEqual([0, 1, 2, 3].map((n) => pause(n, '', 1)), [500, 1_000, 2_000, 4_000]);
  assert.equal(pause(0, '', 0), 250);
  assert.equal(pause(40, '', 1), 15_000);
  assert.equal(pause(9, 'reconnect in 1234', 1), 1_234);
  assert.equal(pause(9, 'reconnect in 99999999', 1), 60_000);
});

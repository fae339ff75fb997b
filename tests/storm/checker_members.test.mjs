// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: a user is owed and hears the rooms that it is in, and no others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { again, ends, message, only, put, says, says2, verdict } from './checker_record.mjs';

test('who has left a room and is in it again is seen', () => {
  const leaves = [{ t: 40, d: 'bob/1', c: 1, e: 'leaving', user: 'bob', room: 'tea' }, { t: 41, d: 'bob/1', c: 1, e: 'left', user: 'bob', room: 'tea' }];
  says(/bob has left tea and is a member/, (r, { add }) => add(...leaves));
  says(/is in tea, which bob had left/, (r, { add }) =>
    add(...leaves, { t: 50, d: 'bob/1', c: 2, e: 'register', user: 'bob', kind: 'ack' }, { t: 51, d: 'bob/1', c: 2, e: 'registered', user: 'bob', connection: 'b2', rooms: ['tea'] }));
});
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
  // Unless a connection that came after that resumed the room, and was given it.
  const resumed = (t) => ({ t, d: 'bob/1', c: 2, e: 'registered', user: 'bob', kind: 'resume', rooms: ['tea'],
    resumed: { tea: { recovered: true, count: 1 } } });
  assert.deepEqual(only(/got as mail/, verdict(change(2_200, ...back, resumed(2_270), mailOf))), []);
  assert.equal(only(/got as mail/, verdict(change(2_200, ...back, resumed(2_150), mailOf))).length, 1);
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
  // Messages that are newly allowed may come before the answer. e:2 was said while the token was not for the room.
  const refreshing = { t: 34, d: 'bob/1', c: 1, e: 'refreshing', rooms: ['tea'] };
  assert.deepEqual(
    verdict((r, { add }) => add(refreshed(33, ['milk']), refreshing, message(35, 'e:3'), refreshed(36, ['tea']))),
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

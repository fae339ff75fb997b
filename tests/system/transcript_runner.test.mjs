// SPDX-License-Identifier: Apache-2.0
// The runner of the transcripts, and its patterns: they must be able to fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mismatch } from './support/match.mjs';
import { play } from './support/transcript.mjs';

const wrongs = {
  'a frame that nobody expected': [['alice connects as alice, joins tea', 'bob connects as bob, joins tea', 'alice > {"type":"message","roomId":"tea","content":1}'], /bob heard what nobody expected/],
  'an unexpected frame before a departure': [
    ['alice connects as alice, joins tea', 'bob connects as bob, joins tea', 'alice > {"type":"message","roomId":"tea","content":1}', 'alice > {"type":"ping"}', 'alice < {"type":"pong"}', 'bob leaves the wire'],
    /line 6: bob leaves the wire\nbob heard what nobody expected/,
  ],
  'another frame than expected': [['alice connects', 'alice > {"type":"ping"}', 'alice < {"type":"registered"}'], /line 3: .*\n.*type is "pong", not "registered"/],
  'frames in another order': [
    ['alice connects', 'alice > {"type":"ping","id":"1"}', 'alice > {"type":"ping","id":"2"}', 'alice < {"type":"pong","id":"2"}'],
    /line 4: .*\n.*id is "1", not "2"/,
  ],
  'a frame that does not come': [['alice connects', 'alice < {"type":"pong"}'], /waited 5000 ms for: a frame/],
  'a frame that comes too soon': [['alice connects', 'alice > {"type":"ping"}', 'alice < {"type":"pong"} after 2 s'], /came after \d+ ms already/],
  'a member that should be absent': [['alice connects', 'alice > {"type":"ping","id":"1"}', 'alice < {"type":"pong","id":"$absent"}'], /has id/],
  'text that is not there': [['alice connects', 'alice > {"type":"ping"}', 'alice << pang'], /not in \{"type":"pong"\}/],
  'silence that is none': [['alice connects', 'alice > {"type":"ping"}', 'alice hears nothing'], /line 3: .*\nalice heard what nobody expected/],
  'another reply of Redis': [['alice connects as alice', 'redis SMEMBERS ws:online_users = bob'], /line 2: .*\n.*it is alice/],
  'other JSON in Redis': [['alice connects as alice', 'redis HGET ws:clients alice ~ {"connections":2}'], /connections is 1, not 2/],
  'a command that Redis refuses': [['redis NONSENSE'], /unknown command/],
  'another answer over HTTP': [['http GET /health = 200 {"status":"unhealthy"}'], /line 1/],
  'another close code': [['alice connects', 'alice > x', 'alice < {"type":"error"}', 'alice leaves the wire', 'alice > x'], /alice is not connected/],
  'a phrase that nobody knows': [['alice connects as alice, dances'], /no such phrase: dances/],
  'flags that are wrong': [['daemon --no-such-flag', 'alice connects'], /--no-such-flag/],
};

test('the runner finds faults', { concurrency: 8, timeout: 60_000 }, async (t) => {
  const one = ([name, [lines, complaint]]) => t.test(name, async () => {
    const ends = [];
    try {
      await assert.rejects(play({ after: (end) => ends.push(end) }, lines.map((text, i) => ({ text, number: i + 1 }))), (error) => {
        assert.match(error.message, complaint);
        return true;
      });
    } finally {
      for (const end of ends) await end();
    }
  });
  await Promise.all(Object.entries(wrongs).map(one));
});

test('patterns match exactly the values that they name', () => {
  const right = [
    [1, 1], ['a', 'a'], [null, null], [{}, { a: 1 }], [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }], [[], []], [[1, '...', 9], [1, 5, 9]], [['...', 9], [9]],
    [['$set', 'a', 'b'], ['b', 'a']], ['$any', null], [{ a: '$absent' }, {}], ['$time', '2026-01-31T12:00:00.123Z'], [{ a: '$x', b: '$x' }, { a: 5, b: 5 }],
  ];
  const wrong = [
    [1, 2], [1, '1'], [null, 0], [null, undefined], [{}, null], [{}, []], [[], {}], [[1], []], [[1], [1, 2]], [[1, '...', 9], [1]], [[1, '...', 9], [1, 8]],
    [['$set', 'a', 'b'], ['a']], [['$set', 'a'], ['a', 'a']], [{ a: '$any' }, {}], [{ a: '$absent' }, { a: null }], ['$time', '2026-01-31'], [{ a: '$x', b: '$x' }, { a: 5, b: 6 }],
    [{ a: '$x' }, {}], [-0, 0],
  ];
  for (const [pattern, value] of right) assert.equal(mismatch(pattern, value), undefined);
  for (const [pattern, value] of wrong) assert.ok(mismatch(pattern, value), `${JSON.stringify(pattern)} took ${JSON.stringify(value)}`);
});

// SPDX-License-Identifier: Apache-2.0
// The checker, on records made by hand: a client that comes again has all that it is owed, and gets nothing once more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { again, ends, mail, only, says, verdict } from './checker_record.mjs';

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

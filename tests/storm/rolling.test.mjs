// SPDX-License-Identifier: Apache-2.0
// A new version is put in place while people talk: instances behind one door are replaced one after the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summary } from './report.mjs';
import { Storm } from './storm.mjs';

test('a rolling restart loses no message and makes nobody seem offline', { timeout: 150_000 }, async (t) => {
  const storm = new Storm({
    seed: '1',
    seconds: 24,
    users: 60,
    instances: 2,
    only: ['roll'],
    balanced: true,
    obedient: true,
    graceSeconds: 5,
    pace: 25,
  });
  const verdict = await storm.run();
  t.diagnostic(summary(storm, verdict));
  assert.deepEqual(verdict.violations, [], summary(storm, verdict));
  const drained = storm.events.filter((e) => e.e === 'ended' && e.wanted === 'exit 0');
  assert.ok(drained.length >= 4, `only ${drained.length} instances were replaced`);
  const from = storm.events.find((e) => e.e === 'phase' && e.name === 'storm').t;
  const to = storm.events.find((e) => e.e === 'phase' && e.name === 'settled').t;
  const announced = storm.events.filter((e) => e.t > from && e.t < to && (e.e === 'offline' || e.e === 'friend'));
  assert.deepEqual(announced, [], 'everybody comes back as told, so nobody is announced');
  // A goodbye says when to come back, and spreads them.
  const goodbyes = storm.events.filter((e) => e.e === 'closed' && e.code === 1001);
  assert.ok(goodbyes.length > 50, `only ${goodbyes.length} goodbyes`);
  for (const { reason } of goodbyes) assert.match(reason, /^reconnect in \d+$/);
  assert.ok(new Set(goodbyes.map(({ reason }) => reason)).size > 10);
});

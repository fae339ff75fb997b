// SPDX-License-Identifier: Apache-2.0
// A storm short enough for every day. Others: script/storm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Storm, summary } from './storm.mjs';

test('half a minute of faults loses nothing, doubles nothing and leaves nothing behind', { timeout: 170_000 }, async (t) => {
  const storm = new Storm({ seed: '4', seconds: 35, users: 80 });
  const verdict = await storm.run();
  t.diagnostic(summary(storm, verdict));
  assert.deepEqual(verdict.violations, [], `script/storm --minutes 0.583 --seed 4 --users 80 repeats the faults; ${summary(storm, verdict)}`);
});

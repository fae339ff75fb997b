// SPDX-License-Identifier: Apache-2.0
// Storms short enough for every day; between the two every kind of fault strikes. Others: script/storm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from './faults.mjs';
import { summary } from './report.mjs';
import { Storm } from './storm.mjs';

for (const seed of (process.env.STORM_SEEDS ?? '4 8').split(' ')) {
  const name = `half a minute of faults (seed ${seed}) loses nothing, doubles nothing and leaves nothing behind`;
  test(name, { timeout: 145_000 }, async (t) => {
    // Every second kind of fault, each of them before any comes again.
    const first = kinds.filter((_, i) => i % 2 === Number(Number(seed) % 8 === 0));
    const storm = new Storm({ seed, seconds: 32, users: 80, first, every: [0.8, 3.2] });
    const verdict = await storm.run();
    t.diagnostic(summary(storm, verdict));
    const repeat = `STORM_SEEDS=${seed} node --test tests/storm/short.test.mjs repeats the faults`;
    assert.deepEqual(verdict.violations, [], `${repeat}; ${summary(storm, verdict)}`);
  });
}

// SPDX-License-Identifier: Apache-2.0
// A storm short enough for every day, of the kinds of faults that every build must keep. All kinds at once: script/storm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Storm, summary } from './storm.mjs';

for (const seed of (process.env.STORM_SEEDS ?? '8').split(' ')) {
  test(`half a minute of faults (seed ${seed}) loses nothing, doubles nothing and leaves nothing behind`, { timeout: 145_000 }, async (t) => {
    const only = ['reload', 'silent', 'blip', 'hang', 'typing', 'vanish', 'hole', 'kill_pubsub'];
    const storm = new Storm({ seed, seconds: 32, users: 80, only });
    const verdict = await storm.run();
    t.diagnostic(summary(storm, verdict));
    const repeat = `STORM_SEEDS=${seed} node --test tests/storm/short.test.mjs repeats the faults`;
    assert.deepEqual(verdict.violations, [], `${repeat}; ${summary(storm, verdict)}`);
  });
}

// SPDX-License-Identifier: Apache-2.0
// An attack slows the messages of other people only a little: each attack runs for some seconds, with generous bounds.
// hostile.mjs measures it with care.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { names } from './support/attacks.mjs';
import { round } from './support/hostile.mjs';

// Clients that never pong are given up after 35 s, which is too long for this test.
const attacks = names.filter((name) => name !== 'no pongs');
const skip = process.env.HIKY_SANITIZE && 'measures how long things take';

// The machine may be small and busy, and the attackers run on it, too. A daemon that starves keeps people waiting for
// seconds.
function judge({ calm, under, had, has }) {
  assert.equal(under.refused, 0, 'messages of people who behave were refused');
  assert.ok(Number.isFinite(calm.p99), 'nobody was heard in calm');
  const most = Math.max(250, 20 * calm.p99);
  assert.ok(under.p99 <= most, `1 of 100 messages took ${under.p99} ms, expected ${most} at most; ${calm.p99} in calm`);
  assert.ok(has.daemon - had.daemon < 150, `the daemon grew from ${had.daemon} to ${has.daemon} MiB`);
  assert.ok(has.redis - had.redis < 100, `its Redis grew from ${had.redis} to ${has.redis} MiB`);
}

for (const name of attacks) {
  test(`an attack: ${name}`, { skip, timeout: 60_000 }, async (t) => {
    const once = async () => judge(await round(name, { warm: 0.3, calm: 1, under: 2.5 }));
    try {
      await once();
    } catch (failure) {
      t.diagnostic(`once more: ${failure.message}`);
      await once();
    }
  });
}

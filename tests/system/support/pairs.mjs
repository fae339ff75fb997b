// SPDX-License-Identifier: Apache-2.0
// Two people on a daemon, and how long a message takes from one to the other while a client attacks the daemon.
import assert from 'node:assert/strict';
import { clientAs } from './client.mjs';
import { pause } from './processes.mjs';

export async function pairOf(t, daemon) {
  const [one, other] = [await clientAs(t, 'one', daemon.url), await clientAs(t, 'other', daemon.url)];
  await one.join('pair');
  await other.join('pair');
  // The longest way of a message from one to the other while `attack` runs, in ms.
  const longest = async (attack) => {
    let over = false;
    const done = attack().finally(() => (over = true));
    let worst = 0;
    while (!over) {
      const began = performance.now();
      one.say({ type: 'message', roomId: 'pair', content: 'hello' });
      await other.hears({ type: 'message', roomId: 'pair' });
      worst = Math.max(worst, performance.now() - began);
      await pause(5);
    }
    await done;
    return worst;
  };
  return longest;
}

// A busy machine does not delay each try; a fault does. So the shortest of three tries counts.
export const sanitized = Boolean(process.env.HIKY_SANITIZE);
export async function waitsNoLongerThan(calm, attempt) {
  const most = Math.max(sanitized ? 1_000 : 250, 10 * calm);
  await atMost('ms that a message took', most, attempt);
}

// The least of three tries of `attempt` is below `most`.
export async function atMost(what, most, attempt) {
  const found = [];
  while (found.length < 3) {
    found.push(await attempt());
    if (found.at(-1) < most) return;
  }
  assert.fail(`${what}: ${found.map((each) => each.toFixed(1)).join(', ')}; expected less than ${most.toFixed(1)}`);
}

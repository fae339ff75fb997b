// SPDX-License-Identifier: Apache-2.0
// Browsers offer compression by themselves and compress everything that they send: the demo works with it, both ways.
import assert from 'node:assert/strict';
import { address, scene, visitor } from './stage.mjs';
import { message, say } from './browser.mjs';

const counter = async (name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${address()}/metrics`)).text())[1]);

scene('two people write at length, in fewer bytes', async () => {
  const names = ['hiky_inflated_messages_total', 'hiky_deflated_frames_total', 'hiky_saved_bytes_total'];
  const before = await Promise.all(names.map(counter));
  const [ann, bob] = [await visitor('ann', 'squeezed'), await visitor('bob', 'squeezed')];
  const long = 'the kettle is on, ☕ and the cups are blue. '.repeat(40).trim();
  await say(ann, 'short');
  await message(bob, 'short').waitFor();
  await say(ann, long);
  await message(bob, long).waitFor();
  const after = await Promise.all(names.map(counter));
  for (const [n, least] of [6, 1, 1_000].entries()) assert.ok(after[n] - before[n] >= least, `${names[n]}: ${before[n]}, then ${after[n]}`);
});

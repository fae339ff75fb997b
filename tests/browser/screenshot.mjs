// SPDX-License-Identifier: Apache-2.0
// Takes the picture for the README: node screenshot.mjs [FILE], by default docs/demo.png. It shows a conversation as
// one of its people sees it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enter, launch, message, online, person, say, someone } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

const file = process.argv[2] ?? fileURLToPath(new URL('../../docs/demo.png', import.meta.url));
const data = await mkdtemp(join(tmpdir(), 'hiky-screenshot-'));
const daemon = await startDaemon({ data });
const browser = await launch();
try {
  const alice = await person(browser, daemon.url, { viewport: { width: 1180, height: 740 }, deviceScaleFactor: 2 });
  const bob = await person(browser, daemon.url);
  const chandra = await person(browser, daemon.url);
  const tell = async (from, text, to) => {
    await say(from, text);
    if (to) await message(to, text).waitFor();
    else await message(from, text).and(from.locator('[data-state="sent"]')).waitFor();
  };
  await enter(bob, 'Bob', 'kitchen');
  await enter(chandra, 'Chandra', 'kitchen');
  await enter(alice, 'Alice', 'kitchen');
  await tell(bob, 'Kettle is on. Who wants some?', alice);
  await tell(alice, 'Me! Two minutes, I am in the lift and about to lose signal.', bob);

  await alice.getByRole('button', { name: 'Go offline' }).click();
  await tell(bob, 'Take your time, it has to steep anyway.');
  await tell(bob, 'There is lemon cake, too. Half of it, at least.');
  await alice.getByRole('button', { name: 'Come back' }).click();
  await online(alice);
  await message(alice, 'There is lemon cake, too. Half of it, at least.').waitFor();
  await tell(alice, 'Back again. Keep me a slice!', bob);
  await chandra.close();
  await someone(alice, 'Chandra').and(alice.locator('[data-how="away"]')).waitFor();

  await bob.locator('#text').pressSequentially('Already on a plate');
  await alice.getByText('Bob is typing').waitFor();
  await alice.mouse.move(700, 600);
  await alice.waitForTimeout(500);
  await alice.screenshot({ path: file });
  console.log(`wrote ${file}`);
} finally {
  await browser.close();
  await daemon.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
}

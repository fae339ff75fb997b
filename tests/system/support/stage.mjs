// SPDX-License-Identifier: Apache-2.0
// One daemon for all tests of a file.
import { after, before } from 'node:test';
import { clientAs } from './client.mjs';
import { startDaemon } from './daemon.mjs';
import { atEnd } from './processes.mjs';
import { folder } from './redis.mjs';

// `flags`, or what makes them for a data folder.
export function oneDaemon(flags = []) {
  const stage = {};
  const ends = { after: (end) => (stage.end = end) };
  before(async () => {
    const data = await folder(ends);
    stage.daemon = await startDaemon({ data, flags: typeof flags === 'function' ? await flags(data) : flags });
    atEnd(ends, () => stage.daemon.stopWell());
  }, { timeout: 60_000 });
  after(() => stage.end(), { timeout: 60_000 });

  let visits = 0;
  // Whatever was done to the daemon, two people who come now can talk.
  stage.stillServes = async (t) => {
    const room = `room ${(visits += 1)}`;
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => clientAs(t, `${name} ${visits}`, stage.daemon.url)));
    await alice.join(room);
    await bob.join(room);
    alice.say({ type: 'message', roomId: room, content: 'still served' });
    await bob.hears({ type: 'message', content: 'still served' });
  };
  return stage;
}

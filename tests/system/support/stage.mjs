// SPDX-License-Identifier: Apache-2.0
// The servers that all tests of a file share: started before the first, ended behind the last.
import { after, before } from 'node:test';
import { Api } from './api.mjs';
import { bounded } from './bounded.mjs';
import { clientAs } from './client.mjs';
import { startDaemon } from './daemon.mjs';
import { atEnd } from './processes.mjs';
import { folder } from './redis.mjs';

// `set(stage, ends)` fills the stage. `ends` stands for a test: functions given to atEnd(ends, …) run behind the last
// test.
export function staged(set) {
  const stage = {};
  const ends = { after: (end) => (stage.end = end) };
  before(() => set(stage, ends), bounded);
  after(() => stage.end(), bounded);
  return stage;
}

// One daemon: { daemon, api, data }. `flags`: the flags, or a function that gives them for a data folder.
export function oneDaemon(flags = []) {
  const stage = staged(async (here, ends) => {
    here.data = await folder(ends);
    const all = typeof flags === 'function' ? await flags(here.data) : flags;
    here.daemon = await startDaemon({ data: here.data, flags: all });
    atEnd(ends, () => here.daemon.stopWell());
    here.api = new Api(here.daemon);
  });

  let visits = 0;
  // After any attack on the daemon, two people who come now can talk.
  stage.stillServes = async (t) => {
    const room = `room ${(visits += 1)}`;
    const { url } = stage.daemon;
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => clientAs(t, `${name} ${visits}`, url)));
    await alice.join(room);
    await bob.join(room);
    alice.say({ type: 'message', roomId: room, content: 'still served' });
    await bob.hears({ type: 'message', content: 'still served' });
  };
  return stage;
}

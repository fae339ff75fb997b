// SPDX-License-Identifier: Apache-2.0
// Mail does not wait for a user who is here and may read all of it: not when all faults are over (`final`), and before
// that not for longer than until the next comparison.
import { hindering } from './faults.mjs';

export function mailThatWaits({ events, connections, faults, fail, at }) {
  const since = new Map(); // user → since when mail was seen to wait in each look
  const told = new Set();
  for (const e of events) {
    if (e.e !== 'waiting') continue;
    for (const user of [...since.keys()]) if (!(user in e.users)) since.delete(user);
    for (const [user, count] of Object.entries(e.users)) {
      if (!since.has(user)) since.set(user, e.t);
      if (told.has(user)) continue;
      const limit = e.final ? 6_000 : 10_000 + 2 * hindered(faults, e.t);
      if (!e.final && since.get(user) > e.t - limit) continue;
      const isHere = (c) =>
        c.user === user && c.registered < e.t - limit && Math.min(c.to, c.deaf) > e.t && !c.hurt && readsAll(c, e.t);
      const here = connections.find(isHere);
      if (!here) continue;
      told.add(user);
      fail(
        `${count} messages wait for ${user} ${at(e.t)}, who has been here since ` +
          `${at(here.registered).slice(3)} (${here.key})`,
      );
    }
  }
}

// The time for which faults were in the way in the 40 s before `t`.
const hindered = (faults, t) =>
  faults.filter(hindering).reduce((sum, f) => sum + Math.max(0, Math.min(f.to, t) - Math.max(f.from, t - 40_000)), 0);

const readsAll = (c, t) => {
  const latest = c.heard.findLast((e) => e.e === 'refreshed' && e.t < t - 6_000);
  return (latest ? latest.granted : c.granted) === undefined;
};

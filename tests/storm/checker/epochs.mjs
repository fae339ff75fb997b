// SPDX-License-Identifier: Apache-2.0
// A room's epochs come one after the other for every client: a client that has a message of a later epoch never gets a
// live one of an earlier epoch.
import { place } from './items.mjs';

// room → Map(epoch → when the first client knew of it). A far client gets a message late; the answer to the sender may
// be sooner.
function beginnings(events, connections) {
  const first = new Map();
  const note = (e) => {
    const known = first.get(e.room) ?? first.set(e.room, new Map()).get(e.room);
    const { epoch } = place(e.id);
    known.set(epoch, Math.min(known.get(epoch) ?? Infinity, e.t));
  };
  for (const e of events) if (e.e === 'acked') note(e);
  for (const c of connections) for (const e of c.heard) if (e.e === 'message') note(e);
  return first;
}

export function epochs({ events, connections, fail, at }) {
  const first = beginnings(events, connections);
  for (const c of connections) {
    const latest = new Map();
    for (const e of c.heard) {
      if (e.e !== 'message') continue;
      const begun = first.get(e.room).get(place(e.id).epoch);
      if (begun < (latest.get(e.room) ?? 0))
        fail(`${c.key} heard ${e.id} of ${e.room}, of an epoch that had ended for it, ${at(e.t)}`);
      latest.set(e.room, Math.max(latest.get(e.room) ?? 0, begun));
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// The record of a storm, sorted for the judges: one entry per connection with all frames that its client heard, the
// faults, the changes of members; and what a judge reports with: `fail(text)`, `at(time)`, `figures`.
import { crashesOf, faultsOf, lossesOf, strikerOf } from './faults.mjs';
import { put } from './items.mjs';

const noFigures = () => ({
  acked: 0,
  duplicate_acks: 0,
  deliveries: 0,
  repeats: 0,
  repeated_after_crashes: 0,
  by_mail: 0,
  dropped: 0,
  gaps: 0,
  longest_ghost_ms: 0,
  connections: 0,
  added: 0,
  removed: 0,
  refreshed: 0,
  faults: {},
});

export function read({ options, rooms, friends = {}, events, settled, empty }) {
  const violations = [];
  const figures = noFigures();
  const faults = faultsOf(events, figures);
  const losses = lossesOf(faults);
  const connections = connectionsOf(events);
  figures.connections = connections.length;
  return {
    options,
    rooms,
    friends,
    events,
    settled,
    empty,
    connections,
    faults,
    losses,
    crashes: crashesOf(faults, losses, options.lease),
    struck: strikerOf(faults),
    leavings: leavingsOf(events),
    changes: changesOf(events, figures),
    said: saidOf(events),
    figures,
    violations,
    fail: (text) => violations.push(text),
    at: (t) => `at ${((t - (events[0]?.t ?? 0)) / 1000).toFixed(2)} s`,
  };
}

// `room user` → when the user first wanted to be out for good.
function leavingsOf(events) {
  const out = new Map();
  for (const e of events) if (e.e === 'leaving' && !out.has(`${e.room} ${e.user}`)) out.set(`${e.room} ${e.user}`, e.t);
  return out;
}

// Content → when it was first sent.
function saidOf(events) {
  const out = new Map();
  for (const e of events) if (e.e === 'sent' && !out.has(e.n)) out.set(e.n, e.t);
  return out;
}

// `room user` → the changes by the HTTP API: adding, added, removing, removed, each with its time.
function changesOf(events, figures) {
  const out = new Map();
  for (const e of events) {
    if (!['adding', 'added', 'removing', 'removed'].includes(e.e)) continue;
    if (e.e in figures) figures[e.e] += 1;
    put(out, `${e.room} ${e.user}`, { t: e.t, what: e.e });
  }
  for (const e of events) if (e.e === 'refreshed') figures.refreshed += 1;
  return out;
}

const heardKinds = new Set([
  'message',
  'mail',
  'gap',
  'joined',
  'refreshing',
  'refreshed',
  'history',
  'typing',
  'sent',
  'acked',
]);

const begun = (key, e) => ({
  key,
  device: e.d,
  user: e.user,
  kind: e.kind,
  distance: e.distance ?? 0,
  resume: e.resume ?? {},
  previous: e.previous,
  from: e.t,
  to: Infinity,
  deaf: Infinity, // from when on the client hears nothing any more
  ghostTo: undefined, // until then not even the server's kernel learns that the client has gone
  heard: [],
});

// One entry per attempt of a device to connect, with all frames that it heard, in order.
function connectionsOf(events) {
  const open = new Map();
  for (const e of events) {
    if (!e.d) continue;
    const key = `${e.d} ${e.c}`;
    if (e.e === 'register') open.set(key, begun(key, e));
    const c = open.get(key);
    if (!c) continue;
    if (e.e === 'registered')
      Object.assign(c, {
        id: e.connection,
        instance: e.instance,
        registered: e.t,
        resumed: e.resumed ?? {},
        rooms: new Set(e.rooms),
        granted: e.granted,
      });
    if (e.e === 'deaf') c.deaf = e.t;
    if (e.e === 'hole') c.ghostTo = e.t + e.ms;
    if (e.e === 'closed') Object.assign(c, { to: e.t, hurt: e.hurt, code: e.code });
    if (heardKinds.has(e.e)) c.heard.push(e);
  }
  return [...open.values()];
}

// SPDX-License-Identifier: Apache-2.0
// The faults of a storm: the effects that each kind excuses, and the time when each fault struck.

const links = ['redis_stall', 'redis_drip', 'redis_cut', 'redis_reset'];
const outages = ['redis_restart', 'term_outage', 'failover', 'clock'];
const losses = ['redis_lose', 'kill_pubsub'];
export const redisFaults = [...outages, ...losses, ...links, 'kill_normal', 'stop', 'blip', 'hang', 'oom'];
// Faults by which other instances take one for dead, if the fault is long enough; and faults by which they take any for
// dead.
const silenced = new Set([...outages, ...links, 'stop', 'blip', 'hang']);
const sweeping = new Set([...outages, 'hang']);
// These faults strike all instances.
const globally = new Set([...outages, ...losses, 'kill_normal', 'hang', 'oom']);
// Through these faults an instance may lose messages from Redis, or messages to Redis.
export const deafening = new Set([...outages, ...losses, ...links, 'stop', 'blip', 'oom', 'kill', 'term', 'roll']);
export const delaying = new Set(['client_stall', 'client_drip', 'stop']);
export const deadly = new Set(['kill', 'term', 'roll', 'term_outage']);
// Faults under which instances can't do their duties for a while.
export const silencing = new Set([...redisFaults, 'kill', 'term']);
export const hindering = (fault) => silencing.has(fault.kind) || delaying.has(fault.kind);

// The time for which an instance goes on trying to reach a Redis that is there again (ms).
export const backoff = 2_000;
// The time for which the log echoes a fault (ms).
const echo = 25_000;

export const strikes = (fault, instance) => fault.instance === instance || globally.has(fault.kind);

// All faults in order: { kind, instance, from, to }, with `lag` where a replica was behind from that time on.
export function faultsOf(events, figures) {
  const open = new Map();
  for (const e of events) {
    if (e.e === 'fault' && !e.skipped) {
      open.set(e.number, { kind: e.kind, instance: e.instance, from: e.t, to: Infinity });
      figures.faults[e.kind] = (figures.faults[e.kind] ?? 0) + 1;
    }
    if (e.e === 'lag') open.get(e.number).lag = e.t;
    if (e.e === 'healed') open.get(e.number).to = e.t;
  }
  return [...open.values()];
}

// The losses of Redis's data. A replica that was behind has lost everything that came after its last command, from a
// moment before it was cut off.
export const lossesOf = (faults) =>
  faults
    .filter((f) => f.kind === 'redis_lose' || f.lag !== undefined)
    .map((f) => (f.lag === undefined ? f : { ...f, from: f.lag - 300 }))
    .sort((a, b) => a.from - b.from);

// When an instance died, or was silent for so long that others took it for dead; and when Redis lost data: `all`.
export function crashesOf(faults, losses, lease) {
  const long = (f) => silenced.has(f.kind) && f.to - f.from > lease * 750 - backoff;
  const dead = faults.filter((f) => f.kind === 'kill' || long(f));
  return [...dead.map((f) => ({ ...f, all: sweeping.has(f.kind) })), ...losses.map((f) => ({ ...f, all: true }))];
}

// Whether a fault of one of these kinds, or its echo, falls between the two times.
export const strikerOf = (faults) => (kinds, from, to) =>
  faults.some((f) => kinds.has(f.kind) && f.from <= to && f.to + echo >= from);

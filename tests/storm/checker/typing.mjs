// SPDX-License-Identifier: Apache-2.0
// A client that was shown a typing mark is shown its end within 10 s, or later where faults delay it. The same holds in
// Redis.
import { deafening, delaying, hindering, silencing, strikes } from './faults.mjs';
import { groups } from './items.mjs';

const meets = (f, from, to) => f.from <= to && f.to + 2_000 >= from;

// The time by which faults move a limit (ms).
const delayOf = (faults, lease) =>
  faults.length > 0 ? (lease + 5) * 1_000 + faults.reduce((sum, f) => sum + f.to - f.from, 0) : 0;

export function typing(story) {
  const { events, connections } = story;
  const typed = events.filter((e) => e.e === 'types' && e.on);
  const spoken = groups(typed, (e) => `${e.room} ${e.user}`);
  const over = events.find((e) => e.e === 'phase' && e.name === 'settled')?.t ?? Infinity;
  for (const c of connections) {
    const shown = new Map(); // `room user` → when it was last shown that the user types
    const end = Math.min(c.to, c.deaf, over);
    for (const e of c.heard) {
      if (e.e !== 'typing' || e.t > end) continue;
      const key = `${e.room} ${e.user}`;
      if (shown.has(key) && !e.on) judge(story, c, key, spoken.get(key) ?? [], shown.get(key), e.t);
      e.on ? shown.set(key, e.t) : shown.delete(key);
    }
    for (const [key, since] of shown) judge(story, c, key, spoken.get(key) ?? [], since, end);
  }
  marks(story, groups(typed, (e) => e.user));
}

// `since`: when the client was shown the mark; `told`: when it was shown the end, or could be shown nothing more.
function judge({ faults, options, fail, at, ...story }, c, key, spoken, since, told) {
  const latest = Math.max(since, ...spoken.filter(({ t }) => t < told).map(({ t }) => t));
  const usual = latest + 10_000 + 5_000;
  const limit = usual + delayOf(faults.filter((f) => hindering(f) && meets(f, latest, usual)), options.lease);
  if (told <= limit || c.hurt || isDeaf(faults, c, since, limit)) return;
  const [room, user] = [key.slice(0, key.lastIndexOf(' ')), key.slice(key.lastIndexOf(' ') + 1)];
  if (mayNotHear(story, c, room, since, limit)) return;
  fail(
    `${c.key} was shown that ${user} types in ${room} ${at(since)}, ` +
      `and not within ${((limit - latest) / 1000).toFixed(0)} s that it is over`,
  );
}

// An instance can't show a mark that it did not hear of, nor one in a room that the viewer may no longer hear.
const isDeaf = (faults, c, since, limit) =>
  faults.some(
    (f) =>
      (deafening.has(f.kind) || delaying.has(f.kind)) &&
      (strikes(f, c.instance) || f.kind === 'roll') &&
      meets(f, since, limit),
  );
function mayNotHear({ leavings, changes }, c, room, since, limit) {
  const mine = `${room} ${c.user}`;
  if (leavings.get(mine) < limit || changes.get(mine)?.some(({ t }) => t > since - 1_000 && t < limit)) return true;
  return c.granted || c.heard.some((e) => e.e === 'refreshed');
}

// The marks in Redis.
function marks({ events, faults, options, fail, at }, bySpeaker) {
  const told = new Set();
  for (const e of events) {
    if (e.e !== 'marks') continue;
    for (const user of e.users) {
      const latest = Math.max(0, ...(bySpeaker.get(user) ?? []).filter(({ t }) => t <= e.t).map(({ t }) => t));
      const hindered = faults.filter((f) => silencing.has(f.kind) && meets(f, latest, e.t));
      const limit = 15_000 + delayOf(hindered, options.lease);
      if (latest === 0 || e.t - latest <= limit || told.has(user)) continue;
      told.add(user);
      const late = ((e.t - latest) / 1000).toFixed(1);
      fail(`${user} still types in Redis ${at(e.t)}, ${late} s after the last word of it`);
    }
  }
}

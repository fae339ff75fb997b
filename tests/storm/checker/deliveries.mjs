// SPDX-License-Identifier: Apache-2.0
// Every acknowledged message reached every other member, or waits for the member, or was counted as dropped, or was
// reported as lost.
import { arrivals } from './arrivals.mjs';
import { place, put } from './items.mjs';
import { Membership } from './membership.mjs';

export function deliveries(story) {
  const { events, fail, figures } = story;
  const stepped = story.faults.some((f) => f.kind === 'clock'); // then Redis's times can't be compared with others
  const come = arrivals({ ...story, stepped });
  const membership = new Membership(story);
  const candidates = membership.candidates();
  const lastEpoch = lastEpochs(story);
  const missing = new Map(); // user → [{ at, text }]
  const seen = new Set();
  for (const e of events) {
    if (e.e !== 'acked') continue;
    figures.acked += 1;
    if (e.duplicate) figures.duplicate_acks += 1;
    if (seen.has(`${e.room} ${e.id}`)) continue;
    seen.add(`${e.room} ${e.id}`);
    if (place(e.id).epoch !== lastEpoch.get(e.room)) {
      if (story.losses.length === 0)
        fail(`${e.n} was acknowledged as ${e.id}, but ${e.room} has another epoch although Redis never lost its data`);
      continue;
    }
    const stored = storedAt(e, story, stepped);
    for (const user of candidates.get(e.room)) {
      if (user === e.user || come.has(e.room, e.id, user)) continue;
      if (!isOwed(e, user, stored, story, membership)) continue;
      if (come.excuses(e.room, user, place(e.id).seq, stored.when)) continue;
      const text = `${e.n}, acknowledged as ${e.id} in ${e.room} ${story.at(e.t)}, never reached ${user}`;
      put(missing, user, { at: e.at, text });
    }
  }
  for (const [user, lost] of missing) judge(lost, come.dropsOf(user), fail);
}

// room → the epoch that it has at the end
const lastEpochs = ({ rooms, settled, empty }) =>
  new Map(
    Object.keys(rooms).map((room) => {
      const key = `ws:room_head:${room}`;
      return [room, (empty.hashes[key] ?? settled.hashes[key])?.epoch];
    }),
  );

// The times between which the message was stored, and the time of the first try. By a clock that has stepped, the
// message was stored at any time between the first try and the answer.
function storedAt(e, { said }, stepped) {
  const first = said.get(e.n) ?? e.at;
  const known = !stepped && e.at >= first - 500 && e.at <= e.t + 500;
  return known ? { first, when: e.at, until: e.at } : { first, when: first, until: e.t };
}

// Whether the user was in the room for all of that time.
function isOwed(e, user, { first, when, until }, { leavings, losses }, membership) {
  // A message on its way to a user who leaves the room may be lost.
  if (leavings.get(`${e.room} ${user}`) < until + 10_000) return false;
  if (!membership.belongs(user, e.room, first)) return false;
  const lost = losses.filter((l) => l.to > when && l.to < until).map((l) => l.to + 1);
  return [when, ...lost, until].every((t) => membership.isMember(user, e.room, t));
}

function judge(lost, { count, before }, fail) {
  const excusable = lost.filter((each) => each.at < before).length <= count;
  for (const each of lost) if (!excusable || each.at >= before) fail(each.text);
}

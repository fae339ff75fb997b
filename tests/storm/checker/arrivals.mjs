// SPDX-License-Identifier: Apache-2.0
// The messages that have come to each user, on any way: live, by replay, as mail, or in a mailbox that still holds
// them. Also the messages that a user was told are lost: dropped from a full mailbox, or in a gap.
import { family, place, put, userOf } from './items.mjs';

class Arrivals {
  #reached = new Map(); // `room id` → Set of users
  #dropped = new Map(); // user → { count, before }
  #excused = new Map(); // `room user` → [[from, to, until when it was sent]]

  reach(room, id, user) {
    const key = `${room} ${id}`;
    (this.#reached.get(key) ?? this.#reached.set(key, new Set()).get(key)).add(user);
  }
  has(room, id, user) {
    return this.#reached.get(`${room} ${id}`)?.has(user) ?? false;
  }

  // The cap drops the oldest messages: a number of dropped messages excuses messages that are older than the mail it
  // came with, and no more of them than it counts.
  drop(user, count, before) {
    const told = this.dropsOf(user);
    this.#dropped.set(user, { count: told.count + count, before: Math.max(told.before, before ?? Infinity) });
  }
  dropsOf(user) {
    return this.#dropped.get(user) ?? { count: 0, before: 0 };
  }

  excuse(room, user, from, to, end = Infinity) {
    put(this.#excused, `${room} ${user}`, [from, to, end]);
  }
  // Whether the user was told that the message, sent at `when`, is lost.
  excuses(room, user, seq, when) {
    const told = this.#excused.get(`${room} ${user}`);
    return told?.some(([from, to, end]) => from <= seq && seq <= to && when <= end) ?? false;
  }
}

export function arrivals({ events, connections, settled, empty, stepped, figures }) {
  const out = new Arrivals();
  for (const e of events) {
    if (e.e === 'message') {
      figures.deliveries += 1;
      out.reach(e.room, e.id, userOf(e.d));
    }
    if (e.e === 'mail') {
      for (const m of e.messages) out.reach(m.room, m.id, userOf(e.d));
      if (e.dropped > 0) out.drop(userOf(e.d), e.dropped, stepped ? Infinity : e.newest);
      figures.dropped += e.dropped;
    }
    if (e.e === 'gap' && e.to) out.excuse(e.room, userOf(e.d), e.from, e.to);
  }
  for (const c of connections) notRecovered(c, out);
  for (const snapshot of [settled, empty]) {
    for (const [user, list] of family(snapshot, 'lists', 'ws:offline_messages:'))
      for (const { roomId, messageId } of list.map((text) => JSON.parse(text))) out.reach(roomId, messageId, user);
    for (const [user, count] of family(snapshot, 'strings', 'ws:offline_dropped:'))
      out.drop(user, Number(count), Infinity);
  }
  return out;
}

// A client that was told `recovered: false` has no claim to messages from before the resume, up to the message that
// came next.
function notRecovered(c, out) {
  for (const [room, { recovered }] of Object.entries(c.resumed ?? {})) {
    if (recovered !== false || !c.resume[room]) continue;
    const had = place(c.resume[room]);
    const next = c.heard.find((e) => e.e === 'message' && e.room === room && place(e.id).epoch === had.epoch);
    out.excuse(room, c.user, had.seq + 1, next ? place(next.id).seq - 1 : Infinity, c.registered);
  }
}

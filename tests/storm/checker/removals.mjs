// SPDX-License-Identifier: Apache-2.0
// A user whom the API has put out of a room gets no message of it that was sent later than a second after the answer,
// until the user is put in again, or joins. Only a loss of Redis's data may bring back a membership whose end an
// instance did not know of yet.
import { family, groups, put } from './items.mjs';

export function removals(story) {
  const { connections, said, settled, empty, at } = story;
  const spans = spansOf(story), returns = returnsOf(story);
  // The time for which the user must not get messages, after removal `n`.
  const closed = (user, room, n) =>
    spans.get(`${room} ${user}`)?.find(([from, to]) => said.get(n) > from && said.get(n) < to);
  const resumed = (user, room, from) =>
    (returns.get(`${room} ${user}`) ?? []).some((t) => t >= from);
  const told = new Set();
  const once = (key, text) => {
    if (!told.has(key)) story.fail(text);
    told.add(key);
  };
  for (const c of connections) {
    for (const room of c.rooms ?? []) {
      const span = spans.get(`${room} ${c.user}`)?.find(([from, to]) => c.from > from && c.registered < to);
      if (!span) continue;
      const text = `${c.key} was told ${at(c.registered)} that it is in ${room}, `;
      once(`${c.key} ${room}`, `${text}of which the API had put ${c.user} out ${at(span[0] - 1_000)}`);
    }
    for (const e of c.heard) {
      for (const { room, id, n } of messagesOf(e)) {
        const span = closed(c.user, room, n);
        // A user who is put in again may look at the messages of the meantime. They are no mail, unless a connection that
        // resumed the room was given them and did not show it.
        if (!span || (e.t >= span[1] && (e.e !== 'mail' || resumed(c.user, room, span[1])))) continue;
        const text = `${c.key} ${ways[e.e]} ${id} of ${room} ${at(e.t)}, sent ${at(said.get(n))}; `;
        once(`${c.key} ${room} ${e.e}`, `${text}the API had put ${c.user} out ${at(span[0] - 1_000)}`);
      }
    }
  }
  for (const [user, list] of [settled, empty].flatMap((each) => family(each, 'lists', 'ws:offline_messages:'))) {
    for (const { roomId, messageId, content } of list.map((text) => JSON.parse(text))) {
      const span = closed(user, roomId, content?.n);
      if (span && !resumed(user, roomId, span[1]))
        once(`${user} ${messageId}`, `${messageId} of ${roomId} waits for ${user}, whom the API had put out before`);
    }
  }
}

const ways = { message: 'heard', mail: 'got as mail', history: 'found in the history' };

function messagesOf(e) {
  if (e.e === 'message') return [e];
  if (e.e === 'mail') return e.messages;
  return e.e === 'history' ? e.messages.map((m) => ({ ...m, room: e.room })) : [];
}

// `room user` → when a connection of the user resumed the room and was given what it had missed.
function returnsOf({ events }) {
  const out = new Map();
  for (const e of events) {
    if (e.e !== 'registered') continue;
    for (const [room, { recovered }] of Object.entries(e.resumed ?? {})) {
      if (recovered) put(out, `${room} ${e.user}`, e.t);
    }
  }
  return out;
}

// `room user` → [[from, to]], the times for which the user must not get messages.
function spansOf({ events, changes, losses }) {
  const out = new Map();
  const joins = groups(events.filter((e) => e.e === 'joined'), (e) => `${e.room} ${e.user}`);
  for (const [key, mine] of changes) {
    for (const [i, { t, what }] of mine.entries()) {
      if (what !== 'removed') continue;
      const begun = mine[i - 1]?.t ?? t;
      if (losses.some((l) => l.to > begun - 2_000)) continue;
      const joined = (joins.get(key) ?? []).filter((e) => e.t > begun - 100).map((e) => Math.min(e.asked ?? e.t, e.t));
      put(out, key, [t + 1_000, Math.min(mine[i + 1]?.t ?? Infinity, ...joined)]);
    }
  }
  return out;
}

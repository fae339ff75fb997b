// SPDX-License-Identifier: Apache-2.0
// messageId ↔ content, one to one; except that a loss of Redis's data makes a retried message a new one, in another
// epoch. A master may acknowledge a message that the replica in its place never gets. Only the sender knows such a
// message, and its number may be given again.
import { place } from './items.mjs';

class Names {
  byId = new Map(); // `room id` → content
  #epochsOf = new Map(); // content → Map(epoch → id)

  constructor({ fail, at }) {
    Object.assign(this, { fail, at });
  }

  // `t`: when a client got the message; without `t`, the message stands in the log.
  meet(room, id, n, t) {
    if (n === undefined || n === null) return;
    const key = `${room} ${id}`;
    const known = this.byId.get(key);
    if (known === undefined) {
      this.byId.set(key, n);
      this.#stored(room, id, n);
    } else if (known !== n) {
      const where = t === undefined ? 'in the log' : this.at(t);
      this.fail(`${id} in ${room} is ${known} for some and ${n} for others, ${where}`);
    }
  }

  #stored(room, id, n) {
    const { epoch } = place(id);
    const before = this.#epochsOf.get(n) ?? new Map();
    if (before.has(epoch)) this.fail(`${n} was stored twice in ${room}: as ${before.get(epoch)} and as ${id}`);
    before.set(epoch, id);
    this.#epochsOf.set(n, before);
  }
}

// The times between which a replica was behind that became the master.
const lagsOf = (events) =>
  events
    .filter((e) => e.e === 'lag')
    .map(({ t, number }) => ({
      from: t,
      to: events.find((e) => e.e === 'healed' && e.number === number)?.t ?? Infinity,
    }));

// `room id` → content
export function identities({ events, settled, empty, fail, at }) {
  const names = new Names({ fail, at });
  const lags = lagsOf(events);
  const forgotten = [];
  for (const e of events) {
    if (e.e === 'acked' && lags.some(({ from, to }) => e.t >= from && e.t <= to)) forgotten.push(e);
    else if (e.e === 'message' || e.e === 'acked') names.meet(e.room, e.id, e.n, e.t);
    if (e.e === 'mail') for (const m of e.messages) names.meet(m.room, m.id, m.n, e.t);
  }
  for (const snapshot of [settled, empty]) {
    for (const { m } of Object.values(snapshot.logs).flat()) {
      const frame = JSON.parse(m);
      names.meet(frame.roomId, frame.messageId, frame.content?.n);
    }
  }
  const heard = new Set(names.byId.values());
  for (const e of forgotten)
    if (heard.has(e.n) || !names.byId.has(`${e.room} ${e.id}`)) names.meet(e.room, e.id, e.n, e.t);
  return names.byId;
}

// SPDX-License-Identifier: Apache-2.0
// The users to whom a room's messages are owed: its members after the changes of the HTTP API, and after losses of
// Redis's data.
import { deadly, delaying, silencing, strikes } from './faults.mjs';
import { groups } from './items.mjs';

// The time in which an instance must put back its connected users, from when it can reach Redis again (ms).
const reassertion = 10_000;

export class Membership {
  #back; // `room user` → [{ t, asked }], when the user was told to be in the room
  #held; // user → [connection]
  #joins; // connection → [joined]

  constructor({ rooms, connections, events, faults, losses, changes }) {
    Object.assign(this, { rooms, faults, losses, changes });
    const registered = connections.filter((c) => c.registered);
    const joined = events.filter((e) => e.e === 'joined');
    const told = registered.flatMap((c) =>
      [...c.rooms].map((room) => ({ user: c.user, room, t: c.registered, asked: c.from })),
    );
    this.#back = groups(told.concat(joined), (e) => `${e.room} ${e.user}`);
    this.#held = groups(registered, (c) => c.user);
    this.#joins = groups(joined, (e) => `${e.d} ${e.c}`);
  }

  // room → Set of all users that are in it at any time.
  candidates() {
    const out = new Map(Object.entries(this.rooms).map(([room, users]) => [room, new Set(users)]));
    for (const key of this.changes.keys()) {
      const room = Object.keys(this.rooms).find((each) => key.startsWith(`${each} `));
      out.get(room)?.add(key.slice(room.length + 1));
    }
    return out;
  }

  // Whether the API leaves no doubt that the user was in the room from `t` on. A user who is out of the room has no
  // claim to earlier messages.
  belongs(user, room, t) {
    const mine = this.changes.get(`${room} ${user}`) ?? [];
    if (mine.some((each) => each.what === 'removing' && each.t >= t)) return false;
    const latest = mine.findLast((each) => each.t <= t);
    return latest ? latest.what === 'added' : this.rooms[room].includes(user);
  }

  // After a loss of Redis's data a user belongs to a room once it says so: with the answer to a register or join that
  // was asked for after the loss. So does a user who had a live connection when the loss struck. Whether the connection
  // lives on or ends, its instance puts the user back within a while from when it can reach Redis, unless the instance
  // itself ends before.
  isMember(user, room, t) {
    const loss = this.losses.findLast((l) => l.from <= t);
    if (!loss) return true;
    if (t < loss.to) return false;
    const change = this.changes.get(`${room} ${user}`)?.findLast((each) => each.t <= t);
    if (change?.what === 'added' && change.t > loss.to) return true;
    if (this.#back.get(`${room} ${user}`)?.some((e) => e.asked > loss.from && e.t > loss.to && e.t < t)) return true;
    return this.#held.get(user)?.some((c) => this.#isPutBack(c, room, loss, t)) ?? false;
  }

  // Whether the instance of a connection that lived when the loss struck has put its user back into the room by `t`.
  #isPutBack(c, room, loss, t) {
    if (c.registered >= loss.from || c.to < loss.to) return false;
    // Behind a door that was shut for a while the client may have learnt of its end much later than the server.
    const late = (f) => delaying.has(f.kind) && f.instance === c.instance && f.from <= c.to && f.to >= loss.from;
    if (c.to < t && (c.hurt || this.faults.some(late))) return false;
    const joined = this.#joins.get(c.key)?.some((e) => e.room === room && e.t < loss.from);
    if (!c.rooms.has(room) && !joined) return false;
    const from = this.#reaches(loss, c.instance);
    const ends = (f) => deadly.has(f.kind) && f.instance === c.instance && f.from < from && f.to > loss.from;
    return t > from && mayHear(c, room, loss.from, from) && !this.faults.some(ends);
  }

  // When the instance has put back everybody, at the latest.
  #reaches(loss, instance) {
    let free = loss.to;
    const hinders = (f) => f !== loss && silencing.has(f.kind) && strikes(f, instance);
    for (const f of this.faults.filter(hinders).sort((a, b) => a.from - b.from))
      if (f.from <= free + reassertion && f.to > free) free = f.to;
    return free + reassertion;
  }
}

// The instance does not know of a room that no token of the connection is for.
function mayHear(c, room, from, to) {
  const tokens = [{ t: -Infinity, granted: c.granted }];
  for (const e of c.heard) {
    if (e.e === 'refreshing') tokens.push({ t: e.t, granted: e.rooms });
    if (e.e === 'refreshed') tokens.push({ t: e.t, granted: e.granted });
  }
  const first = tokens.findLastIndex((token) => token.t < from);
  return tokens.every(({ t, granted }, i) => i < first || t > to || !granted || granted.includes(room));
}

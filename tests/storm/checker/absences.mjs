// SPDX-License-Identifier: Apache-2.0
// Nobody stays online without a connection. Only a user who was away is said to be gone, or to have come.
import { delaying, hindering, silencing, strikes } from './faults.mjs';
import { groups } from './items.mjs';

// The time after a fault within which its effects must be made good (ms).
const quiet = 15_000;
// An absence counts if it lasted in the 10 s before.
const span = 10_000;

export function absences(story) {
  const absence = new Absences(story);
  for (const e of story.events) {
    if (e.e === 'online') absence.online(e);
    if (e.e === 'friend') absence.friend(e);
    if (e.e === 'offline' || (e.e === 'friend' && !e.online)) absence.gone(e);
  }
}

// A server that ends a connection has done so before its client hears of it: with its close frame, which is answered
// before the end.
const ended = (c) => c.to - 3 * c.distance;
// The time until which the server takes the client of a connection for present.
const lasts = (c) => Math.max(c.to, c.ghostTo ?? 0);

class Absences {
  #byUser;
  #reported = new Set();
  #lates;

  constructor(story) {
    this.story = story;
    this.#byUser = groups(story.connections, (c) => c.user);
    this.#lates = story.events.filter((e) => e.e === 'late');
  }
  #of(user) {
    return this.#byUser.get(user) ?? [];
  }
  #report(user, text) {
    this.#reported.add(user);
    this.story.fail(text);
  }

  // The users who are online, as Redis says.
  online({ t, users }) {
    const present = new Set(users);
    for (const [user, mine] of this.#byUser) {
      if (present.has(user) || this.#reported.has(user) || !mine.some((c) => this.#isUndisturbed(c, t))) continue;
      this.#report(user, `${user} is not online ${this.story.at(t)}, though connected`);
    }
    for (const user of users) this.#ghost(user, t);
  }

  #isUndisturbed(c, t) {
    const disturbs = (f) => hindering(f) && strikes(f, c.instance) && f.from <= t && f.to >= t - quiet;
    return (
      c.registered < t - 3_000 && Math.min(c.to, c.deaf) > t + 1_000 && !c.hurt && !this.story.faults.some(disturbs)
    );
  }

  // A user may be online without a connection for a lease and some more at the most, and for as long as faults are in
  // the way of sweeping.
  #ghost(user, t) {
    const { faults, figures, options, at } = this.story;
    const mine = this.#of(user).filter((c) => c.from <= t);
    if (mine.some((c) => lasts(c) >= t)) return;
    const since = Math.max(...mine.map(lasts));
    const age = t - since;
    const hindered = faults
      .filter((f) => silencing.has(f.kind))
      .reduce((sum, f) => sum + Math.max(0, Math.min(f.to, t) - Math.max(f.from, since)), 0);
    if (hindered === 0) figures.longest_ghost_ms = Math.max(figures.longest_ghost_ms, Math.round(age));
    figures.longest_ghost_under_faults_ms = Math.max(figures.longest_ghost_under_faults_ms ?? 0, Math.round(age));
    if (age <= (options.lease + 5) * 1000 + hindered || this.#reported.has(user)) return;
    this.#report(user, `${user} is online ${at(t)}, ${(age / 1000).toFixed(1)} s after the last connection ended`);
  }

  friend(e) {
    const { friends, figures, options, fail, at } = this.story;
    figures.friends_told = (figures.friends_told ?? 0) + 1;
    if (!friends[e.told]?.includes(e.user))
      fail(`${e.d} was told that ${e.user} is ${e.online ? 'online' : 'offline'} ${at(e.t)}, who is no friend`);
    if (!e.online || this.#isExcused(e)) return;
    const mine = this.#of(e.user).filter((c) => c.from < e.t);
    const came = mine.filter((c) => (c.registered ?? e.t) > e.t - 5_000);
    // Whether the connection `other` was still there when `c` came.
    const follows = (c, other) =>
      other !== c &&
      other.registered &&
      other.registered < (c.registered ?? e.t) &&
      ended(other) > c.from + c.distance - options.grace * 800;
    if (!came.some((c) => !mine.some((other) => follows(c, other))))
      fail(`${e.d} was told that ${e.user} has come ${at(e.t)}, who had not been away`);
  }

  // A client was told that the user is offline.
  gone(e) {
    const { options, fail, at } = this.story;
    if (this.#isExcused(e)) return;
    const mine = this.#of(e.user)
      .filter((c) => c.registered && c.to > e.t - span && c.registered < e.t)
      .sort((a, b) => a.registered - b.registered);
    let present = e.t - span;
    let longest = 0;
    for (const c of mine) {
      longest = Math.max(longest, c.registered - present);
      present = Math.max(present, ended(c));
    }
    longest = Math.max(longest, e.t - present);
    if (longest < options.grace * 800) fail(`${e.d} was told that ${e.user} is offline ${at(e.t)}, who was not away`);
  }

  // An event shortly before may explain the announcement: a fault, or this process or the user's client was late to see
  // it.
  #isExcused({ user, t }) {
    const blind = this.#lates.some((late) => late.t > t - 3_000 && late.t - late.ms < t + 1_000);
    return blind || this.story.struck(silencing, t - span, t) || this.#isUnaware(user, t);
  }

  // Behind a door that is shut, or while it does not read, a client learns late that the server has ended its
  // connection.
  #isUnaware(user, t) {
    const delays = (c, f) =>
      delaying.has(f.kind) && f.instance === c.instance && f.from <= t && f.to >= t - 10_000;
    return this.#of(user).some(
      (c) =>
        c.from <= t &&
        c.to > t - 10_000 &&
        ((c.hurt && c.code === 1001 && c.to > t) || this.story.faults.some((f) => delays(c, f))),
    );
  }
}

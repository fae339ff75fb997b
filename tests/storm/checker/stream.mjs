// SPDX-License-Identifier: Apache-2.0
// The messages that one connection heard: ascending and without a hole per room; none twice; none that the client said
// it had.
import { place, put } from './items.mjs';
import { mayBeForgotten, shownBy } from './shown.mjs';

export function streams(story) {
  const byId = new Map(story.connections.filter((c) => c.id !== undefined).map((c) => [c.id, c]));
  for (const c of story.connections) new Stream(story, c, byId.get(c.previous)).judge();
}

class Stream {
  #last = new Map(); // room → place
  #lastAt = new Map(); // room → when that was
  #got = new Set(); // `room id`
  #excused = new Map(); // room → [[from, to]], the messages that were reported as lost
  #granted; // the rooms that the token is for; undefined for all
  #exact; // a client that names the messages that it has gets none twice
  #shown; // `room id` that the connection before has shown to have

  constructor(story, c, earlier) {
    Object.assign(this, { story, c, earlier });
    this.#granted = c.granted && new Set(c.granted);
    this.#exact = c.kind === 'resume' || c.kind === 'bare';
    // The server knows the messages of a connection when the connection has ended; a server behind a network hole still
    // takes it for alive.
    const known = earlier && c.kind === 'resume' && !(earlier.ghostTo > c.from);
    this.#shown = known ? shownBy(earlier, story.struck) : new Set();
  }

  judge() {
    const { c } = this;
    for (const [room, id] of Object.entries(c.resume)) {
      if (c.resumed?.[room]) this.#last.set(room, place(id));
      if (c.resumed?.[room]?.recovered === false) put(this.#excused, room, [0, Infinity]);
    }
    for (const e of c.heard) {
      if (e.e === 'gap') this.#gap(e);
      else if (e.e === 'mail') for (const { room, id } of e.messages) this.#mail(room, id, e.t);
      else if (e.e === 'refreshing') this.#refreshing(e);
      else if (e.e === 'refreshed') this.#refreshed(e);
      else if (e.e === 'message') this.#message(e);
    }
  }

  #gap({ room, from, to }) {
    this.story.figures.gaps += 1;
    put(this.#excused, room, [from ?? 0, to ?? Infinity]);
  }

  // From here on both tokens may count. Messages of a time when none was for the room may come as mail.
  #refreshing({ rooms }) {
    const wanted = rooms && new Set(rooms);
    this.#forgetOthers();
    this.#granted = this.#granted && wanted && new Set([...this.#granted, ...wanted]);
  }
  #refreshed({ granted }) {
    this.#granted = granted && new Set(granted);
    this.#forgetOthers();
  }
  #forgetOthers() {
    for (const room of [...this.#last.keys()]) if (this.#granted && !this.#granted.has(room)) this.#last.delete(room);
  }
  #foreign(room, id, t) {
    if (!this.#granted || this.#granted.has(room)) return;
    this.story.fail(`${this.c.key} got ${id} of ${room}, which its token is not for, ${this.story.at(t)}`);
  }

  #mail(room, id, t) {
    const { c, story } = this;
    story.figures.by_mail += 1;
    if (this.#got.has(`${room} ${id}`)) {
      story.figures.repeats += 1;
      const twice = `got ${id} of ${room} twice on one connection, the second time as mail`;
      if (this.#exact) story.fail(`${c.key} (${c.kind}) ${twice} ${story.at(t)}`);
    }
    this.#foreign(room, id, t);
    if (this.#said(room, id)) {
      if (mayBeForgotten(this.earlier, t, story)) story.figures.repeated_after_crashes += 1;
      else
        story.fail(
          `${c.key} said it has ${c.resume[room]} of ${room} from ${c.previous}, which had shown it ${id}, ` +
            `and got that as mail ${story.at(t)}`,
        );
    }
    this.#got.add(`${room} ${id}`);
  }

  // Whether the client had the message and said so. A client that is told `recovered: false` knows that its list does
  // not count.
  #said(room, id) {
    const { c } = this;
    const had = c.resume[room] && c.resumed?.[room]?.recovered !== false && place(c.resume[room]);
    return had && had.epoch === place(id).epoch && place(id).seq <= had.seq && this.#shown.has(`${room} ${id}`);
  }

  #message(e) {
    const { c, story } = this;
    const { room, id, t } = e;
    this.#foreign(room, id, t);
    if (story.leavings.get(`${room} ${c.user}`) < t) return;
    const { epoch, seq } = place(id);
    if (this.#got.has(`${room} ${id}`)) {
      story.figures.repeats += 1;
      if (this.#exact) story.fail(`${c.key} (${c.kind}) got ${id} of ${room} twice on one connection, ${story.at(t)}`);
    }
    this.#got.add(`${room} ${id}`);
    const before = this.#last.get(room);
    if (before?.epoch === epoch) this.#follows(e, before, seq);
    else if (before && c.kind !== 'plain' && !this.#excused.has(room))
      story.fail(`${this.#heard(e, before)}: a new epoch that nobody announced, ${story.at(t)}`);
    this.#last.set(room, { epoch, seq });
    this.#lastAt.set(room, t);
  }

  #heard({ room, id }, before) {
    return `${this.c.key} (${this.c.kind}) heard ${id} of ${room} after ${before.epoch}:${before.seq}`;
  }

  // In one epoch: behind the message before, with no number left out.
  #follows(e, before, seq) {
    const { c, story } = this;
    const { room, t } = e;
    if (seq <= before.seq) story.fail(`${this.#heard(e, before)}, ${story.at(t)}`);
    // A user who was put out and in again in between has no claim to the messages of the meantime.
    const since = this.#lastAt.get(room) ?? -Infinity;
    if (story.changes.get(`${room} ${c.user}`)?.some((change) => change.t <= t && change.t > since)) return;
    for (let missed = before.seq + 1; missed < seq; missed += 1) {
      if (this.#mayMiss(room, before.epoch, missed)) continue;
      story.fail(
        `${this.#heard(e, before)}, and nobody said that ${before.epoch}:${missed} is lost, ${story.at(t)}`,
      );
      break;
    }
  }

  // The client's own messages, those that have come before, those that the client says that it has (earlier ones that
  // it lacks are mail), and those that were reported as lost.
  #mayMiss(room, epoch, seq) {
    const { c, story } = this;
    const id = `${room} ${epoch}:${seq}`;
    const named = place(c.resume[room] ?? ':0');
    return (
      story.messages.get(id)?.startsWith(`${c.device}#`) ||
      this.#got.has(id) ||
      (named.epoch === epoch && seq <= named.seq) ||
      this.#excused.get(room)?.some(([from, to]) => from <= seq && seq <= to)
    );
  }
}

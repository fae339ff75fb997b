// SPDX-License-Identifier: Apache-2.0
// The frames that a device says, and the answers that it waits for: its messages until they are confirmed, the rooms
// that it wants to leave. Does not know how its connections come and go.
import WebSocket from 'ws';

export class Speaker {
  visit; // the latest connection
  #count = 0;
  #pending = new Map(); // clientMsgId → { room, padding }
  #quitting = new Set(); // rooms that the user wants to have left for good

  // `manners`: { browser, token }. `claims` are the rooms of the device's token, undefined for all.
  constructor(storm, person, number, kind, random, manners = {}) {
    Object.assign(this, {
      storm,
      person,
      kind,
      random,
      ...manners,
      user: person.user,
      name: `${person.user}/${number}`,
    });
  }
  get rooms() {
    return this.person.rooms;
  }
  get ready() {
    return this.visit?.ready === true;
  }
  get instance() {
    return this.visit?.instance;
  }
  get waiting() {
    return this.#pending.size;
  }

  record(visit, event) {
    this.storm.record({ d: this.name, c: visit.link, ...event });
  }
  say(visit, frame) {
    if (visit.socket.readyState === WebSocket.OPEN) visit.socket.send(JSON.stringify(frame));
  }

  // Whether the token of this connection is for the room, also once a refresh that is under way has been answered.
  may(room, visit = this.visit) {
    return (visit?.granted?.has(room) ?? true) && (!visit?.refreshing || (visit.wanted?.has(room) ?? true));
  }

  speak(room, padding) {
    if (!this.ready || !this.may(room)) return false;
    const n = `${this.name}#${(this.#count += 1)}`;
    if (this.kind === 'plain') {
      this.record(this.visit, { e: 'sent', n, room });
      this.say(this.visit, { type: 'message', roomId: room, content: { n, padding } });
    } else {
      this.#pending.set(n, { room, padding });
      this.#send(this.visit, n);
    }
    return true;
  }
  #send(visit, id) {
    const waiting = this.#pending.get(id);
    if (!waiting || !visit.ready || !this.may(waiting.room, visit)) return;
    this.record(visit, { e: 'sent', n: id, room: waiting.room });
    const content = { n: id, padding: waiting.padding };
    this.say(visit, { type: 'message', roomId: waiting.room, content, clientMsgId: id, id });
  }
  // Says unconfirmed messages again.
  retry(visit) {
    for (const id of [...this.#pending.keys()]) {
      // The user cannot speak any more in a room that the API has put the user out of.
      if (this.rooms.includes(this.#pending.get(id).room)) this.#send(visit, id);
      else this.#pending.delete(id);
    }
  }
  // Whether the message waited for its confirmation.
  isConfirmed(id) {
    return this.#pending.delete(id);
  }

  type(room, on) {
    if (!this.ready || !this.may(room)) return;
    this.record(this.visit, { e: 'types', user: this.user, room, on });
    this.say(this.visit, { type: 'typing', roomId: room, isTyping: on });
  }

  // A token for these rooms takes the place of the one before; without rooms, one for all.
  refresh(rooms) {
    this.claims = rooms;
    const { visit } = this;
    if (!this.ready || visit.refreshing) return;
    Object.assign(visit, { refreshing: true, wanted: rooms && new Set(rooms) });
    this.record(visit, { e: 'refreshing', rooms });
    this.say(visit, { type: 'refresh', token: this.storm.world.issuer.token(this.user, rooms), id: 'refresh' });
  }

  join(visit, room) {
    if (!this.may(room, visit)) return;
    this.person.asked[room] = Date.now();
    visit.asked[room] ??= Date.now();
    this.say(visit, { type: 'joinRoom', roomId: room });
  }

  // For good, with all devices.
  quit(room) {
    if (!this.ready || this.rooms.length < 2 || !this.may(room)) return;
    if (this.storm.members.isChanging(room, this.user)) return;
    this.rooms.splice(this.rooms.indexOf(room), 1);
    this.person.quitted.add(room);
    this.record(this.visit, { e: 'leaving', user: this.user, room });
    this.leaveRoom(this.visit, room);
  }
  leaveRoom(visit, room) {
    this.#quitting.add(room);
    if (this.may(room, visit)) this.say(visit, { type: 'leaveRoom', roomId: room, id: `leave ${room}` });
  }
  hasLeft(visit, room) {
    if (this.#quitting.delete(room)) this.record(visit, { e: 'left', user: this.user, room });
  }
  // The rooms that the user wanted to leave and is not in any more.
  hasLeftAllBut(visit, rooms) {
    for (const room of this.#quitting) if (!rooms.includes(room)) this.hasLeft(visit, room);
  }

  // Looks into the history of rooms that the user was put out of.
  pry() {
    if (!this.ready) return;
    for (const room of this.person.removed)
      this.say(this.visit, { type: 'history', roomId: room, limit: 50, id: `history ${room}` });
  }

  // An error that answers one of the requests above.
  refused(visit, frame) {
    const waiting = this.#pending.get(frame.id);
    const soon = (act) => setTimeout(() => visit === this.visit && act(), 300);
    if (frame.id?.startsWith('leave ')) {
      soon(() => this.leaveRoom(visit, frame.id.slice(6)));
    } else if (frame.id?.startsWith('history ')) {
      return;
    } else if (frame.id === 'refresh') {
      // Until it is answered, the old token and the new one count both.
      if (!frame.retryable) visit.refreshing = false;
      else soon(() => ((visit.refreshing = false), this.refresh(this.claims)));
    } else if (waiting && !this.rooms.includes(waiting.room)) {
      this.#pending.delete(frame.id);
    } else if (waiting) {
      if (frame.code === 'not_member') this.join(visit, waiting.room);
      soon(() => this.#send(visit, frame.id));
    } else if (!visit.connection) {
      visit.socket.terminate(); // the register was refused
    }
  }
}

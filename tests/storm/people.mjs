// SPDX-License-Identifier: Apache-2.0
// The clients of a storm. A device connects, registers, talks, is cut off, and comes back, until it is told to stop. It
// records what it sent and heard; what that means is the checker's business.
//   plain    knows the document only
//   ack      confirms its mail and wants its messages confirmed
//   bare     the same, and says what its last messages are when it comes back
//   resume   the same, and says of which connection they were
// Some devices are browsers: from their own close on they hear nothing, and they connect anew while the old
// connection's Close is still under way. Some show a token, mostly for a part of the rooms.
import WebSocket from 'ws';
import { pause } from '../system/support/processes.mjs';

const patience = 5_000;

// A user, with what all devices of the user know.
export class Person {
  devices = [];
  removed = new Set(); // rooms that the HTTP API has put the user out of
  quitted = new Set(); // rooms that the user has left for good
  asked = {}; // room → when a device last asked to join it
  busy = false; // a fault tells a story about this user

  constructor(user, rooms) {
    Object.assign(this, { user, rooms });
  }
}

export class Device {
  visit; // the latest connection
  stopped = false;
  parked = false; // stays away until told
  doomed; // ms: the next connection dies in silence as soon as it has registered
  withholds = false; // does not confirm mail
  #links = 0;
  #count = 0;
  #previous; // the id of the latest connection that was told it
  #endings = new Set(); // of connections that are closing
  #pending = new Map(); // clientMsgId → { room, padding }
  #quitting = new Set(); // rooms that the user wants to have left for good
  #last = {}; // room → messageId of its latest message frame. Not of an ack: that may overtake the messages before it.
  #wake = () => {};

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
    person.devices.push(this);
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
  #record(visit, event) {
    this.storm.record({ d: this.name, c: visit.link, ...event });
  }

  async run() {
    while (!this.stopped) {
      const { reason, reload } = await this.#visit();
      if (this.stopped) break;
      const told = /^reconnect in (\d+)$/.exec(reason);
      const away = reload ? this.random.between(0, 150)
        : this.storm.obedient && told ? Number(told[1])
        : this.storm.calm || this.storm.obedient ? 50 + this.random.below(300)
        : this.random.chance(0.15) ? this.random.between(2_000, 8_000) : this.random.between(30, 900);
      await Promise.race([pause(away), this.#woken()]);
      while (this.parked && !this.stopped) await this.#woken();
    }
    await Promise.all(this.#endings);
  }
  #woken() {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  // Ends with the connection; a browser's with its own close.
  async #visit() {
    const { storm } = this;
    const instance = this.random.pick(storm.world.instances);
    const near = !this.browser || this.random.chance(0.4);
    const door = storm.balanced ? storm.world.balancer : near ? instance.clients : instance.far;
    const visit = { link: (this.#links += 1), instance, door, ready: false, deaf: false, hurt: false, asked: {} };
    this.visit = visit;
    const options = { handshakeTimeout: patience, perMessageDeflate: false };
    const socket = (visit.socket = new WebSocket(`ws://127.0.0.1:${door.port}/ws`, options));
    const closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    const left = new Promise((resolve) => (visit.leave = () => resolve({ reason: '', reload: true })));
    socket.on('error', () => {});
    visit.late = setTimeout(() => socket.terminate(), 2 * patience);
    socket.on('open', () => this.#register(visit));
    socket.on('message', (bytes) => {
      if (!visit.deaf) this.#hear(visit, JSON.parse(bytes.toString()));
    });
    const ended = closed.then((how) => {
      clearTimeout(visit.late);
      clearInterval(visit.retry);
      visit.ready = false;
      const { hurt, connection } = visit;
      this.#record(visit, { e: 'closed', code: how.code, reason: how.reason, hurt, connection });
      this.#endings.delete(ended);
      return how;
    });
    this.#endings.add(ended);
    return Promise.race([ended, left]);
  }

  #register(visit) {
    if (visit.deaf) return;
    visit.localPort = visit.socket._socket.localPort;
    const claim = { type: 'register', userId: this.user };
    if (this.token) {
      visit.claimed = this.claims && new Set(this.claims);
      claim.token = this.storm.world.issuer.token(this.user, this.claims);
    }
    if (this.kind !== 'plain') claim.ack = true;
    if (this.kind === 'resume' || this.kind === 'bare') {
      if (this.random.chance(0.05)) this.forget();
      // Of a room that the user was put out of, some clients go on to say what they have.
      const named = (room) => (visit.claimed?.has(room) ?? true) &&
        (this.rooms.includes(room) || (this.person.removed.has(room) && this.random.chance(0.5)));
      claim.resume = Object.fromEntries(Object.entries(this.#last).filter(([room]) => named(room)));
    }
    if (this.kind === 'resume' && this.#previous) claim.connectionId = this.#previous;
    this.#record(visit, {
      e: 'register',
      kind: this.kind,
      user: this.user,
      resume: claim.resume,
      previous: claim.connectionId,
      distance: visit.door.delay,
    });
    if (this.doomed !== undefined) this.#doom(visit);
    this.#say(visit, claim);
  }

  // The register arrives, and nothing comes back any more.
  #doom(visit) {
    const pair = visit.door.pairOf(visit.localPort);
    const ms = this.doomed;
    this.doomed = undefined;
    if (!pair) return;
    this.parked = true;
    visit.deaf = visit.hurt = true;
    pair.mute = true;
    this.#record(visit, { e: 'hole', ms: ms + 500 });
    setTimeout(() => {
      pair.hole = true;
      visit.socket.terminate();
      setTimeout(() => pair.end(true), ms);
    }, 500);
  }

  #say(visit, frame) {
    if (visit.socket.readyState === WebSocket.OPEN) visit.socket.send(JSON.stringify(frame));
  }

  // Whether the token of this connection is for the room, also once a refresh that is under way has been answered.
  may(room, visit = this.visit) {
    return (visit?.granted?.has(room) ?? true) && (!visit?.refreshing || (visit.wanted?.has(room) ?? true));
  }

  #hear(visit, frame) {
    const record = (event) => this.#record(visit, event);
    switch (frame.type) {
      case 'registered':
        clearTimeout(visit.late);
        visit.connection = this.#previous = frame.connectionId;
        visit.granted = visit.claimed;
        record({
          e: 'registered',
          user: this.user,
          kind: this.kind,
          connection: frame.connectionId,
          rooms: frame.rooms,
          resumed: frame.resumed,
          granted: visit.granted && [...visit.granted],
          instance: this.storm.balanced ? undefined : visit.instance.name,
        });
        // As the document's clients do: what the user looks at is joined; and what the server does not know of, too.
        for (const room of this.rooms)
          if (!frame.rooms.includes(room) || this.random.chance(0.2)) this.#join(visit, room);
        for (const room of frame.rooms) {
          if (
            !this.rooms.includes(room) &&
            !this.storm.changing.has(`${room} ${this.user}`) &&
            !this.person.removed.has(room)
          ) {
            this.#leaveRoom(visit, room);
          }
        }
        for (const room of this.#quitting) if (!frame.rooms.includes(room)) this.#hasLeft(visit, room);
        visit.ready = true;
        this.#retry(visit);
        visit.retry = setInterval(() => this.#retry(visit), patience);
        if (this.person.removed.size > 0) this.#pry(visit);
        break;
      case 'message':
        this.#last[frame.roomId] = frame.messageId;
        record({ e: 'message', room: frame.roomId, id: frame.messageId, n: frame.content?.n });
        break;
      case 'offlineMessages':
        // Some die with the mail in their hands, before they have read it or said so.
        if (!this.storm.calm && this.random.chance(0.1)) return this.vanish(false);
        record({
          e: 'mail',
          dropped: frame.dropped ?? 0,
          newest: frame.messages.length > 0 ? Math.max(...frame.messages.map((m) => Date.parse(m.timestamp))) : Date.now(),
          messages: frame.messages.map((m) => ({ room: m.roomId, id: m.messageId, n: m.content?.n })),
        });
        if (this.withholds) visit.hurt = true;
        else if (this.kind !== 'plain') this.#say(visit, { type: 'offlineAck' });
        break;
      case 'messageAck':
        if (!this.#pending.delete(frame.id)) break;
        record({
          e: 'acked',
          user: this.user,
          n: frame.id,
          room: frame.roomId,
          id: frame.messageId,
          at: Date.parse(frame.timestamp),
          duplicate: frame.duplicate,
        });
        break;
      case 'joinedRoom':
        record({ e: 'joined', user: this.user, room: frame.roomId, asked: visit.asked[frame.roomId] });
        delete visit.asked[frame.roomId];
        // Asked for before another device left.
        if (!this.rooms.includes(frame.roomId)) this.#leaveRoom(visit, frame.roomId);
        break;
      case 'leftRoom':
        this.#hasLeft(visit, frame.roomId);
        break;
      case 'gap':
        record({ e: 'gap', room: frame.roomId, from: frame.from, to: frame.to });
        break;
      case 'userOffline':
        record({ e: 'offline', user: frame.userId, room: frame.roomId });
        break;
      case 'error':
        this.#refused(visit, frame);
        break;
      case 'friendOnline':
      case 'friendOffline':
        record({ e: 'friend', told: this.user, user: frame.userId, online: frame.type === 'friendOnline' });
        break;
      case 'typing':
        record({ e: 'typing', room: frame.roomId, user: frame.userId, on: frame.isTyping });
        break;
      case 'history':
        record({
          e: 'history',
          room: frame.roomId,
          messages: frame.messages.map((m) => ({ id: m.messageId, n: m.content?.n })),
        });
        break;
      case 'refreshed':
        visit.refreshing = false;
        visit.granted = visit.wanted;
        record({ e: 'refreshed', granted: visit.granted && [...visit.granted] });
        this.#retry(visit);
        break;
      case 'userJoined':
      case 'userLeft':
      case 'userOnline':
      case 'roomAdded':
      case 'roomRemoved':
        break;
      default:
        record({ e: 'odd', type: frame.type });
    }
  }

  #refused(visit, frame) {
    this.#record(visit, {
      e: 'error',
      code: frame.code,
      retryable: frame.retryable,
      message: frame.message,
      id: frame.id,
    });
    const waiting = this.#pending.get(frame.id);
    const soon = (act) => setTimeout(() => visit === this.visit && act(), 300);
    if (frame.id?.startsWith('leave ')) {
      soon(() => this.#leaveRoom(visit, frame.id.slice(6)));
    } else if (frame.id?.startsWith('history ')) {
      return;
    } else if (frame.id === 'refresh') {
      // Until it is answered, the old token and the new one count both.
      if (!frame.retryable) visit.refreshing = false;
      else soon(() => ((visit.refreshing = false), this.refresh(this.claims)));
    } else if (waiting && !this.rooms.includes(waiting.room)) {
      this.#pending.delete(frame.id);
    } else if (waiting) {
      if (frame.code === 'not_member') this.#join(visit, waiting.room);
      soon(() => this.#send(visit, frame.id));
    } else if (!visit.connection) {
      visit.socket.terminate(); // the register was refused
    }
  }

  #leaveRoom(visit, room) {
    this.#quitting.add(room);
    if (this.may(room, visit)) this.#say(visit, { type: 'leaveRoom', roomId: room, id: `leave ${room}` });
  }
  #hasLeft(visit, room) {
    if (this.#quitting.delete(room)) this.#record(visit, { e: 'left', user: this.user, room });
  }
  // For good, with all devices.
  quit(room) {
    if (!this.ready || this.rooms.length < 2 || !this.may(room) || this.storm.changing.has(`${room} ${this.user}`))
      return;
    this.rooms.splice(this.rooms.indexOf(room), 1);
    this.person.quitted.add(room);
    this.#record(this.visit, { e: 'leaving', user: this.user, room });
    this.#leaveRoom(this.visit, room);
  }
  #join(visit, room) {
    if (!this.may(room, visit)) return;
    this.person.asked[room] = Date.now();
    visit.asked[room] ??= Date.now();
    this.#say(visit, { type: 'joinRoom', roomId: room });
  }
  #send(visit, id) {
    const waiting = this.#pending.get(id);
    if (!waiting || !visit.ready || !this.may(waiting.room, visit)) return;
    this.#record(visit, { e: 'sent', n: id, room: waiting.room });
    const content = { n: id, padding: waiting.padding };
    this.#say(visit, { type: 'message', roomId: waiting.room, content, clientMsgId: id, id });
  }
  #retry(visit) {
    for (const id of [...this.#pending.keys()]) {
      // Nobody can speak any more where the API has put the user out.
      if (this.rooms.includes(this.#pending.get(id).room)) this.#send(visit, id);
      else this.#pending.delete(id);
    }
  }

  speak(room, padding) {
    if (!this.ready || !this.may(room)) return false;
    const n = `${this.name}#${(this.#count += 1)}`;
    if (this.kind === 'plain') {
      this.#record(this.visit, { e: 'sent', n, room });
      this.#say(this.visit, { type: 'message', roomId: room, content: { n, padding } });
    } else {
      this.#pending.set(n, { room, padding });
      this.#send(this.visit, n);
    }
    return true;
  }
  type(room, on) {
    if (!this.ready || !this.may(room)) return;
    this.#record(this.visit, { e: 'types', user: this.user, room, on });
    this.#say(this.visit, { type: 'typing', roomId: room, isTyping: on });
  }
  // A token for these rooms takes the place of the one before; without rooms, one for all.
  refresh(rooms) {
    this.claims = rooms;
    const { visit } = this;
    if (!this.ready || visit.refreshing) return;
    Object.assign(visit, { refreshing: true, wanted: rooms && new Set(rooms) });
    this.#record(visit, { e: 'refreshing', rooms });
    this.#say(visit, { type: 'refresh', token: this.storm.world.issuer.token(this.user, rooms), id: 'refresh' });
  }
  // Looks into the history of rooms that the user was put out of.
  #pry(visit) {
    for (const room of this.person.removed)
      this.#say(visit, { type: 'history', roomId: room, limit: 50, id: `history ${room}` });
  }
  pry() {
    if (this.ready) this.#pry(this.visit);
  }
  get waiting() {
    return this.#pending.size;
  }

  // Begins anew, without knowing what it had.
  forget() {
    this.#last = {};
    this.#previous = undefined;
  }
  // Stays away, or goes on.
  park() {
    this.parked = true;
  }
  unpark() {
    this.parked = false;
    this.#wake();
  }
  // With a goodbye. A browser's page is gone with it: it hears nothing more and the next page does not wait for the
  // Close.
  leave() {
    this.#wake();
    const { visit } = this;
    if (visit?.socket.readyState !== WebSocket.OPEN) return visit?.socket.terminate();
    visit.socket.close(this.browser ? 1001 : 1000);
    if (!this.browser || visit.deaf) return;
    this.#record(visit, { e: 'deaf' });
    visit.deaf = true;
    visit.ready = false;
    clearTimeout(visit.late);
    clearInterval(visit.retry);
    visit.leave();
  }
  // Without one. In a `hole` not even the server's kernel learns of it for `ms`.
  vanish(hole, ms) {
    const { visit } = this;
    if (!visit?.socket._socket) return;
    const pair = hole && visit.door.pairOf(visit.localPort);
    if (pair) {
      pair.hole = true;
      this.#record(visit, { e: 'hole', ms, connection: visit.connection });
      setTimeout(() => pair.end(true), ms);
    }
    visit.hurt = true;
    visit.deaf = true;
    visit.ready = false;
    visit.socket.terminate();
  }
  // Reads nothing for a while; its kernel's buffers fill, then the server's outbox.
  sleep(ms) {
    const inner = this.visit?.socket._socket;
    if (!inner) return;
    this.visit.hurt = true;
    inner.pause();
    setTimeout(() => inner.resume(), ms);
  }
  stop() {
    this.stopped = true;
    this.leave();
  }
}

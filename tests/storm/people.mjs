// SPDX-License-Identifier: Apache-2.0
// The clients of a storm. A device connects, registers, talks, is cut off, and comes back, until it is told to stop. It records what it
// sent and heard; what that means is the checker's business.
//   plain    knows the document only
//   ack      confirms its mail and wants its messages confirmed
//   resume   the same, and says what it has when it comes back
import WebSocket from 'ws';
import { pause } from '../system/support/processes.mjs';

const patience = 5_000;

export class Device {
  socket;
  connection; // its id, once registered
  ready = false;
  stopped = false;
  #count = 0;
  #pending = new Map(); // clientMsgId → { room, padding }
  #quitting = new Set(); // rooms that the user wants to have left for good
  #asked = {}; // room → when this connection first asked to join it, while it waits
  #last = {}; // room → messageId of its latest message frame. Not of an ack: that may overtake the messages before it.
  #wake = () => {};

  constructor(storm, user, number, kind, rooms, random) {
    Object.assign(this, { storm, user, kind, rooms, random, name: `${user}/${number}` });
  }
  #record(event) {
    this.storm.record({ d: this.name, c: this.link, ...event });
  }

  async run() {
    this.link = 0;
    while (!this.stopped) {
      const { reason } = await this.#visit();
      if (this.stopped) break;
      const told = /^reconnect in (\d+)$/.exec(reason);
      const away = this.storm.obedient && told ? Number(told[1]) : this.storm.calm || this.storm.obedient ? 50 + this.random.below(300) : this.random.chance(0.15) ? this.random.between(2_000, 8_000) : this.random.between(30, 900);
      await Promise.race([pause(away), new Promise((resolve) => (this.#wake = resolve))]);
    }
  }

  async #visit() {
    const instance = this.random.pick(this.storm.world.instances);
    this.door = this.storm.balanced ? this.storm.world.balancer : instance.clients;
    this.link += 1;
    const socket = new WebSocket(`ws://127.0.0.1:${this.door.port}/ws`, { handshakeTimeout: patience, perMessageDeflate: false });
    Object.assign(this, { socket, instance, ready: false, connection: undefined, hurt: false });
    this.#asked = {};
    const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('error', () => {});
    const late = setTimeout(() => socket.terminate(), 2 * patience);
    socket.on('open', () => {
      this.localPort = socket._socket.localPort;
      const claim = { type: 'register', userId: this.user };
      if (this.kind !== 'plain') claim.ack = true;
      if (this.kind === 'resume') claim.resume = Object.fromEntries(Object.entries(this.#last).filter(([room]) => this.rooms.includes(room)));
      this.#record({ e: 'register', kind: this.kind, user: this.user, resume: claim.resume });
      this.#say(claim);
    });
    socket.on('message', (bytes) => {
      if (socket === this.socket && !this.deaf) this.#hear(JSON.parse(bytes.toString()), late);
    });
    this.deaf = false;
    const how = await closed;
    clearTimeout(late);
    clearInterval(this.retry);
    this.ready = false;
    this.#record({ e: 'closed', code: how.code, reason: how.reason, hurt: this.hurt, connection: this.connection });
    this.connection = undefined;
    return how;
  }

  #say(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  #hear(frame, late) {
    switch (frame.type) {
      case 'registered':
        clearTimeout(late);
        this.connection = frame.connectionId;
        this.#record({ e: 'registered', user: this.user, kind: this.kind, connection: frame.connectionId, rooms: frame.rooms, resumed: frame.resumed, instance: this.storm.balanced ? undefined : this.instance.name });
        // As the document's clients do: what the user looks at is joined; and what the server does not know of, too.
        for (const room of this.rooms) if (!frame.rooms.includes(room) || this.random.chance(0.2)) this.#join(room);
        for (const room of frame.rooms) if (!this.rooms.includes(room)) this.#leaveRoom(room);
        for (const room of this.#quitting) if (!frame.rooms.includes(room)) this.#hasLeft(room);
        this.ready = true;
        for (const id of this.#pending.keys()) this.#send(id);
        this.retry = setInterval(() => [...this.#pending.keys()].forEach((id) => this.#send(id)), patience);
        break;
      case 'message':
        this.#last[frame.roomId] = frame.messageId;
        this.#record({ e: 'message', room: frame.roomId, id: frame.messageId, n: frame.content?.n });
        break;
      case 'offlineMessages':
        // Some die with the mail in their hands, before they have read it or said so.
        if (!this.storm.calm && this.random.chance(0.1)) return this.vanish(false);
        this.#record({ e: 'mail', dropped: frame.dropped ?? 0, newest: Math.max(...frame.messages.map((m) => Date.parse(m.timestamp))), messages: frame.messages.map((m) => ({ room: m.roomId, id: m.messageId, n: m.content?.n })) });
        if (this.kind !== 'plain') this.#say({ type: 'offlineAck' });
        break;
      case 'messageAck':
        if (!this.#pending.delete(frame.id)) break;
        this.#record({ e: 'acked', user: this.user, n: frame.id, room: frame.roomId, id: frame.messageId, at: Date.parse(frame.timestamp), duplicate: frame.duplicate });
        break;
      case 'joinedRoom':
        this.#record({ e: 'joined', user: this.user, room: frame.roomId, asked: this.#asked[frame.roomId] });
        delete this.#asked[frame.roomId];
        if (!this.rooms.includes(frame.roomId)) this.#leaveRoom(frame.roomId); // asked for before another device left
        break;
      case 'leftRoom': this.#hasLeft(frame.roomId); break;
      case 'gap': this.#record({ e: 'gap', room: frame.roomId, from: frame.from, to: frame.to }); break;
      case 'userOffline': this.#record({ e: 'offline', user: frame.userId, room: frame.roomId }); break;
      case 'error': this.#refused(frame); break;
      case 'friendOnline': case 'friendOffline':
        this.#record({ e: 'friend', told: this.user, user: frame.userId, online: frame.type === 'friendOnline' });
        break;
      case 'typing': case 'userJoined': case 'userLeft': case 'userOnline': case 'roomAdded': case 'roomRemoved': break;
      default: this.#record({ e: 'odd', type: frame.type });
    }
  }

  #refused(frame) {
    this.#record({ e: 'error', code: frame.code, retryable: frame.retryable, message: frame.message, id: frame.id });
    const waiting = this.#pending.get(frame.id);
    if (frame.id?.startsWith('leave ')) {
      const { socket } = this;
      setTimeout(() => socket === this.socket && this.#leaveRoom(frame.id.slice(6)), 300);
    } else if (waiting && !this.rooms.includes(waiting.room)) {
      this.#pending.delete(frame.id);
    } else if (waiting) {
      if (frame.code === 'not_member') this.#join(waiting.room);
      const { socket } = this;
      setTimeout(() => socket === this.socket && this.#send(frame.id), 300);
    } else if (!this.connection) {
      this.socket.terminate(); // the register was refused
    }
  }

  #leaveRoom(room) {
    this.#quitting.add(room);
    this.#say({ type: 'leaveRoom', roomId: room, id: `leave ${room}` });
  }
  #hasLeft(room) {
    if (this.#quitting.delete(room)) this.#record({ e: 'left', user: this.user, room });
  }
  // For good, with all devices.
  quit(room) {
    if (!this.ready || this.rooms.length < 2) return;
    this.rooms.splice(this.rooms.indexOf(room), 1);
    this.#record({ e: 'leaving', user: this.user, room });
    this.#leaveRoom(room);
  }
  #join(room) {
    this.#asked[room] ??= Date.now();
    this.#say({ type: 'joinRoom', roomId: room });
  }
  #send(id) {
    const waiting = this.#pending.get(id);
    if (!waiting || !this.ready) return;
    this.#record({ e: 'sent', n: id, room: waiting.room });
    this.#say({ type: 'message', roomId: waiting.room, content: { n: id, padding: waiting.padding }, clientMsgId: id, id });
  }

  speak(room, padding) {
    if (!this.ready) return;
    const n = `${this.name}#${(this.#count += 1)}`;
    if (this.kind === 'plain') {
      this.#record({ e: 'sent', n, room });
      return this.#say({ type: 'message', roomId: room, content: { n, padding } });
    }
    this.#pending.set(n, { room, padding });
    this.#send(n);
  }
  type(room, on) {
    if (this.ready) this.#say({ type: 'typing', roomId: room, isTyping: on });
  }
  get waiting() {
    return this.#pending.size;
  }

  // With a goodbye.
  leave() {
    this.#wake();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.close(1000);
    else this.socket?.terminate();
  }
  // Without one. In a `hole` not even the server's kernel learns of it for `ms`.
  vanish(hole, ms) {
    if (!this.socket?._socket) return;
    const pair = hole && this.door.pairOf(this.localPort);
    if (pair) {
      pair.hole = true;
      this.#record({ e: 'hole', ms, connection: this.connection });
      setTimeout(() => pair.end(true), ms);
    }
    this.hurt = true;
    this.deaf = true;
    this.socket.terminate();
  }
  // Reads nothing for a while; its kernel's buffers fill, then the server's outbox.
  sleep(ms) {
    const inner = this.socket?._socket;
    if (!inner) return;
    this.hurt = true;
    inner.pause();
    setTimeout(() => inner.resume(), ms);
  }
  stop() {
    this.stopped = true;
    this.leave();
  }
}

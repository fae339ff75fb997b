// SPDX-License-Identifier: Apache-2.0
// The clients of a storm. A device connects, registers, talks, is cut off, and comes back, until it is told to stop. It
// records the frames that it sent and heard; the checker judges them.
//   plain    knows the document only
//   ack      confirms its mail and wants its messages confirmed
//   bare     the same, and names its last messages when it comes back
//   resume   the same, and names the connection that they came on
// Some devices are browsers: from their own close on they hear nothing, and they connect anew while the old
// connection's Close is still under way. Some show a token, mostly for a part of the rooms.
import WebSocket from 'ws';
import { pause } from '../system/support/processes.mjs';
import { hear, patience } from './people/hearing.mjs';
import { Speaker } from './people/speaker.mjs';

// A user, with the knowledge that all devices of the user share.
export class Person {
  devices = [];
  removed = new Set(); // rooms that the HTTP API has put the user out of
  quitted = new Set(); // rooms that the user has left for good
  asked = {}; // room → when a device last asked to join it
  busy = false; // the user is part of a fault's story

  constructor(user, rooms) {
    Object.assign(this, { user, rooms });
  }
}

export class Device extends Speaker {
  stopped = false;
  parked = false; // stays away until told
  doomed; // ms: the next connection dies in silence as soon as it has registered
  withholds = false; // does not confirm mail
  previous; // the id of the latest connection that was told it
  // Room → messageId of its latest message frame. An ack does not count: it may overtake earlier messages.
  last = {};
  #links = 0;
  #endings = new Set(); // of connections that are closing
  #wake = () => {};

  constructor(storm, person, ...more) {
    super(storm, person, ...more);
    person.devices.push(this);
  }

  async run() {
    while (!this.stopped) {
      const { reason, reload } = await this.#visit();
      if (this.stopped) break;
      const told = /^reconnect in (\d+)$/.exec(reason);
      await Promise.race([pause(this.#absence(reload, told)), this.#woken()]);
      while (this.parked && !this.stopped) await this.#woken();
    }
    await Promise.all(this.#endings);
  }
  // The time for which the device stays away, in ms. `told`: the time that a goodbye named.
  #absence(reload, told) {
    const { random, storm } = this;
    if (reload) return random.between(0, 150);
    if (storm.obedient && told) return Number(told[1]);
    if (storm.calm || storm.obedient) return 50 + random.below(300);
    return random.chance(0.15) ? random.between(2_000, 8_000) : random.between(30, 900);
  }
  #woken() {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  // Ends with the connection; that of a browser ends with the browser's own close.
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
      if (!visit.deaf) hear(this, visit, JSON.parse(bytes.toString()));
    });
    const ended = closed.then((how) => {
      clearTimeout(visit.late);
      clearInterval(visit.retry);
      visit.ready = false;
      const { hurt, connection } = visit;
      this.record(visit, { e: 'closed', code: how.code, reason: how.reason, hurt, connection });
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
      // Some clients go on to name their messages of a room that the user was put out of.
      const named = (room) =>
        (visit.claimed?.has(room) ?? true) &&
        (this.rooms.includes(room) || (this.person.removed.has(room) && this.random.chance(0.5)));
      claim.resume = Object.fromEntries(Object.entries(this.last).filter(([room]) => named(room)));
    }
    if (this.kind === 'resume' && this.previous) claim.connectionId = this.previous;
    this.record(visit, {
      e: 'register',
      kind: this.kind,
      user: this.user,
      resume: claim.resume,
      previous: claim.connectionId,
      distance: visit.door.delay,
    });
    if (this.doomed !== undefined) this.#doom(visit);
    this.say(visit, claim);
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
    this.record(visit, { e: 'hole', ms: ms + 500 });
    setTimeout(() => {
      pair.hole = true;
      visit.socket.terminate();
      setTimeout(() => pair.end(true), ms);
    }, 500);
  }

  // Begins anew, without knowing its earlier messages.
  forget() {
    this.last = {};
    this.previous = undefined;
  }
  // Stays away, or goes on.
  park() {
    this.parked = true;
  }
  unpark() {
    this.parked = false;
    this.#wake();
  }
  // Leaves with a goodbye. A browser's page is gone at once: it hears nothing more, and the next page does not wait for
  // the Close.
  leave() {
    this.#wake();
    const { visit } = this;
    if (visit?.socket.readyState !== WebSocket.OPEN) return visit?.socket.terminate();
    visit.socket.close(this.browser ? 1001 : 1000);
    if (!this.browser || visit.deaf) return;
    this.record(visit, { e: 'deaf' });
    visit.deaf = true;
    visit.ready = false;
    clearTimeout(visit.late);
    clearInterval(visit.retry);
    visit.leave();
  }
  // Leaves without a goodbye. In a `hole` not even the server's kernel learns of that for `ms`.
  vanish(hole, ms) {
    const { visit } = this;
    if (!visit?.socket._socket) return;
    const pair = hole && visit.door.pairOf(visit.localPort);
    if (pair) {
      pair.hole = true;
      this.record(visit, { e: 'hole', ms, connection: visit.connection });
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

// SPDX-License-Identifier: Apache-2.0
// A TCP gate between two programs, which can fail in all the ways of a network. Does not know the contents.
import { connect, createServer } from 'node:net';

const dripBytes = 48;
const dripEvery = 5;

// One direction of a pair. It keeps the order of bytes and of acts behind them.
class Way {
  #line = [];
  #moving = false;

  constructor(pair, from, to) {
    Object.assign(this, { pair, from, to });
    from.setNoDelay(true);
    from.on('data', (bytes) => pair.swallows(from) || this.#take(bytes));
    from.on('end', () => this.#take(() => pair.hole || to.end()));
    from.on('error', () => {});
    from.on('close', (failed) => this.#take(() => pair.hole || (failed ? to.destroy() : to.end())));
    to.on('drain', () => this.#resume());
  }

  // Reads on, unless reading is forbidden, or bytes that were read still wait.
  #resume() {
    if (!this.pair.gate.stalled && !this.#moving && !this.to.writableNeedDrain) this.from.resume();
  }
  #take(item) {
    const { gate } = this.pair;
    if (gate.dripping) this.from.pause();
    // Timers of one length fire in the order in which they were set.
    if (gate.delay > 0) setTimeout(() => this.#put(item), gate.delay);
    else this.#put(item);
  }
  #put(item) {
    this.#line.push(item);
    if (!this.#moving) this.#move();
  }
  async #move() {
    this.#moving = true;
    while (this.#line.length > 0) {
      const item = this.#line.shift();
      if (typeof item === 'function') item();
      else if (this.pair.gate.dripping) await this.#drip(item);
      else this.#write(item);
    }
    this.#moving = false;
    this.#resume();
  }
  #write(bytes) {
    const { to } = this;
    if (!this.pair.hole && !to.write(bytes) && !to.destroyed) this.from.pause();
  }
  async #drip(bytes) {
    for (let at = 0; at < bytes.length && !this.to.destroyed;) {
      const end = this.pair.gate.dripping ? at + dripBytes : bytes.length;
      this.#write(bytes.subarray(at, end));
      at = end;
      await new Promise((resolve) => setTimeout(resolve, dripEvery));
    }
  }
}

class Pair {
  hole = false; // bytes get lost, and neither side learns it
  mute = false; // the same for bytes from the far side only

  constructor(gate, near, target) {
    this.gate = gate;
    this.near = near; // the client's side
    this.far = connect({ ...target, allowHalfOpen: true });
    for (const [from, to] of [[this.near, this.far], [this.far, this.near]]) {
      new Way(this, from, to);
      from.on('close', () => this.near.destroyed && this.far.destroyed && gate.pairs.delete(this));
    }
    if (gate.stalled) this.hold();
  }

  swallows(from) {
    return this.hole || (this.mute && from === this.far);
  }
  hold() {
    this.near.pause();
    this.far.pause();
  }
  release() {
    this.near.resume();
    this.far.resume();
  }
  end(politely) {
    for (const socket of [this.near, this.far]) politely ? socket.destroy() : socket.resetAndDestroy();
    this.gate.pairs.delete(this);
  }
}

export class Gate {
  pairs = new Set();
  stalled = false;
  dripping = false;
  shut = false;
  delay = 0; // ms each way
  // The arguments of connect(), or a function that gives them for each client. Without them a client is turned away.
  target;
  #server;

  static async open(target) {
    const gate = new Gate();
    gate.target = target;
    gate.#server = createServer({ allowHalfOpen: true }, (near) => {
      near.on('error', () => {});
      const target = typeof gate.target === 'function' ? gate.target() : gate.target;
      if (gate.shut || !target) return void near.resetAndDestroy();
      gate.pairs.add(new Pair(gate, near, target));
    });
    await new Promise((resolve, reject) => gate.#server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return gate;
  }

  get port() {
    return this.#server.address().port;
  }
  // The pair that a client's own port belongs to.
  pairOf(port) {
    return [...this.pairs].find((pair) => pair.near.remotePort === port);
  }

  stall(on) {
    this.stalled = on;
    for (const pair of this.pairs) on ? pair.hold() : pair.release();
  }
  drip(on) {
    this.dripping = on;
  }
  cut(politely) {
    for (const pair of [...this.pairs]) pair.end(politely);
  }
  heal() {
    this.shut = this.dripping = false;
    if (this.stalled) this.stall(false);
  }
  close() {
    this.shut = true;
    this.cut(true);
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

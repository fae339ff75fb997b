// SPDX-License-Identifier: Apache-2.0
// A TCP door between two programs, which can be shut in all the ways a network has. Knows nothing of what goes through.
import { connect, createServer } from 'node:net';

const dripBytes = 48;
const dripEvery = 5;

class Pair {
  hole = false; // what comes goes nowhere, and neither side learns it
  mute = false; // the same of what comes from the far side only

  constructor(gate, near, target) {
    this.gate = gate;
    this.near = near; // who came in
    this.far = connect({ ...target, allowHalfOpen: true });
    for (const [from, to] of [[this.near, this.far], [this.far, this.near]]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => this.#pass(from, to, bytes));
      from.on('drain', () => this.#unblock(to));
      from.on('end', () => this.#later(() => this.hole || to.end()));
      from.on('error', () => {});
      from.on('close', (failed) => {
        this.#later(() => this.hole || (failed ? to.destroy() : to.end()));
        if (this.near.destroyed && this.far.destroyed) gate.pairs.delete(this);
      });
    }
    if (gate.stalled) this.hold();
  }

  // Timers of one length fire in the order in which they were set, so a delay keeps the order of bytes and ends.
  #later(act) {
    this.gate.delay > 0 ? setTimeout(act, this.gate.delay) : act();
  }

  #pass(from, to, bytes) {
    if (this.hole || (this.mute && from === this.far)) return;
    if (this.gate.dripping) return void this.#drip(from, to, bytes);
    this.#later(() => {
      if (!this.hole && !to.write(bytes) && !to.destroyed) from.pause();
    });
  }

  async #drip(from, to, bytes) {
    from.pause();
    for (let at = 0; at < bytes.length && !to.destroyed; at += dripBytes) {
      if (!this.gate.dripping) {
        to.write(bytes.subarray(at));
        break;
      }
      to.write(bytes.subarray(at, at + dripBytes));
      await new Promise((resolve) => setTimeout(resolve, dripEvery));
    }
    if (!this.gate.stalled) from.resume();
  }

  #unblock(from) {
    if (!this.gate.stalled) from.resume();
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
  target; // what connect() takes, or a function that gives it, for each who comes; nothing turns them away
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

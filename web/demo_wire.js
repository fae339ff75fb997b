// SPDX-License-Identifier: Apache-2.0
// One WebSocket that comes back by itself. Refuses to know what its frames mean.
// tell({ type: 'opening' | 'connected' | 'heard' | 'closed', … }) is all it says; a socket given up never speaks again.

const firstPause = 500;
const longestPause = 15_000;
const steadyAfter = 10_000;
const quietFor = 25_000;
const pongWithin = 10_000;
// Coming back would not help: login over, forbidden, replaced by another connection.
const final = new Set([4401, 4403, 4409]);

// Milliseconds until try number `attempt` (from 0): what the server asked for,
// else doubling with jitter, so that a crowd does not return at once.
export function pause(attempt, reason = '', random = Math.random()) {
  const told = /reconnect in (\d+)/.exec(reason);
  if (told) return Math.min(Number(told[1]), 60_000);
  return Math.min(longestPause, firstPause * 2 ** attempt) * (0.5 + random / 2);
}

export class Wire {
  #url;
  #tell;
  #socket = null;
  #timer = 0;
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #pingedAt = 0;

  constructor(url, tell) {
    this.#url = url;
    this.#tell = tell;
    setInterval(() => this.#listen(), 5_000);
  }

  // Holds a connection while `yes`, none otherwise. Cheap to call again.
  want(yes) {
    if (!yes) this.#giveUp();
    else if (!this.#socket && !this.#timer) this.#open();
  }

  // Does not wait for the next try.
  hurry() {
    if (this.#timer) this.#open();
  }

  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #open() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const socket = (this.#socket = new WebSocket(this.#url));
    const live = (step) => (event) => socket === this.#socket && step(event);
    this.#openedAt = this.#pingedAt = 0;
    socket.onopen = live(() => {
      this.#openedAt = this.#heardAt = Date.now();
      this.#tell({ type: 'connected' });
    });
    socket.onmessage = live(({ data }) => {
      this.#heardAt = Date.now();
      this.#tell({ type: 'heard', frame: JSON.parse(data), now: this.#heardAt });
    });
    socket.onclose = live(({ code, reason }) => this.#lost(code, reason));
    this.#tell({ type: 'opening' });
  }

  #lost(code, reason) {
    const steady = this.#openedAt && Date.now() - this.#openedAt > steadyAfter;
    this.#attempt = steady ? 0 : this.#attempt;
    this.#socket = null;
    if (final.has(code)) return this.#tell({ type: 'closed', code, retryAt: null, why: reason });
    const wait = pause(this.#attempt, reason);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#open(), wait);
    return this.#tell({ type: 'closed', code, retryAt: Date.now() + wait, why: reason });
  }

  #giveUp() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#timer = this.#attempt = 0;
    this.#socket = null;
    socket?.close(1000, 'going offline');
  }

  // A browser does not show the server's pings, so a dead network looks like silence: ask, and leave if nothing comes back.
  #listen() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const now = Date.now();
    const asked = this.#pingedAt > this.#heardAt;
    if (asked && now - this.#pingedAt > pongWithin) {
      const socket = this.#socket;
      this.#lost(1006, '');
      socket.close();
    } else if (!asked && now - this.#heardAt > quietFor) {
      this.#pingedAt = now;
      this.send({ type: 'ping' });
    }
  }
}

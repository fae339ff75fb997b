// SPDX-License-Identifier: Apache-2.0
// A chat client over npm's ws. Keeps every frame until the test asks for it: `rest` finds a frame that the test does
// not expect.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { mismatch } from './match.mjs';
import { atEnd, bounded, pause, until } from './processes.mjs';

export class Client {
  #socket;
  #frames = [];
  #arrived = () => {};
  #asked = 0;
  #unshown = false; // messages have come behind the server's latest ping
  closed; // { code, reason }, once it is
  userId;
  connectionId;

  // Offers compression, and sends plain: tests repeat letters by the thousand, which counts where it comes compressed.
  static async open(url, options = {}) {
    const client = new Client();
    options = { perMessageDeflate: { threshold: 2 ** 30 }, ...options };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, [], options);
    client.#socket = socket;
    socket.on('message', (bytes, binary) => {
      client.#frames.push(binary ? `binary frame of ${bytes.length} bytes` : bytes.toString());
      if (/^{"type":"(message|offlineMessages)"/.test(client.#frames.at(-1))) client.#unshown = true;
      client.#arrived();
    });
    socket.on('ping', () => (client.#unshown = false));
    client.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    client.closed.then(() => client.#arrived());
    await bounded(`a WebSocket at ${url}`, new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
    socket.on('error', () => {});
    return client;
  }

  // Registers; `registered` has come and no other frame.
  static async as(user, url, { fields = {}, ...options } = {}) {
    const client = await Client.open(url, options);
    await client.register(user, fields);
    return client;
  }

  async register(user, fields = {}) {
    this.say({ type: 'register', userId: user, ...fields });
    const { connectionId } = await this.hears({ type: 'registered', userId: user });
    Object.assign(this, { userId: user, connectionId });
  }

  async join(room) {
    this.say({ type: 'joinRoom', roomId: room });
    return this.hears({ type: 'joinedRoom', roomId: room });
  }

  // Text and bytes go as they are.
  say(frame) {
    this.#socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  // The next frame's text.
  async raw(within) {
    const first = async () => {
      while (this.#frames.length === 0) {
        assert.ok(this.#socket.readyState < WebSocket.CLOSING, `${this.userId ?? 'the client'} waits for a frame, but the connection is closing`);
        await new Promise((resolve) => (this.#arrived = resolve));
      }
      return this.#frames.shift();
    };
    return bounded(`a frame for ${this.userId ?? 'a client'}`, first(), within);
  }

  // The next frame. It must match.
  async hears(pattern, { names, within } = {}) {
    const text = await this.raw(within);
    const frame = JSON.parse(text);
    const why = mismatch(pattern, frame, names);
    assert.ok(!why, `${this.userId ?? 'a client'} expected ${JSON.stringify(pattern)}: ${why}, in ${text.slice(0, 2000)}`);
    return frame;
  }

  // A request and its answer. Other frames that come before are kept for later.
  async ask(frame, within) {
    const id = `ask ${(this.#asked += 1)}`;
    this.say({ ...frame, id });
    const answered = async () => {
      for (;;) {
        const at = this.#frames.findIndex((text) => text.includes(`"id":"${id}"`));
        if (at >= 0) return JSON.parse(this.#frames.splice(at, 1)[0]);
        assert.ok(this.#socket.readyState === WebSocket.OPEN, 'the connection closed instead of an answer');
        await new Promise((resolve) => (this.#arrived = resolve));
      }
    };
    return bounded(`an answer to ${JSON.stringify(frame).slice(0, 2000)}`, answered(), within);
  }

  // Returns when everything that this client has set off so far has reached Redis: a worker's requests reach it in
  // order, those to the directory first (which tell friends) and those to the chat's own database behind them.
  async settle() {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.userId) return void (await this.ask({ type: 'ping' }));
    await this.ask({ type: 'getOnlineStatus', userIds: [] });
    await this.ask({ type: 'leaveRoom', roomId: 'a room that nobody enters' });
  }

  // Returns when a pong behind all messages so far is on its way: then the server knows that they are here, and later
  // faults do not change that.
  shows() {
    return until(`a ping for ${this.userId}`, () => !this.#unshown);
  }

  // The frames that came and were not expected, after a while in which they could have come.
  async rest(quiet = 100) {
    await this.settle();
    await pause(quiet);
    return this.#frames.splice(0);
  }

  // The frames that have come so far, without waiting.
  get come() {
    return this.#frames.splice(0).map((text) => JSON.parse(text));
  }

  async leaves() {
    this.#socket.close(1000);
    return bounded('the close handshake', this.closed);
  }
  // Gone without a word.
  vanishes() {
    this.#socket.terminate();
    return this.closed;
  }
  get raw_socket() {
    return this.#socket;
  }
  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }
}

// The same, gone with the test.
export async function clientAs(t, user, url, options) {
  const client = await (user === undefined ? Client.open(url, options) : Client.as(user, url, options));
  atEnd(t, () => client.vanishes());
  return client;
}

// SPDX-License-Identifier: Apache-2.0
// A TCP client that sends exactly the bytes of a test, in HTTP and in frames, and checks the answers.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { inflated, op, read } from './frames.mjs';
import { atEnd, bounded } from './processes.mjs';

// A handshake's lines. `changes` replaces a line; undefined leaves it out, an array repeats it.
export function handshake({ method = 'GET', target = '/ws', version = 'HTTP/1.1', ...changes } = {}) {
  const headers = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => (each === undefined ? [] : `${name}: ${each}`)).flat());
  return `${method} ${target} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

export class Peer {
  #input = Buffer.alloc(0);
  #parts = [];
  #arrived = () => {};
  #ended = false;
  #failure;
  #deflate = false;

  static async open(port, { pauseOnConnect } = {}) {
    const peer = new Peer();
    peer.socket = connect({ port, host: '127.0.0.1' });
    peer.socket.setNoDelay(true);
    peer.socket.on('data', (bytes) => (peer.#parts.push(bytes), peer.#arrived()));
    peer.socket.on('end', () => ((peer.#ended = true), peer.#arrived()));
    // A reset after the end is the end: earlier bytes have arrived.
    peer.socket.on('error', (error) => ((peer.#failure = error), (peer.#ended = true), peer.#arrived()));
    await bounded(`a connection to port ${port}`, new Promise((resolve, reject) => peer.socket.once('connect', resolve).once('error', reject)));
    if (pauseOnConnect) peer.socket.pause();
    return peer;
  }

  // Returns once the kernel has it all.
  send(...pieces) {
    return new Promise((resolve) => this.socket.write(Buffer.concat(pieces.map((piece) => Buffer.from(piece))), () => resolve()));
  }

  // Waits until `take(input)` finds something; it gives { value, size }, or the bytes it needs at least.
  // Nothing once the server has ended the connection without.
  async #take(what, take, within) {
    const found = async () => {
      for (let needed = 1; ; ) {
        const there = this.#parts.reduce((sum, part) => sum + part.length, this.#input.length);
        if (there >= needed) {
          if (this.#parts.length > 0) this.#input = Buffer.concat([this.#input, ...this.#parts.splice(0)]);
          const got = take(this.#input);
          if (got.value) {
            this.#input = this.#input.subarray(got.size);
            return got.value;
          }
          needed = got;
        } else if (this.#ended) {
          return undefined;
        } else {
          await new Promise((resolve) => (this.#arrived = resolve));
        }
      }
    };
    return bounded(what, found(), within, () => `; there is ${this.#input.length} bytes: ${this.#input.subarray(0, 200).toString('latin1')}`);
  }

  // An HTTP answer: { status, headers, body }. Nothing when the connection ends before one.
  answer(within, { head = false } = {}) {
    const take = (input) => {
      const end = input.indexOf('\r\n\r\n');
      if (end < 0) return input.length + 1;
      const [line, ...rest] = input.toString('latin1', 0, end).split('\r\n');
      const headers = Object.fromEntries(rest.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]));
      const length = head ? 0 : Number(headers['content-length'] ?? 0);
      if (input.length < end + 4 + length) return end + 4 + length;
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(line)?.[1]);
      return { value: { status, headers, body: input.toString('utf8', end + 4, end + 4 + length) }, size: end + 4 + length };
    };
    return this.#take('an HTTP answer', take, within);
  }

  // The opening handshake, with its answer checked.
  async upgrade(changes) {
    const key = randomBytes(16).toString('base64');
    await this.send(handshake({ 'Sec-WebSocket-Key': key, ...changes }));
    const answer = await this.answer();
    assert.equal(answer.status, 101, answer.body);
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    assert.equal(answer.headers['sec-websocket-accept'], accept);
    assert.match(answer.headers.upgrade, /^websocket$/i);
    assert.match(answer.headers.connection, /upgrade/i);
    this.#deflate = /^permessage-deflate;/.test(answer.headers['sec-websocket-extensions']);
    return answer;
  }

  // The next frame, or nothing at the end of the connection. Pings, by which the server asks for receipts, only if
  // `pings`.
  async frame(within, { pings = false } = {}) {
    for (;;) {
      const found = await this.#take('a frame', (input) => {
        const found = read(input, this.#deflate);
        return found.size ? { value: found, size: found.size } : found;
      }, within);
      if (pings || found?.opcode !== op.ping) return found;
    }
  }

  async receives(opcode, payload, within) {
    const found = await this.frame(within);
    assert.ok(found, 'the connection ended instead of a frame');
    assert.equal(found.opcode, opcode, `a frame with ${found.payload.subarray(0, 200)}`);
    assert.ok(found.fin);
    const wanted = Buffer.from(payload);
    const told = found.compressed ? inflated(found.payload) : found.payload;
    assert.ok(told.equals(wanted), `${told.length} bytes (${told.subarray(0, 80)}), not ${wanted.length} (${wanted.subarray(0, 80)})`);
    return found;
  }

  // The server's close frame and the end of the connection, and nothing before it: { code, reason }.
  async closed(within) {
    const found = await this.frame(within);
    assert.ok(found, 'the connection ended without a close frame');
    assert.equal(found.opcode, op.close, `a frame with ${found.payload.subarray(0, 200)}`);
    assert.notEqual(found.payload.length, 1);
    const code = found.payload.length ? found.payload.readUInt16BE() : undefined;
    return { code, reason: found.payload.toString('utf8', 2) };
  }

  // Nothing more comes, and the server hangs up.
  async ends(within) {
    const found = await this.#take('the end of the connection', (input) => ({ value: input, size: input.length }), within);
    assert.equal(found, undefined, `${found?.length} bytes instead of the end: ${found?.subarray(0, 200).toString('latin1')}`);
  }

  // The error of the connection, if it did not just end.
  get failure() {
    return this.#failure;
  }

  destroy() {
    this.socket.destroy();
  }
}

// The same, gone with the test.
export async function peerOf(t, port, options) {
  const peer = await Peer.open(port, options);
  atEnd(t, () => peer.destroy());
  return peer;
}

// A peer with its handshake done.
export async function webSocketOf(t, port, changes) {
  const peer = await peerOf(t, port);
  await peer.upgrade(changes);
  return peer;
}

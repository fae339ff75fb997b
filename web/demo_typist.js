// SPDX-License-Identifier: Apache-2.0
// Turns key strokes into few "is typing" frames: one every 3 s while writing, one when it stops. Refuses to know the socket.

const every = 3_000;
const idle = 4_000;

export class Typist {
  #send;
  #room = '';
  #sentAt = 0;
  #timer = 0;

  constructor(send) {
    this.#send = send;
  }

  wrote(roomId) {
    if (this.#room !== roomId) this.stopped();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stopped(), idle);
    if (Date.now() - this.#sentAt < every) return;
    this.#room = roomId;
    this.#sentAt = Date.now();
    this.#send({ type: 'typing', roomId, isTyping: true });
  }

  stopped() {
    clearTimeout(this.#timer);
    if (this.#room) this.#send({ type: 'typing', roomId: this.#room, isTyping: false });
    this.#room = '';
    this.#sentAt = 0;
  }
}

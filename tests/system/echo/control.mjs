// SPDX-License-Identifier: Apache-2.0
// 2 Pings and pongs, 3 reserved bits, 4 opcodes.
import assert from 'node:assert/strict';
import { chopped, closesWith, echoes, leavesWell } from '../support/echo.mjs';
import { closing, frame, op, ping, pong, text } from '../support/frames.mjs';

const bytes = (size) => Buffer.from(Array.from({ length: size }, (_, i) => i));

export const pings = {
  '2.1 a ping without payload': async (open) => {
    const peer = await open();
    await echoes(peer, op.pong, '', ping());
    await leavesWell(peer, closing(1000));
  },
  '2.2 a ping with text': async (open) => echoes(await open(), op.pong, 'Hello, world!', ping('Hello, world!')),
  '2.3 a ping with bytes that are no text': async (open) => echoes(await open(), op.pong, bytes(125).reverse(), ping(bytes(125).reverse())),
  '2.4 a ping of 125 bytes': async (open) => echoes(await open(), op.pong, Buffer.alloc(125, 0xfe), ping(Buffer.alloc(125, 0xfe))),
  '2.5 a ping of 126 bytes': async (open) => {
    const peer = await open();
    await peer.send(ping(Buffer.alloc(126)));
    await closesWith(peer, 1002);
  },
  '2.6 a ping byte by byte': async (open) => {
    const peer = await open();
    await chopped(peer, ping(Buffer.alloc(125, 0xfe)), 1);
    await peer.receives(op.pong, Buffer.alloc(125, 0xfe));
  },
  '2.7 pongs that nobody asked for': async (open) => {
    const peer = await open();
    await peer.send(pong(), pong('unsolicited'), text('next'));
    await peer.receives(op.text, 'next');
    await leavesWell(peer, closing(1000));
  },
  '2.9 a pong, then a ping': async (open) => echoes(await open(), op.pong, 'ping payload', pong('pong payload'), ping('ping payload')),
  '2.10 ten pings': async (open) => {
    const peer = await open();
    for (let n = 0; n < 10; n += 1) peer.send(ping(`payload ${n}`));
    for (let n = 0; n < 10; n += 1) await peer.receives(op.pong, `payload ${n}`);
  },
  '2.11 ten pings byte by byte': async (open) => {
    const peer = await open();
    await chopped(peer, Buffer.concat(Array.from({ length: 10 }, (_, n) => ping(`payload ${n}`))), 1);
    for (let n = 0; n < 10; n += 1) await peer.receives(op.pong, `payload ${n}`);
  },
  '2.12 of a flood of twenty thousand pings the latest is answered, in order, and others are served meanwhile': async (open) => {
    const [flood, other] = [await open(), await open()];
    const size = 20_000;
    const sent = flood.send(Buffer.concat(Array.from({ length: size }, (_, n) => ping(`${n}`.padEnd(125)))));
    for (let n = 0; n < 20; n += 1) await echoes(other, op.text, `${n}`, text(`${n}`));
    for (let last = -1; last < size - 1; ) {
      const { opcode, payload } = await flood.frame();
      assert.equal(opcode, op.pong);
      assert.ok(Number(payload) > last && payload.length === 125);
      last = Number(payload);
    }
    await sent;
    await leavesWell(flood, closing(1000));
  },
};

// The wrong frame alone; behind a good message; and in pieces of one byte, with a ping behind it that gets no answer.
function refused(cases, name, wrong) {
  cases[name] = async (open) => {
    const [alone, behind, slow] = [await open(), await open(), await open()];
    await alone.send(wrong);
    await closesWith(alone, 1002);
    await behind.send(text('good'), wrong, ping());
    await behind.receives(op.text, 'good');
    await closesWith(behind, 1002);
    await chopped(slow, Buffer.concat([text('good'), wrong, ping()]), 1);
    await slow.receives(op.text, 'good');
    await closesWith(slow, 1002);
  };
}

export const reserved = {};
for (let bits = 1; bits < 8; bits += 1) {
  refused(reserved, `3 text with reserved bits ${bits}`, text('Hello', { reserved: bits }));
  refused(reserved, `3 a ping with reserved bits ${bits}`, ping('Hello', { reserved: bits }));
}
refused(reserved, '3 a binary message with reserved bits', frame(op.binary, bytes(20), { reserved: 5 }));
refused(reserved, '3 a close with reserved bits', frame(op.close, Buffer.from([3, 232]), { reserved: 7 }));
reserved['3 a continuation with reserved bits'] = async (open) => {
  const peer = await open();
  await peer.send(text('begin', { fin: false }), frame(op.continuation, 'end', { reserved: 4 }));
  await closesWith(peer, 1002);
};

export const opcodes = {};
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  refused(opcodes, `4 opcode ${opcode} without payload`, frame(opcode));
  refused(opcodes, `4 opcode ${opcode} with payload`, frame(opcode, 'reserved'));
}
for (const [name, form, size] of [['16 bits for 125', 16, 125], ['64 bits for 125', 64, 125], ['64 bits for 65,535', 64, 65_535], ['16 bits for nothing', 16, 0]]) {
  refused(opcodes, `4 a length of ${name} bytes`, frame(op.binary, Buffer.alloc(size), { form }));
}
refused(opcodes, '4 a frame without a mask', text('Hello', { masked: false }));
refused(opcodes, '4 a ping without a mask', ping('', { masked: false }));

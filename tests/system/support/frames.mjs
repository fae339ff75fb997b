// SPDX-License-Identifier: Apache-2.0
// WebSocket frames by hand, right ones and wrong ones. Shares nothing with the codec under test.
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

export const op = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

function lengthBytes(size, form) {
  const bytes = Buffer.alloc(form === 7 ? 1 : form === 16 ? 3 : 9);
  if (form === 7) bytes[0] = size;
  else if (form === 16) bytes.writeUInt16BE(size, (bytes[0] = 126) && 1);
  else bytes.writeBigUInt64BE(BigInt(size), (bytes[0] = 127) && 1);
  return bytes;
}

// A frame from a client. `form` is the width of the length, `claims` a length other than the payload's, `reserved` RSV1
// to RSV3 as 4, 2 and 1.
export function frame(opcode, payload = '', { fin = true, reserved = 0, masked = true, key = randomBytes(4), form, claims } = {}) {
  const body = Buffer.from(payload);
  const size = claims ?? body.length;
  const head = lengthBytes(size, form ?? (size < 126 ? 7 : size < 65536 ? 16 : 64));
  if (masked) {
    head[0] |= 0x80;
    for (let i = 0; i < body.length; i += 1) body[i] ^= key[i & 3];
  }
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode]), head, masked ? key : Buffer.alloc(0), body]);
}

export const text = (payload, how) => frame(op.text, payload, how);
export const binary = (payload, how) => frame(op.binary, payload, how);
export const ping = (payload, how) => frame(op.ping, payload, how);
export const pong = (payload, how) => frame(op.pong, payload, how);

// A payload as permessage-deflate has it, without a context. `options` are zlib's.
const flushTail = Buffer.from([0, 0, 0xff, 0xff]);
export function deflated(payload, options) {
  const bytes = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, ...options });
  return bytes.subarray(-4).equals(flushTail) ? bytes.subarray(0, -4) : bytes;
}
export const inflated = (payload) => inflateRawSync(Buffer.concat([payload, flushTail]), { finishFlush: constants.Z_SYNC_FLUSH });
export const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
export const squeezed = (opcode, payload, how) => frame(opcode, deflated(payload), { reserved: 4, ...how });

// A message in parts: the first has the opcode, the last has FIN. `reserved` is the first one's.
export const fragments = (opcode, parts, reserved = 0) => parts.map((part, i) =>
  frame(i === 0 ? opcode : op.continuation, part, { fin: i === parts.length - 1, reserved: i === 0 ? reserved : 0 }));

export function closing(code, reason = '') {
  const head = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) head.writeUInt16BE(code);
  return frame(op.close, Buffer.concat([head, Buffer.from(reason)]));
}

// The first frame of a server's bytes: { fin, opcode, compressed, payload, size }, or, while it is incomplete, how many
// bytes it needs at least. Throws at a frame that no server may send. `deflate`: compression was negotiated.
export function read(bytes, deflate = false) {
  if (bytes.length < 2) return 2;
  const [first, second] = bytes;
  const demand = (right, law) => {
    if (!right) throw new Error(`the server sent a frame with ${law}: ${bytes.subarray(0, 16).toString('hex')}`);
  };
  const frameOf = { fin: (first & 0x80) !== 0, opcode: first & 15, compressed: (first & 0x40) !== 0 };
  demand((first & (deflate ? 0x30 : 0x70)) === 0, 'reserved bits');
  demand(!frameOf.compressed || frameOf.opcode === op.text || frameOf.opcode === op.binary, 'the compression bit where it may not be');
  demand([0, 1, 2, 8, 9, 10].includes(frameOf.opcode), 'an unknown opcode');
  demand((second & 0x80) === 0, 'a mask');
  let [length, at] = [second & 0x7f, 2];
  if (length === 126) {
    if (bytes.length < 4) return 4;
    [length, at] = [bytes.readUInt16BE(2), 4];
    demand(length > 125, 'a length longer than it needs');
  } else if (length === 127) {
    if (bytes.length < 10) return 10;
    [length, at] = [Number(bytes.readBigUInt64BE(2)), 10];
    demand(length > 65535, 'a length longer than it needs');
  }
  demand(frameOf.opcode < 8 || (length < 126 && frameOf.fin), 'a control frame too long or split');
  if (bytes.length < at + length) return at + length;
  return { ...frameOf, payload: bytes.subarray(at, at + length), size: at + length };
}

// SPDX-License-Identifier: Apache-2.0
// 12, 13 Compression (RFC 7692): sizes, cuts, offers, and forbidden frames.
import assert from 'node:assert/strict';
import { constants } from 'node:zlib';
import { chopped, closesWith, echoes, leavesWell, megabyte } from '../support/echo.mjs';
import { closing, deflated, fragments, frame, offer, op, ping, squeezed, text } from '../support/frames.mjs';

const prose = (size) => Buffer.alloc(size, '{"type":"message","roomId":"tea","content":"the kettle is on"} ');
const noise = (size) => Buffer.from(Array.from({ length: size }, (_, n) => (Math.imul(n + 1, 2654435761) >>> 13) & 0xff));
const parts = (bytes, size) => Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));

export const cases = {};
for (const size of [1, 16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]) {
  cases[`12 messages of ${size} bytes come back, and the larger ones smaller`] = async (open) => {
    const peer = await open(offer);
    for (let n = 0; n < 20; n += 1) {
      const back = await echoes(peer, op.text, prose(size), squeezed(op.text, prose(size)));
      assert.ok(size < 256 || (back.compressed && back.payload.length < size / 2), `${back.payload.length} bytes`);
      await echoes(peer, op.binary, noise(size), squeezed(op.binary, noise(size)));
    }
    await leavesWell(peer, closing(1000));
  };
}
cases['12 nothing'] = async (open) => {
  const peer = await open(offer);
  await echoes(peer, op.text, '', frame(op.text, Buffer.from([0]), { reserved: 4 }));
  await echoes(peer, op.text, '', squeezed(op.text, ''));
  await echoes(peer, op.binary, '', text('').fill(op.binary | 0x80, 0, 1));
};
cases['12 four MiB, there and back, in fragments of 64 KiB'] = async (open) => {
  const peer = await open(offer);
  await echoes(peer, op.text, prose(4 * megabyte), ...fragments(op.text, parts(deflated(prose(4 * megabyte), { level: 0 }), 65_536), 4));
  await leavesWell(peer, closing(1000));
};
cases['12 compressed and plain in turn, in pieces and fragments, with pings between'] = async (open) => {
  const peer = await open(offer);
  const packed = deflated(prose(2_000));
  for (let size = 1; size < packed.length; size += 7) {
    await peer.send(...fragments(op.text, parts(packed, size), 4).flatMap((each, n) => (n === 1 ? [ping('p'), each] : [each])));
    if (packed.length > size) await peer.receives(op.pong, 'p');
    await peer.receives(op.text, prose(2_000));
    await echoes(peer, op.text, 'plain', text('plain'));
  }
  await chopped(peer, squeezed(op.text, prose(2_000)), 1);
  await peer.receives(op.text, prose(2_000));
};
cases['12 every level, strategy and window of zlib'] = async (open) => {
  const peer = await open(offer);
  for (let level = 0; level <= 9; level += 1) {
    for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED]) {
      const body = frame(op.text, deflated(prose(5_000), { level, strategy, windowBits: 9 + (level % 7) }), { reserved: 4 });
      await echoes(peer, op.text, prose(5_000), body);
    }
  }
};
cases['12 final blocks, as they are written by who can not flush'] = async (open) => {
  const peer = await open(offer);
  const final = deflated(prose(3_000), { finishFlush: constants.Z_FINISH });
  await echoes(peer, op.text, prose(3_000), frame(op.text, Buffer.concat([final, Buffer.from([0])]), { reserved: 4 }));
  await echoes(peer, op.text, prose(3_000), frame(op.text, final, { reserved: 4 }));
};
cases['12 blocks behind a final one, which look back beyond it'] = async (open) => {
  const peer = await open(offer);
  const final = deflated(prose(3_000), { finishFlush: constants.Z_FINISH });
  const refers = deflated(prose(3_000), { dictionary: prose(3_000) });
  assert.ok(refers.length < 60);
  await echoes(peer, op.text, Buffer.concat([prose(3_000), prose(3_000)]), frame(op.text, Buffer.concat([final, refers]), { reserved: 4 }));
  await echoes(peer, op.text, 'Hello', frame(op.text, Buffer.from('f248050000 00ffffcac9c90700'.replace(' ', ''), 'hex'), { reserved: 4 }));
};
cases['12 blocks that hold nothing, and a flush behind each byte'] = async (open) => {
  const peer = await open(offer);
  const nothing = Buffer.alloc(60_000, Buffer.from([0, 0, 0, 0xff, 0xff]));
  await echoes(peer, op.text, '', frame(op.text, Buffer.concat([nothing, Buffer.from([0])]), { reserved: 4 }));
  const flushed = Buffer.concat([...prose(5_000)].map((byte) => Buffer.concat([deflated(Buffer.from([byte])), Buffer.from([0, 0, 0xff, 0xff])])));
  await echoes(peer, op.text, prose(5_000), frame(op.text, flushed.subarray(0, -4), { reserved: 4 }));
};
for (const bits of [8, 9, 10, 12, 15]) {
  cases[`13 a window of ${bits} bits is kept`] = async (open) => {
    const peer = await open({ 'Sec-WebSocket-Extensions': `permessage-deflate; server_max_window_bits=${bits}` });
    const [within, beyond] = [2 ** bits, 2 ** bits + 1];
    assert.ok((await echoes(peer, op.text, prose(within), text(prose(within)))).compressed);
    assert.equal((await echoes(peer, op.text, prose(beyond), text(prose(beyond)))).compressed, bits === 15);
  };
}
cases['13 who does not offer it gets plain frames, and may send no others'] = async (open) => {
  for (const changes of [{}, { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=7' }]) {
    const peer = await open(changes);
    assert.ok(!(await echoes(peer, op.text, prose(2_000), text(prose(2_000)))).compressed);
    await peer.send(squeezed(op.text, 'Hello'));
    await closesWith(peer, 1002);
  }
};

const packed = deflated(prose(2_000));
const wrong = {
  'RSV1 in a ping': [1002, ping('p', { reserved: 4 })],
  'RSV1 in a close': [1002, frame(op.close, '', { reserved: 4 })],
  'RSV1 in a continuation': [1002, frame(op.text, packed.subarray(0, 9), { fin: false, reserved: 4 }), frame(op.continuation, packed.subarray(9), { reserved: 4 })],
  'RSV1 and RSV2': [1002, squeezed(op.text, 'Hello', { reserved: 6 })],
  'bytes that are no deflate data': [1007, text('Hello, Hello', { reserved: 4 })],
  'no data at all': [1007, text('', { reserved: 4 })],
  'data cut short': [1007, frame(op.text, packed.subarray(0, -1), { reserved: 4 })],
  'data of the message before': [1007, frame(op.text, deflated(prose(2_000), { dictionary: prose(2_000) }), { reserved: 4 })],
  'text that is not UTF-8': [1007, squeezed(op.text, Buffer.from([0x61, 0xc3, 0x28]))],
  'text that ends inside a character': [1007, squeezed(op.text, Buffer.from([0x61, 0xe2, 0x82]))],
  'a bomb': [1009, squeezed(op.binary, Buffer.alloc(16 * megabyte + 1))],
};
for (const [name, [code, ...frames]] of Object.entries(wrong)) {
  cases[`13 ${name}`] = async (open) => {
    const [alone, behind] = [await open(offer), await open(offer)];
    await alone.send(...frames);
    await closesWith(alone, code, 20_000);
    await behind.send(squeezed(op.text, 'Hello'), ...frames, ping('late'));
    await behind.receives(op.text, 'Hello');
    await closesWith(behind, code, 20_000);
  };
}

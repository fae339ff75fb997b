// SPDX-License-Identifier: Apache-2.0
// 1 Framing: every form of a length, in one piece and in many.
import { chopped, echoes, leavesWell } from '../support/echo.mjs';
import { closing, frame, op } from '../support/frames.mjs';

const sizes = [0, 1, 124, 125, 126, 127, 128, 129, 65_534, 65_535, 65_536, 65_537];
const bodies = { text: (size) => 'é-*-'.repeat(size).slice(0, size).replace(/é/g, 'e'), binary: (size) => Buffer.alloc(size, 0xfe) };

export const cases = {};
for (const kind of ['text', 'binary']) {
  for (const size of sizes) {
    const body = bodies[kind](size);
    cases[`1 ${kind} of ${size} bytes comes back`] = async (open) => {
      const peer = await open();
      await echoes(peer, op[kind], body, frame(op[kind], body));
      await leavesWell(peer, closing(1000));
    };
  }
  for (const [size, piece] of [[125, 1], [126, 1], [200, 1], [65_535, 997], [65_536, 997], [65_536, 65_537], [65_536, 4_095]]) {
    const body = bodies[kind](size);
    cases[`1 ${kind} of ${size} bytes in pieces of ${piece} comes back`] = async (open) => {
      const peer = await open();
      await chopped(peer, frame(op[kind], body), piece);
      await peer.receives(op[kind], body);
      await leavesWell(peer, closing(1000));
    };
  }
}

cases['1 a thousand messages in one piece come back in order'] = async (open) => {
  const peer = await open();
  const bodyOf = (n) => `${n} `.repeat(n % 90);
  await peer.send(...Array.from({ length: 1_000 }, (_, n) => frame(n % 2 ? op.text : op.binary, bodyOf(n))));
  for (let n = 0; n < 1_000; n += 1) await peer.receives(n % 2 ? op.text : op.binary, bodyOf(n));
  await leavesWell(peer, closing(1000));
};

cases['1 a mask of zeros, and each byte of the mask alone'] = async (open) => {
  const peer = await open();
  for (const key of ['00000000', 'ff000000', '00ff0000', '0000ff00', '000000ff', 'ffffffff']) {
    for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 1_001]) {
      const body = Buffer.alloc(size, 'mask');
      await echoes(peer, op.binary, body, frame(op.binary, body, { key: Buffer.from(key, 'hex') }));
    }
  }
};

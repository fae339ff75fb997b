// SPDX-License-Identifier: Apache-2.0
// 9 Limits, 10 odd fragmentation: large messages, many fragments, many at once. The echo takes 16 MiB and 70,000
// fragments.
import assert from 'node:assert/strict';
import { chopped, closesWith, echoes, leavesWell, megabyte } from '../support/echo.mjs';
import { closing, fragments, frame, op, ping, text } from '../support/frames.mjs';

// Bytes that depend on their place, so that a piece in the wrong place shows.
const numbered = (size) => {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(i, i);
  return bytes;
};
const plain = (size) => Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog. ');
const parts = (body, size) => Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.subarray(n * size, (n + 1) * size));

export const cases = {};
for (const size of [megabyte / 4, megabyte, 4 * megabyte, 16 * megabyte]) {
  cases[`9.1 text of ${size} bytes`] = async (open) => echoes(await open(), op.text, plain(size), text(plain(size)));
  cases[`9.2 binary of ${size} bytes`] = async (open) => echoes(await open(), op.binary, numbered(size), frame(op.binary, numbered(size)));
}
for (const size of [64, 256, 1_024, 65_536, megabyte, 4 * megabyte]) {
  cases[`9.3 four MiB in fragments of ${size} bytes`] = async (open) => {
    const peer = await open();
    const [words, bytes] = [plain(4 * megabyte), numbered(4 * megabyte)];
    await echoes(peer, op.text, words, Buffer.concat(fragments(op.text, parts(words, size))));
    await echoes(peer, op.binary, bytes, Buffer.concat(fragments(op.binary, parts(bytes, size))));
    await leavesWell(peer, closing(1000));
  };
}
for (const piece of [64, 128, 1_024, 65_537]) {
  cases[`9.5 a MiB in pieces of ${piece} bytes`] = async (open) => {
    const peer = await open();
    await chopped(peer, text(plain(megabyte)), piece);
    await peer.receives(op.text, plain(megabyte));
  };
}
cases['9.4 sixteen MiB in fragments of odd sizes, with pings between'] = async (open) => {
  const peer = await open();
  const body = numbered(16 * megabyte);
  const odd = [1, 125, 126, 127, 65_535, 65_536, 65_537, 100_003, 8_191, 0, 3];
  const cut = [];
  for (let at = 0, n = 0; at < body.length; n += 1) {
    const next = Math.min(body.length, at + odd[n % odd.length]);
    cut.push(body.subarray(at, next));
    at = next;
  }
  const frames = fragments(op.binary, cut);
  const withPings = frames.flatMap((each, n) => (n % 100 === 50 ? [ping(`${n}`), each] : [each]));
  await peer.send(Buffer.concat(withPings));
  for (let n = 50; n < frames.length; n += 100) await peer.receives(op.pong, `${n}`);
  await peer.receives(op.binary, body, 30_000);
  await leavesWell(peer, closing(1000));
};
cases['9.6 seventy thousand fragments, and no more'] = async (open) => {
  const [enough, more] = [await open(), await open()];
  const cut = (count) => Array.from({ length: count }, (_, n) => 'abc'[n % 3]);
  await echoes(enough, op.text, cut(70_000).join(''), Buffer.concat(fragments(op.text, cut(70_000))));
  await leavesWell(enough, closing(1000));
  await more.send(Buffer.concat(fragments(op.text, cut(70_001))));
  await closesWith(more, 1008, 20_000);
};
cases['9.7 one byte more than sixteen MiB'] = async (open) => {
  const [whole, split] = [await open(), await open()];
  await whole.send(frame(op.binary, '', { form: 64, claims: 16 * megabyte + 1 }));
  await closesWith(whole, 1009);
  await split.send(frame(op.binary, Buffer.alloc(16 * megabyte), { fin: false }), frame(op.continuation, 'x'));
  await closesWith(split, 1009);
};
cases['9.8 a thousand messages, one after the other'] = async (open) => {
  const peer = await open();
  for (let n = 0; n < 1_000; n += 1) {
    const body = plain([0, 16, 64, 256, 1_024][n % 5]);
    await echoes(peer, op.text, body, text(body));
  }
};
cases['9.9 sixteen MiB do not keep others waiting'] = async (open) => {
  const [large, small] = [await open(), await open()];
  const done = echoes(large, op.binary, numbered(16 * megabyte), frame(op.binary, numbered(16 * megabyte)));
  const began = Date.now();
  for (let n = 0; n < 50; n += 1) await echoes(small, op.text, `${n}`, text(`${n}`));
  assert.ok(Date.now() - began < 5_000);
  await done;
};
cases['10.1.1 65,536 bytes in fragments of 1,300'] = async (open) => {
  const peer = await open();
  await echoes(peer, op.text, plain(65_536), ...fragments(op.text, parts(plain(65_536), 1_300)));
  await leavesWell(peer, closing(1000));
};
cases['10.2 twenty connections that are answered in one turn'] = async (open, echo) => {
  const peers = [];
  for (let n = 0; n < 20; n += 1) peers.push(await open());
  for (let round = 0; round < 5; round += 1) {
    const bodyOf = (n) => numbered([4, 120, 1_000, 70_000, 300_000][(n + round) % 5]);
    // All peers send while the server stands still; then it finds all of them ready together.
    echo.signal('SIGSTOP');
    const asked = peers.map((peer, n) => peer.send(frame(op.binary, bodyOf(n)), text(`${n} ${round}`), ping(`${n}`)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    echo.signal('SIGCONT');
    await Promise.all(peers.map(async (peer, n) => {
      await peer.receives(op.binary, bodyOf(n));
      await peer.receives(op.text, `${n} ${round}`);
      await peer.receives(op.pong, `${n}`);
    }));
    await Promise.all(asked);
  }
  for (const peer of peers) await leavesWell(peer, closing(1000));
};

// SPDX-License-Identifier: Apache-2.0
// 6 Text is UTF-8, across fragments and pieces. A text that can not become UTF-8 any more is refused at once.
import { chopped, closesWith, echoes, leavesWell } from '../support/echo.mjs';
import { closing, fragments, frame, op, ping, text } from '../support/frames.mjs';

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

const valid = {
  'nothing': '',
  'text of many scripts': Buffer.from('Hello-µ@ßöäüàá-UTF-8!! κόσμε Привет 日本語 😀').toString('hex'),
  'the smallest of each length': '00 c280 e0a080 f0908080',
  'the largest of each length': '7f dfbf efbfbf f48fbfbf',
  'around the surrogates': 'ed9fbf ee8080 efbfbd',
  'noncharacters': 'efbfbe efbfbf f09fbfbe f09fbfbf f0afbfbe f48fbfbe f48fbfbf efb790',
  'a byte order mark': 'efbbbf 61',
};
const invalid = {
  'a continuation byte': '80',
  'the last continuation byte': 'bf',
  'continuation bytes': '80bf80bf80bf',
  'the start of two bytes alone': 'c020',
  'the start of three bytes alone': 'e020',
  'the start of four bytes alone': 'f020',
  'three bytes cut to two': 'e282 20',
  'four bytes cut to three': 'f09f92 20',
  'FE': 'fe',
  'FF': 'ff',
  'a slash in two bytes': 'c0af',
  'a slash in three bytes': 'e080af',
  'a slash in four bytes': 'f08080af',
  'a slash in five bytes': 'f8808080af',
  'the largest overlong of two bytes': 'c1bf',
  'the largest overlong of three bytes': 'e09fbf',
  'the largest overlong of four bytes': 'f08fbfbf',
  'zero in two bytes': 'c080',
  'the first surrogate': 'eda080',
  'the last surrogate': 'edbfbf',
  'a surrogate pair': 'eda080edb080',
  'above the last character': 'f4908080',
  'far above': 'f7bfbfbf',
  'five bytes': 'f888808080',
  'six bytes': 'fc8480808080',
  'an end inside a character': '61 e282',
};

export const cases = {};
for (const [name, digits] of Object.entries(valid)) {
  cases[`6 valid: ${name}`] = async (open) => {
    const peer = await open();
    const body = hex(digits);
    await echoes(peer, op.text, body, text(body));
    await echoes(peer, op.text, body, ...fragments(op.text, [...Array.from(body, (byte) => Buffer.from([byte])), '']));
    await chopped(peer, text(body), 1);
    await peer.receives(op.text, body);
    // The same inside much plain text, at places that do not suit a fast path.
    for (const before of [1, 15, 31, 63, 8_191]) {
      const long = Buffer.concat([Buffer.alloc(before, 'a'), body, Buffer.alloc(100, 'z')]);
      await echoes(peer, op.text, long, text(long));
    }
    await leavesWell(peer, closing(1000));
  };
}
for (const [name, digits] of Object.entries(invalid)) {
  cases[`6 invalid: ${name}`] = async (open) => {
    const body = hex(digits);
    const long = Buffer.concat([Buffer.alloc(8_190, 'a'), body]);
    const forms = [[text(body)], [text(long)], fragments(op.text, [...Array.from(body, (byte) => Buffer.from([byte])), '']), [text('good'), text(body), ping()]];
    for (const form of forms) {
      const peer = await open();
      await peer.send(...form);
      if (form === forms[3]) await peer.receives(op.text, 'good');
      await closesWith(peer, 1007);
    }
    // A binary message may hold any bytes.
    const peer = await open();
    await echoes(peer, op.binary, body, frame(op.binary, body));
  };
}

// The rest of the message never comes: the refusal must not wait for it.
const wrong = hex('cebae1bdb9cf83cebcceb5 f4908080');
cases['6.4 fail fast: between fragments'] = async (open) => {
  const peer = await open();
  await peer.send(text(wrong.subarray(0, 11), { fin: false }));
  await peer.send(frame(op.continuation, wrong.subarray(11), { fin: false }));
  await closesWith(peer, 1007, 2_000);
};
cases['6.4 fail fast: inside a frame'] = async (open) => {
  const peer = await open();
  const bytes = text(Buffer.concat([wrong, Buffer.alloc(100, 'edited')]));
  await peer.send(bytes.subarray(0, 6 + 11));
  await echoes(await open(), op.text, 'meanwhile', text('meanwhile'));
  await peer.send(bytes.subarray(6 + 11, 6 + 13));
  await closesWith(peer, 1007, 2_000);
};
cases['6.4 fail fast: at the byte that decides'] = async (open) => {
  const peer = await open();
  await chopped(peer, text(Buffer.concat([Buffer.from('ab'), hex('ed'), hex('a0'), Buffer.alloc(60_000)])).subarray(0, 8 + 4), 1);
  await closesWith(peer, 1007, 2_000);
};

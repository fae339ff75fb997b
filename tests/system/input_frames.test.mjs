// SPDX-License-Identifier: Apache-2.0
// Frames that break RFC 6455 or a limit: the connection ends with the code that says why, and no other client notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { binary, closing, fragments, frame, offer, op, ping, squeezed, text } from './support/frames.mjs';
import { webSocketOf } from './support/peer.mjs';
import { oneDaemon } from './support/stage.mjs';

const limit = 64 * 1024;
const stage = oneDaemon(['--rate-requests', '0']);
const pinged = '{"type":"ping"}';

// Frames that end the connection, with their code and reason. Each is tried alone, and behind a message in the same
// bytes.
function ends(name, bytes, code, reason) {
  test(name, { timeout: 30_000 }, async (t) => {
    const [alone, behind] = [await webSocketOf(t, stage.daemon.port), await webSocketOf(t, stage.daemon.port)];
    await alone.send(...[bytes].flat());
    await behind.send(text(pinged), ...[bytes].flat(), text(pinged));
    await behind.receives(op.text, '{"type":"pong"}');
    for (const peer of [alone, behind]) {
      if (code === 1009) assert.match(String((await peer.frame()).payload), /a message may have 65536 bytes at most.*"code":"too_large"}$/);
      const told = await peer.closed();
      assert.equal(told.code, code, told.reason);
      assert.match(told.reason, reason);
      // The server waits for the close frame of a peer that knows the protocol, and not for that of a peer that broke
      // it.
      if (code === 1003) await peer.send(closing(code));
      await peer.ends(3_000);
    }
    await stage.stillServes(t);
  });
}

ends('an unmasked frame', text(pinged, { masked: false }), 1002, /mask/);
ends('the first reserved bit', text(pinged, { reserved: 4 }), 1002, /reserved/);
ends('the second reserved bit', text(pinged, { reserved: 2 }), 1002, /reserved/);
ends('the third reserved bit of a ping', ping('', { reserved: 1 }), 1002, /reserved/);
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) ends(`the reserved opcode ${opcode}`, frame(opcode), 1002, /opcode/);
ends('a short length in 16 bits', text(pinged, { form: 16 }), 1002, /length/);
ends('a short length in 64 bits', text(pinged, { form: 64 }), 1002, /length/);
ends('a middling length in 64 bits', text('x'.repeat(200), { form: 64 }), 1002, /length/);
ends('a length with its top bit set', text('', { form: 64, claims: 2n ** 63n }), 1002, /length/);
ends('a split ping', ping('', { fin: false }), 1002, /fragment|split|control/);
ends('a split close', frame(op.close, '', { fin: false }), 1002, /fragment|split|control/);
ends('a ping of 126 bytes', ping('x'.repeat(126)), 1002, /125/);
ends('a close of 126 bytes', frame(op.close, Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(124, 'x')])), 1002, /125/);
ends('a continuation of nothing', frame(op.continuation, 'x'), 1002, /continu/);
ends('a continuation behind a whole message', [text(pinged).subarray(0, 0), frame(op.continuation, 'x', { fin: false })], 1002, /continu/);
ends('a message inside a message', [text('{', { fin: false }), text(pinged)], 1002, /message|fragment/);
ends('a close of one byte', frame(op.close, 'x'), 1002, /clos/);
for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535]) ends(`the close code ${code}`, closing(code), 1002, /clos/);
ends('a close reason that is not UTF-8', closing(1000, Buffer.from([0xff])), 1007, /UTF-8/);
ends('text that is not UTF-8', text(Buffer.from([0x7b, 0xc3, 0x28])), 1007, /UTF-8/);
ends('text that ends inside a character', text(Buffer.from([0x22, 0xe2, 0x82])), 1007, /UTF-8/);
ends('text with half a surrogate pair', text(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), 1007, /UTF-8/);
ends('text that is broken across fragments', fragments(op.text, [Buffer.from([0x22, 0xe2, 0x82]), Buffer.from([0x28])]), 1007, /UTF-8/);
ends('a frame over the limit', text('x'.repeat(limit + 1)), 1009, /./);
ends('a head that promises more than the limit', text('', { form: 64, claims: 2n ** 40n }), 1009, /./);
ends('fragments over the limit', fragments(op.text, ['x'.repeat(limit), 'x']), 1009, /./);
ends('two thousand fragments', fragments(op.text, Array(2000).fill('')), 1008, /./);
ends('a binary message', binary(pinged), 1003, /one JSON object per text frame/);
ends('an empty binary message', binary(''), 1003, /text frame/);

test('the peer that closes hears its own code', { timeout: 30_000 }, async (t) => {
  for (const [code, reason] of [[1000, 'bye'], [1001, ''], [1014, ''], [3000, ''], [4999, 'x'.repeat(123)]]) {
    const peer = await webSocketOf(t, stage.daemon.port);
    await peer.send(closing(code, reason), text(pinged));
    assert.equal((await peer.closed()).code, code);
    await peer.ends();
  }
  const silent = await webSocketOf(t, stage.daemon.port);
  await silent.send(closing());
  assert.equal((await silent.closed()).code, undefined);
  await silent.ends();
});

test('a client that breaks the rules is gone from the room, and the others hear it', { timeout: 30_000 }, async (t) => {
  const bob = await clientAs(t, 'bob', stage.daemon.url);
  await bob.join('rules');
  const peer = await webSocketOf(t, stage.daemon.port);
  await peer.send(text('{"type":"register","userId":"mallory"}'), text('{"type":"joinRoom","roomId":"rules"}'));
  await peer.frame();
  await peer.frame();
  await peer.send(text('x', { masked: false }));
  await bob.hears({ type: 'userOffline', userId: 'mallory', roomId: 'rules' });
});

// A message frame of exactly `size` bytes.
const sized = (room, size) => {
  const around = JSON.stringify({ type: 'message', roomId: room, content: '' });
  return around.replace('""', `"${'x'.repeat(size - around.length)}"`);
};

test('a message as large as the limit is delivered, one byte more closes the connection',
  { timeout: 30_000 }, async (t) => {
  const [alice, bob] = [await clientAs(t, 'alice', stage.daemon.url), await clientAs(t, 'bob', stage.daemon.url)];
  await alice.join('large');
  await bob.join('large');
  const largest = sized('large', limit);
  assert.equal(Buffer.byteLength(largest), limit);
  alice.say(largest);
  const { content } = await bob.hears({ type: 'message', senderId: 'alice' });
  assert.equal(content, JSON.parse(largest).content);
  alice.say(sized('large', limit + 1));
  await alice.hears({ type: 'error', code: 'too_large' });
  assert.equal((await alice.closed).code, 1009);
  await bob.hears({ type: 'userOffline', userId: 'alice' });
  assert.deepEqual(await bob.rest(), []);
});

// The error names the request's id if the id stands in the bytes with the head, in earlier fragments, or in the
// inflated part.
test('a request over the limit is told so by its id, if that has come', { timeout: 30_000 }, async (t) => {
  const request = (head) => `{"type":"message","roomId":"large",${head}"content":"${'x'.repeat(limit)}"}`;
  const late = `{"type":"message","roomId":"large","content":"${'x'.repeat(limit)}","id":"late"}`;
  const cases = [
    ['7', text(request('"id":"7",'))],
    ['ü"', text(request('"nested":{"id":"no"},"list":["id",{"id":"no"}],"id" : "\\u00fc\\"",'))],
    [undefined, text(late)],
    [undefined, text(request(''))],
    [undefined, text(request('"id":7,'))],
    [undefined, text(request(`"id":"${'x'.repeat(65)}",`))],
    [undefined, text('x'.repeat(limit + 1))],
    [undefined, text(request('"id":"7",')).subarray(0, 14)],
    ['8', ...fragments(op.text, [request('"id":"8",').slice(0, 4_000), request('"id":"8",').slice(4_000)])],
    ['9', squeezed(op.text, request('"id":"9",'))],
    [undefined, frame(op.binary, request('"id":"7",'))],
  ];
  for (const [id, ...bytes] of cases) {
    const peer = await webSocketOf(t, stage.daemon.port, offer);
    await peer.send(...bytes);
    const told = JSON.parse((await peer.frame()).payload);
    assert.deepEqual(told, { type: 'error', message: 'a message may have 65536 bytes at most; send smaller ones', code: 'too_large', ...(id && { id }) });
    assert.equal((await peer.closed()).code, 1009);
  }
  await stage.stillServes(t);
});

test('ten thousand levels of JSON are an error, not the end', { timeout: 30_000 }, async (t) => {
  const alice = await clientAs(t, 'deep', stage.daemon.url);
  await alice.join('deep');
  for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
    for (const levels of [130, 5_000, 10_000]) {
      const nested = `${open.repeat(levels)}1${close.repeat(levels)}`;
      alice.say(`{"type":"message","roomId":"deep","content":${nested.length > limit - 100 ? nested.slice(0, limit - 100) : nested}}`);
      await alice.hears({ type: 'error', code: 'bad_json' });
    }
  }
  alice.say(`{"type":"message","roomId":"deep","id":"1","content":${'['.repeat(100)}${']'.repeat(100)}}`);
  await alice.hears({ type: 'messageAck', id: '1' });
});

test('a hundred thousand small members of one object', { timeout: 30_000 }, async (t) => {
  const alice = await clientAs(t, 'wide', stage.daemon.url);
  alice.say(`{"type":"ping",${'"":0,'.repeat(13_000)}"id":"wide"}`);
  await alice.hears({ type: 'pong', id: 'wide' });
  alice.say(`{"type":"getOnlineStatus","userIds":[${'"a",'.repeat(1_000)}"a"]}`);
  await alice.hears({ type: 'error', code: 'too_large' });
});

test('more questions than answers have room for are answered one after the other', { timeout: 60_000 }, async (t) => {
  const alice = await clientAs(t, 'eager', stage.daemon.url);
  const count = 3_000;
  for (let n = 0; n < count; n += 1) alice.say({ type: n % 3 ? 'ping' : 'joinRoom', roomId: `eager ${n % 7}`, id: `${n}` });
  const heard = [];
  while (heard.length < count) heard.push(JSON.parse(await alice.raw()));
  assert.deepEqual(heard.map(({ id }) => Number(id)), Array.from({ length: count }, (_, n) => n));
  assert.deepEqual(await alice.rest(), []);
});

// SPDX-License-Identifier: Apache-2.0
// What comes before the frames: requests that are no handshake, handshakes that are none, bytes that are no HTTP.
// After each, the daemon serves others as before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { op, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon();

// `name`, what is sent, and the answer's status and text.
function refused(name, request, status, reason, further = () => {}) {
  test(name, { timeout: 30_000 }, async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(request);
    const answer = await peer.answer();
    assert.ok(answer, 'the connection ended without an answer');
    assert.equal(answer.status, status, answer.body);
    assert.match(answer.body, reason);
    further(answer);
    if (answer.headers.connection?.includes('close')) await peer.ends();
    await stage.stillServes(t);
  });
}

const saysVersion = ({ headers }) => assert.equal(headers['sec-websocket-version'], '13');
const closes = ({ headers }) => assert.match(headers.connection, /close/);

refused('a handshake without a version', handshake({ 'Sec-WebSocket-Version': undefined }), 426, /Sec-WebSocket-Version header is missing; expected 13/, saysVersion);
refused('a handshake of an old version', handshake({ 'Sec-WebSocket-Version': '8' }), 426, /Sec-WebSocket-Version 8 is not supported; expected 13/, saysVersion);
refused('a handshake whose version is text', handshake({ 'Sec-WebSocket-Version': 'newest' }), 426, /newest is not supported/, saysVersion);
refused('a handshake without a key', handshake({ 'Sec-WebSocket-Key': undefined }), 400, /Sec-WebSocket-Key/, closes);
refused('a handshake with an empty key', handshake({ 'Sec-WebSocket-Key': '' }), 400, /16 bytes in base64/);
refused('a handshake with a short key', handshake({ 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }), 400, /16 bytes in base64/);
refused('a handshake with a long key', handshake({ 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }), 400, /16 bytes in base64/);
refused('a handshake whose key is not base64', handshake({ 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }), 400, /16 bytes in base64/);
refused('a handshake with two keys', handshake({ 'Sec-WebSocket-Key': [1, 2].map((n) => Buffer.alloc(16, n).toString('base64')) }), 400, /exactly one Sec-WebSocket-Key/);
refused('a handshake by POST', handshake({ method: 'POST' }), 400, /must be a GET request, not POST/);
refused('a handshake by an unknown method', handshake({ method: 'BREW' }), 400, /GET/);
refused('a handshake over HTTP/1.0', handshake({ version: 'HTTP/1.0' }), 400, /needs HTTP\/1\.1/);
refused('a handshake without a host', handshake({ Host: undefined }), 400, /Host header is missing/);
refused('a handshake with a body', handshake({ 'Content-Length': '4' }) + 'body', 400, /a handshake has no body/, closes);
refused('a handshake whose Connection is no upgrade', handshake({ Connection: 'keep-alive' }), 400, /Connection header must have the token Upgrade/);
refused('a handshake without Connection', handshake({ Connection: undefined }), 400, /Connection header/);
refused('a handshake to another protocol', handshake({ Upgrade: 'h2c' }), 426, /send `Upgrade: websocket`/, ({ headers }) => assert.equal(headers.upgrade, 'websocket'));
refused('plain HTTP where a WebSocket is', 'GET /ws HTTP/1.1\r\nHost: x\r\n\r\n', 426, /this is a WebSocket endpoint/, ({ headers }) => assert.equal(headers.upgrade, 'websocket'));
refused('a WebSocket where none is', handshake({ target: '/elsewhere' }), 404, /no WebSocket here; the endpoint is \/ws/);
refused('a WebSocket at the front page', handshake({ target: '/' }), 404, /the endpoint is \/ws/);
refused('a WebSocket below the endpoint', handshake({ target: '/ws/room' }), 404, /the endpoint is \/ws/);
refused('a request for nothing', 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n', 404, /nothing at this path; the WebSocket is at \/ws/);
refused('a request without a path', 'GET ?x HTTP/1.1\r\nHost: x\r\n\r\n', 404, /nothing at this path/);
refused('a request for nothing in particular', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 404, /nothing at this path/);
refused('a POST to a page', 'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}', 405, /POST is not possible here; expected GET/, ({ headers }) => assert.equal(headers.allow, 'GET, HEAD'));
refused('bytes that are no HTTP', 'garbage\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
refused('a frame without a handshake', text('{"type":"ping"}'), 400, /not an HTTP\/1\.1 request/, closes);
refused('zeros', Buffer.alloc(64), 400, /not an HTTP\/1\.1 request/, closes);
refused('a hello of TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400, /not an HTTP\/1\.1 request/, closes);
refused('a hello of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
refused('a header without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
refused('a header with a zero in it', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
refused('two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12', 400, /not an HTTP\/1\.1 request/, closes);
refused('a length and chunks', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
for (const coding of ['identity', 'chunked, identity', 'gzip']) {
  refused(`a body whose end nobody knows: ${coding}`, `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`, 400, /not an HTTP\/1\.1 request/, closes);
}
refused('a head beyond its limit', `GET / HTTP/1.1\r\nHost: x\r\nLong: ${'x'.repeat(20_000)}\r\n\r\n`, 431, /not an HTTP\/1\.1 request/, closes);
refused('a target beyond its limit', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, /not an HTTP\/1\.1 request/, closes);
refused('a body beyond its limit', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`, 413, /not an HTTP\/1\.1 request/, closes);

function accepted(name, changes, further = () => {}) {
  test(name, { timeout: 30_000 }, async (t) => {
    const peer = await peerOf(t, stage.daemon.port);
    further(await peer.upgrade(changes));
    await peer.send(text('{"type":"ping"}'));
    await peer.receives(op.text, '{"type":"pong"}');
  });
}

accepted('a handshake with a query', { target: '/ws?token=x&a=b' });
accepted('a handshake in other letters', { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' });
accepted('a handshake with tokens in lists', { Upgrade: ['h2c', 'websocket'], Connection: ['keep-alive', 'Upgrade'] });
for (const extensions of ['x-webkit-deflate-frame', 'permessage-deflate; server_max_window_bits=7', 'permessage-deflate; =', ';;,,', '']) {
  accepted(`a handshake with no extension that can be had: ${extensions}`, { 'Sec-WebSocket-Extensions': extensions }, ({ headers }) => {
    assert.equal(headers['sec-websocket-extensions'], undefined);
  });
}
accepted('a handshake with compression in a list of two headers', { 'Sec-WebSocket-Extensions': ['x, permessage-deflate; y', 'permessage-deflate; client_max_window_bits'] }, ({ headers }) => {
  assert.equal(headers['sec-websocket-extensions'], 'permessage-deflate; server_no_context_takeover; client_no_context_takeover');
});
accepted('a handshake with our subprotocol among others', { 'Sec-WebSocket-Protocol': 'chat, hiky.v1' }, ({ headers }) => {
  assert.equal(headers['sec-websocket-protocol'], 'hiky.v1');
});
accepted('a handshake with other subprotocols', { 'Sec-WebSocket-Protocol': 'chat' }, ({ headers }) => {
  assert.equal(headers['sec-websocket-protocol'], undefined);
});

test('a handshake byte by byte, its frames on its heels', { timeout: 30_000 }, async (t) => {
  const slow = await peerOf(t, stage.daemon.port);
  for (const byte of handshake()) await slow.send(byte);
  assert.equal((await slow.answer()).status, 101);
  const hasty = await peerOf(t, stage.daemon.port);
  await hasty.send(handshake(), text('{"type":"ping","id":"1"}'), text('{"type":"ping","id":"2"}'));
  assert.equal((await hasty.answer()).status, 101);
  await hasty.receives(op.text, '{"type":"pong","id":"1"}');
  await hasty.receives(op.text, '{"type":"pong","id":"2"}');
});

test('requests one after the other, and a handshake at last, on one connection', { timeout: 30_000 }, async (t) => {
  const peer = await peerOf(t, stage.daemon.port);
  await peer.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\nHEAD /health HTTP/1.1\r\nHost: x\r\n\r\n', handshake({ target: '/none' }).replace(/Upgrade: websocket\r\n/, ''), handshake());
  assert.equal((await peer.answer()).body, 'ready\n');
  assert.equal((await peer.answer(undefined, { head: true })).status, 200);
  assert.equal((await peer.answer()).status, 404);
  assert.equal((await peer.answer()).status, 101);
  await peer.send(text('{"type":"ping"}'));
  await peer.receives(op.text, '{"type":"pong"}');
});

test('connections that end in the middle of anything leave nothing behind', { timeout: 30_000 }, async (t) => {
  const whole = handshake();
  for (const part of ['', 'G', whole.slice(0, 40), whole.slice(0, -2), whole]) {
    const peer = await peerOf(t, stage.daemon.port);
    if (part) await peer.send(part);
    peer.destroy();
  }
  for (const part of [Buffer.from([0x81]), text('{"type":"ping"}').subarray(0, 7), text('half', { fin: false })]) {
    const peer = await webSocketOf(t, stage.daemon.port);
    await peer.send(part);
    peer.destroy();
  }
  await stage.stillServes(t);
});

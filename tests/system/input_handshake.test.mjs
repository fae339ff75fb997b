// SPDX-License-Identifier: Apache-2.0
// The bytes before the frames: requests that are no handshake, broken handshakes, bytes that are no HTTP. After each,
// the daemon serves others as before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { op, text } from './support/frames.mjs';
import { handshake, peerOf, webSocketOf } from './support/peer.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon();

// `name`, the bytes that are sent, and the answer's status and text.
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
refused('a handshake with its version twice', handshake({ 'Sec-WebSocket-Version': ['13', '13'] }), 400, /more than one Sec-WebSocket-Version/, closes);
refused('a handshake with two versions', handshake({ 'Sec-WebSocket-Version': ['8', '13'] }), 400, /more than one Sec-WebSocket-Version/, closes);
refused('a handshake from two pages', handshake({ Origin: ['http://127.0.0.1', 'http://elsewhere'] }), 400, /more than one Origin/, closes);
refused('a handshake with two keys', handshake({ 'Sec-WebSocket-Key': [1, 2].map((n) => Buffer.alloc(16, n).toString('base64')) }), 400, /exactly one Sec-WebSocket-Key/);
refused('a handshake by POST', handshake({ method: 'POST' }), 400, /must be a GET request, not POST/);
refused('a handshake by an unknown method', handshake({ method: 'BREW' }), 400, /GET/);
refused('a handshake over HTTP/1.0', handshake({ version: 'HTTP/1.0' }), 400, /needs HTTP\/1\.1/);
for (const request of [(host) => handshake({ Host: host }), (host) => `GET /ready HTTP/1.1\r\n${[host].flat().map((each) => (each === undefined ? '' : `Host: ${each}\r\n`)).join('')}\r\n`]) {
  const what = request('x').startsWith('GET /ws') ? 'a handshake' : 'a request';
  refused(`${what} without a host`, request(undefined), 400, /Host header is missing/, closes);
  refused(`${what} with two hosts`, request(['x', 'x']), 400, /more than one Host header/, closes);
  for (const host of ['a b', 'http://x/', 'x:port', 'x/y', 'me@x', '[::1', '[x]', 'x:1:2']) {
    refused(`${what} whose host is none: ${host}`, request(host), 400, /the Host header is not HOST\[:PORT\]/, closes);
  }
}
refused('a request of the API without a host', 'GET /api/v1/online HTTP/1.1\r\n\r\n', 400, /"detail":"the Host header is missing"/, closes);
refused('a handshake with a body', handshake({ 'Content-Length': '4' }) + 'body', 400, /a handshake has no body/, closes);
refused('a handshake with a body in chunks', handshake({ 'Transfer-Encoding': 'chunked' }) + '4\r\nbody\r\n0\r\n\r\n', 400, /a handshake has no body/, closes);
refused('a handshake whose Connection is no upgrade', handshake({ Connection: 'keep-alive' }), 400, /Connection header must have the token Upgrade/);
refused('a handshake without Connection', handshake({ Connection: undefined }), 400, /Connection header/);
refused('a handshake to another protocol', handshake({ Upgrade: 'h2c' }), 426, /send `Upgrade: websocket`/, ({ headers }) => assert.equal(headers.upgrade, 'websocket'));
for (const upgrade of ['websocket/13', 'websocket x', 'web socket', '"websocket"']) {
  refused(`a handshake to what is not quite websocket: ${upgrade}`, handshake({ Upgrade: upgrade }), 426, /send `Upgrade: websocket`/);
}
refused('a handshake whose Connection is not quite upgrade', handshake({ Connection: 'Upgrade/1, keep-alive' }), 400, /bad value/);
for (const list of ['permessage-deflate; =', 'permessage-deflate;', 'permessage-deflate x', 'a; b="c', 'a; b="c d"', ';;,,', ',', '']) {
  refused(`a handshake with a malformed list of extensions: ${list}`, handshake({ 'Sec-WebSocket-Extensions': list }), 400, /Sec-WebSocket-Extensions must be a list/, closes);
}
for (const list of ['hiky.v1 x', 'chat;hiky.v1', 'hiky.v1, hiky.v1', 'hiky.v1, "chat"', ', ,', '']) {
  refused(`a handshake with a malformed list of subprotocols: ${list}`, handshake({ 'Sec-WebSocket-Protocol': list }), 400, /Sec-WebSocket-Protocol must be a list/, closes);
}
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
for (const coding of ['gzip, chunked', 'chunky, chunked']) {
  refused(`a body in a coding that is not understood: ${coding}`, `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`, 501, /no Transfer-Encoding but chunked is understood/, closes);
}
refused('chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, /HTTP\/1\.0 has no Transfer-Encoding/, closes);
refused('an absolute target without a host', 'GET http:///ready HTTP/1.1\r\nHost: x\r\n\r\n', 400, /the target names no host/, closes);
refused('an absolute target with a user', 'GET http://me@x/ready HTTP/1.1\r\nHost: x\r\n\r\n', 400, /the target names no host/, closes);
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
for (const extensions of ['x-webkit-deflate-frame', 'permessage-deflate; server_max_window_bits=7', ', x;y="z",,']) {
  accepted(`a handshake with no extension that can be had: ${extensions}`, { 'Sec-WebSocket-Extensions': extensions }, ({ headers }) => {
    assert.equal(headers['sec-websocket-extensions'], undefined);
  });
}
accepted('a handshake with compression in a list of two headers', { 'Sec-WebSocket-Extensions': ['x, permessage-deflate; y', 'permessage-deflate; client_max_window_bits'] }, ({ headers }) => {
  assert.equal(headers['sec-websocket-extensions'], 'permessage-deflate; server_no_context_takeover; client_no_context_takeover');
});
accepted('a handshake with compression between empty elements', { 'Sec-WebSocket-Extensions': ', ,permessage-deflate;server_max_window_bits="1\\0",' }, ({ headers }) => {
  assert.equal(headers['sec-websocket-extensions'], 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10');
});
for (const protocols of ['chat, hiky.v1', ',hiky.v1,,', ['chat', 'hiky.v1']]) {
  accepted(`a handshake with our subprotocol among others: ${protocols}`, { 'Sec-WebSocket-Protocol': protocols }, ({ headers }) => {
    assert.equal(headers['sec-websocket-protocol'], 'hiky.v1');
  });
}
// A client takes a subprotocol only if it has offered the same text (RFC 6455 4.1).
for (const protocols of ['chat', 'HIKY.V1', 'hiky.v10']) {
  accepted(`a handshake with other subprotocols: ${protocols}`, { 'Sec-WebSocket-Protocol': protocols }, ({ headers }) => {
    assert.equal(headers['sec-websocket-protocol'], undefined);
  });
}
for (const target of ['http://127.0.0.1/ws', 'HTTPS://chat.example:443/ws?a=b']) accepted(`a handshake to an absolute target: ${target}`, { target });
accepted('a handshake at an address of IPv6', { Host: '[::1]:8080' });
accepted('a handshake with an empty body', { 'Content-Length': '0' });

test('an absolute target names the host that a page must be of', { timeout: 30_000 }, async (t) => {
  for (const [origin, status] of [['http://chat.example', 101], ['http://127.0.0.1', 403]]) {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(handshake({ target: 'http://chat.example/ws', Host: '127.0.0.1', Origin: origin }));
    assert.equal((await peer.answer()).status, status, origin);
  }
});

test('pages and the API by absolute targets, behind empty lines', { timeout: 30_000 }, async (t) => {
  const peer = await peerOf(t, stage.daemon.port);
  for (const [target, status] of [['http://127.0.0.1/ready', 200], ['http://127.0.0.1', 200], ['https://x:1?a=b', 200], ['http://x/api/v1/openapi.json', 200], ['http://x/nothing', 404]]) {
    await peer.send(`\r\nGET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await peer.answer()).status, status, target);
  }
  for (const byte of '\r\nGET /ready HTTP/1.1\r\nHost:\r\n\r\n') await peer.send(byte);
  assert.equal((await peer.answer()).body, 'ready\n');
});
refused('two empty lines before a request', '\r\n\r\nGET /ready HTTP/1.1\r\nHost: x\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);
refused('half an empty line before a request', '\rGET /ready HTTP/1.1\r\nHost: x\r\n\r\n', 400, /not an HTTP\/1\.1 request/, closes);

test('every answer to a HEAD is without a body', { timeout: 30_000 }, async (t) => {
  const heads = [
    [200, 'HEAD /ready HTTP/1.1\r\nHost: x\r\n'], [200, 'HEAD / HTTP/1.1\r\nHost: x\r\n'], [404, 'HEAD /nothing HTTP/1.1\r\nHost: x\r\n'],
    [200, 'HEAD /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n'], [403, 'HEAD /api/v1/online HTTP/1.1\r\nHost: x\r\n'], [404, handshake({ method: 'HEAD', target: '/x' }).slice(0, -2)],
    [400, handshake({ method: 'HEAD' }).slice(0, -2)], [400, 'HEAD /ready HTTP/1.1\r\n'], [400, 'HEAD /api/v1/online HTTP/1.1\r\nHost: x\r\nbroken\r\n'],
  ];
  for (const [status, head] of heads) {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(`${head}Connection: ${head.includes('Connection:') ? 'x' : 'close'}\r\n\r\n`);
    const answer = await peer.answer(undefined, { head: true });
    assert.equal(answer.status, status, head);
    assert.ok(Number(answer.headers['content-length']) > 0, head);
    await peer.ends();
  }
  const long = 'x'.repeat(20_000);
  const unread = [
    [431, `HEAD / HTTP/1.1\r\nHost: x\r\nLong: ${long}\r\n\r\n`], [431, `HEAD /${long} HTTP/1.1\r\nHost: x\r\n\r\n`], [431, `HEAD /api/v1/${long}`],
    [400, 'HEAD / HTTP/7.1\r\nHost: x\r\n\r\n'], [400, 'HEAD /a b HTTP/1.1\r\nHost: x\r\n\r\n'], [400, '\r\nHEAD  HTTP/1.1\r\n\r\n'],
    [400, 'HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n'], [413, 'HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n'],
    [501, 'HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'], [400, 'HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n'],
    [408, 'HEAD /health HTT'], [408, 'HEAD /health HTTP/1.1\r\nHo'],
  ];
  await Promise.all(unread.map(async ([status, head]) => {
    const peer = await peerOf(t, stage.daemon.port);
    await peer.send(head);
    const answer = await peer.answer(20_000, { head: true });
    assert.equal(answer.status, status, head.slice(0, 100));
    assert.ok(Number(answer.headers['content-length']) > 0, head.slice(0, 100));
    await peer.ends();
  }));
});
// A HEAD behind a refused request does not change the answer to that request.
refused('an unknown method before a HEAD', 'FROB /ready HTTP/1.1\r\nHost: x\r\n\r\nHEAD /ready HTTP/1.1\r\nHost: x\r\n\r\n', 405, /FROB is not possible here/);

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

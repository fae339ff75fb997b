// SPDX-License-Identifier: Apache-2.0
// The HTTP of the HTTP API: paths, methods, bodies, connections.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { peerOf } from './support/peer.mjs';
import { bounded as within, pause } from './support/processes.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);

test('a path, a method and a body that are not for the API are refused in its own words', bounded, async () => {
  const { api } = stage;
  for (const path of [
    '',
    '/',
    '/rooms',
    '/rooms/tea',
    '/users/online/',
    '/rooms/a/b/c/d',
    '/rooms/tea/members/a/b',
    '/USERS/online',
  ]) {
    await api.refused(404, 'not_found', 'GET', path);
  }
  const wrong = await api.refused(405, 'method_not_allowed', 'DELETE', '/rooms/tea/messages');
  assert.equal(wrong.headers.get('allow'), 'POST, GET, HEAD, OPTIONS');
  assert.equal(
    (await api.refused(405, 'method_not_allowed', 'POST', '/users/online', { json: {} })).headers.get('allow'),
    'GET, HEAD, OPTIONS',
  );
  const publish = (options) => ['POST', '/rooms/tea/messages', options];
  await api.refused(
    415,
    'unsupported_media_type',
    ...publish({ body: '{"content":1}', headers: { 'content-type': 'text/plain' } }),
  );
  await api.refused(
    415,
    'unsupported_media_type',
    ...publish({ body: '{"content":1}', headers: { 'content-encoding': 'gzip' } }),
  );
  for (const body of ['', '{', 'null,', '{"content":1}x', '[', '"', `${'['.repeat(200)}${']'.repeat(200)}`]) {
    await api.refused(400, 'bad_json', ...publish({ body, headers: { 'content-type': 'application/json' } }));
  }
  for (const [json, why] of [
    [[], /the body must be of type object/],
    [null, /the body must be of type object/],
    [{}, /content is missing/],
    [{ content: 1, room: 'x' }, /room is not known here; expected senderId, content, clientMsgId/],
    [{ content: 1, senderId: 7 }, /senderId must be of type string/],
    [{ content: 1, senderId: '' }, /senderId must not be empty/],
    [{ content: 1, senderId: 'a\u0001' }, /senderId must not contain control characters/],
    [{ content: 1, senderId: 'é'.repeat(65) }, /senderId must be at most 128 bytes/],
    [{ content: 1, clientMsgId: 'x'.repeat(129) }, /clientMsgId must be at most 128 characters long/],
  ]) {
    assert.match((await api.refused(400, 'invalid_argument', ...publish({ json }))).detail, why);
  }
  await api.refused(413, 'too_large', ...publish({ json: { content: 'x'.repeat(70_000) } }));
  await api.refused(400, 'invalid_argument', 'GET', '/users/online?limits=3');
  await api.refused(400, 'invalid_argument', 'GET', '/users/online?limit=3&limit=4');
  for (const limit of ['0', '-1', '1001', 'x', '', '1e2', '99999999999999999999']) {
    await api.refused(400, 'invalid_argument', 'GET', `/users/online?limit=${limit}`);
  }
  for (const cursor of ['', 'zz', 'abc', '00', '73', '7378', 'ff'])
    await api.refused(400, 'invalid_argument', 'GET', `/users/online?cursor=${cursor}`);
});

test('ids in the path are percent-decoded once, and checked as everywhere', bounded, async () => {
  const { api } = stage;
  for (const id of ['a b', 'a/b', '100%', '%41', 'naïve', '🫖', 'a?b#c', 'a+b', '..x', ':{}"']) {
    const path = `/rooms/${encodeURIComponent(id)}/members/${encodeURIComponent(id)}`;
    assert.deepEqual(await api.put(path), { roomId: id, userId: id, member: true, changed: true });
    assert.deepEqual((await api.get(`/rooms/${encodeURIComponent(id)}/members`)).items, [id]);
  }
  for (const [id, why] of [
    ['%', /two hexadecimal digits/],
    ['%4', /two hexadecimal digits/],
    ['%zz', /two hexadecimal digits/],
    ['%ff', /not UTF-8/],
    ['%c0%af', /not UTF-8/],
    ['%00', /control characters/],
    ['a%0ab', /control characters/],
    ['', /must not be empty/],
    ['x'.repeat(129), /at most 128 bytes/],
  ]) {
    const response = await api.call('GET', `/rooms/${id}/members`);
    assert.equal(response.status, 400, id);
    assert.match(response.body.detail, why);
  }
});

test('HEAD is GET without its body, and OPTIONS names the methods, without CORS', bounded, async () => {
  const { api } = stage;
  const [get, head] = [await api.call('GET', '/users/online/count'), await api.call('HEAD', '/users/online/count')];
  assert.deepEqual([head.status, head.raw, head.headers.get('content-length')], [200, '', String(get.raw.length)]);
  assert.equal((await api.as(null).call('HEAD', '/users/online/count')).status, 401);
  for (const key of [keys.all, null]) {
    const options = await api
      .as(key)
      .call('OPTIONS', '/rooms/tea/messages', {
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      });
    assert.deepEqual(
      [options.status, options.raw, options.headers.get('allow')],
      [204, '', 'POST, GET, HEAD, OPTIONS'],
    );
    assert.ok([...options.headers.keys()].every((name) => !name.startsWith('access-control')));
  }
});

test('an answer is not kept, sniffed or shared with other sites', bounded, async () => {
  for (const path of ['/users/online', '/no/such/path']) {
    const { headers } = await stage.api.call('GET', path, { headers: { origin: 'https://evil.example' } });
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('access-control-allow-origin'), null);
  }
});

test('a connection is kept through refusals, and requests on it are told apart', bounded, async () => {
  const { daemon } = stage;
  const ask = (path, key) =>
    within(`an answer of ${path}`, new Promise((resolve, reject) => {
      const sent = request(
        {
          host: daemon.host,
          port: daemon.port,
          path: `/api/v1${path}`,
          agent: ask.agent,
          headers: key ? { authorization: `Bearer ${key}` } : {},
        },
        (answer) => {
          answer.resume().on('end', () => resolve(`${answer.statusCode} ${sent.reusedSocket}`));
        },
      );
      sent.on('error', reject).end();
    }));
  const { Agent } = await import('node:http');
  ask.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = [
    await ask('/users/online', keys.all),
    await ask('/users/online'),
    await ask('/nowhere', keys.all),
    await ask('/users/online', keys.read),
  ];
  ask.agent.destroy();
  assert.deepEqual(seen, ['200 false', '401 true', '404 true', '200 true']);
});

// Each request announces a body, and sends none of it.
for (const [when, head, status] of [
  ['nobody shows a key', 'POST /api/v1/rooms/tea/messages HTTP/1.1', 401],
  [
    'the key is wrong',
    'POST /api/v1/rooms/tea/messages HTTP/1.1\r\nAuthorization: Bearer not-a-key-of-this-place',
    401,
  ],
  ['it goes to a page', 'POST /health HTTP/1.1', 405],
]) {
  for (const length of ['Content-Length: 65536', 'Transfer-Encoding: chunked']) {
    test(`a body is not waited for when ${when}: ${length}`, bounded, async (t) => {
      const peer = await peerOf(t, stage.daemon.port);
      await peer.send(`${head}\r\nHost: x\r\n${length}\r\n\r\n`);
      const answer = await peer.answer(5_000);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.connection, 'close');
      // Bytes that might have been the body are not read as a request.
      await peer.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
      await peer.ends();
    });
  }
}

test('a body with a key may come late and in chunks, with requests behind it', bounded, async (t) => {
  await stage.api.put('/rooms/late/members/alice');
  const peer = await peerOf(t, stage.daemon.port);
  const head = `POST /api/v1/rooms/late/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.all}\r\nContent-Type: application/json\r\n`;
  const body = '{"content":"tea"}';
  await peer.send(`${head}Content-Length: ${body.length}\r\n\r\n`);
  await pause(100);
  await peer.send(body, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"con\r\n`);
  assert.equal((await peer.answer()).status, 201);
  await peer.send('c\r\ntent":"tea"}\r\n0\r\n\r\nGET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await peer.answer()).status, 201);
  assert.equal((await peer.answer()).body, 'ready\n');
  await peer.send(`${head}Transfer-Encoding: chunked\r\n\r\n11170\r\n${'x'.repeat(70_000)}\r\n0\r\n\r\n`);
  const { status, headers } = await peer.answer();
  assert.deepEqual([status, headers.connection], [413, 'close']);
});

// SPDX-License-Identifier: Apache-2.0
// Who may use the HTTP API, and what it says to those who ask wrongly.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { daemonFor, runDaemon, startDaemon } from './support/daemon.mjs';
import { samples } from './support/exposition.mjs';
import { peerOf } from './support/peer.mjs';
import { atEnd, bounded as within, pause, until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

const bounded = { timeout: 60_000 };
const stage = {};
const ends = { after: (end) => (stage.end = end) };
before(async () => {
  const data = await folder(ends);
  stage.daemon = await startDaemon({ data, flags: await keyFile(data) });
  atEnd(ends, () => stage.daemon.stopWell());
  stage.api = new Api(stage.daemon);
}, bounded);
after(() => stage.end(), bounded);

test('without a key file the API is closed, and says how to open it', bounded, async (t) => {
  const daemon = await daemonFor(t, { data: await folder(t) });
  const { detail } = await new Api(daemon).refused(403, 'closed', 'GET', '/users/online');
  assert.match(detail, /--api-key-file/);
  await new Api(daemon).refused(403, 'closed', 'GET', '/no/such/path');
  // The description holds no secret.
  assert.equal((await new Api(daemon, null).get('/openapi.json')).openapi, '3.1.0');
});

test('a caller without a key, or with a wrong one, is told to bring one', bounded, async () => {
  const strangers = [null, '', 'x', keys.all.slice(0, -1), `${keys.all}x`, keys.all.toUpperCase()];
  for (const key of strangers) {
    const { headers } = await stage.api.as(key).refused(401, 'unauthorized', 'GET', '/users/online');
    assert.match(headers.get('www-authenticate'), /^Bearer realm="hiky"/);
    if (key) assert.match(headers.get('www-authenticate'), /error="invalid_token"/);
  }
  for (const authorization of [keys.all, `Basic ${keys.all}`, `Bearer  ${keys.all}`, `Bearer ${keys.all} more`]) {
    await stage.api.as(null).refused(401, 'unauthorized', 'GET', '/users/online', { headers: { authorization } });
  }
  assert.deepEqual((await stage.api.as(null).call('GET', '/users/online', { headers: { authorization: `bearer ${keys.all}` } })).status, 200);
  // What there is and what there isn't looks the same from outside.
  await stage.api.as(null).refused(401, 'unauthorized', 'GET', '/no/such/path');
});

test('a key opens what its scopes say and nothing else', bounded, async () => {
  const asked = {
    read: ['GET', '/users/online'],
    publish: ['POST', '/users/nobody/messages', { json: { frame: { type: 'hello' } } }],
    admin: ['PUT', '/rooms/scopes/members/alice'],
  };
  const may = { all: ['read', 'publish', 'admin'], read: ['read'], publish: ['publish'], admin: ['admin', 'read'] };
  for (const [holder, scopes] of Object.entries(may)) {
    for (const [scope, call] of Object.entries(asked)) {
      if (scopes.includes(scope)) {
        assert.equal((await stage.api.as(keys[holder]).call(...call)).status, 200, `${holder} ${scope}`);
        continue;
      }
      const { headers } = await stage.api.as(keys[holder]).refused(403, 'forbidden', ...call);
      assert.equal(headers.get('www-authenticate'), `Bearer realm="hiky", error="insufficient_scope", scope="${scope}"`);
    }
  }
});

test('keys are read again at SIGHUP, and a file that is broken or a folder changes nothing', bounded, async (t) => {
  const data = await folder(t);
  const [, path] = await keyFile(data, `${keys.all}\n`);
  const daemon = await daemonFor(t, { data, flags: ['--api-key-file', path] });
  const status = async (key) => (await new Api(daemon, key).call('GET', '/users/online')).status;
  assert.deepEqual([await status(keys.all), await status(keys.read)], [200, 401]);
  await writeFile(path, `${keys.read} read\n`);
  daemon.signal('SIGHUP');
  await until('the new key to count', async () => (await status(keys.read)) === 200);
  assert.equal(await status(keys.all), 401);
  await writeFile(path, `${keys.all} everything\n`);
  daemon.signal('SIGHUP');
  await until('the complaint', () => /api_keys\.not_loaded/.test(daemon.told.stderr));
  assert.match(daemon.told.stderr, /line 1: an unknown scope; expected read, publish or admin/);
  assert.deepEqual([await status(keys.all), await status(keys.read)], [401, 200]);
  await rm(path);
  await mkdir(path);
  daemon.signal('SIGHUP');
  await until('the complaint about the folder', () => /api_keys\.not_loaded [^\n]*can't be read/.test(daemon.told.stderr));
  assert.deepEqual([await status(keys.all), await status(keys.read)], [401, 200]);
  assert.ok(!daemon.told.stderr.includes(keys.all) && !daemon.told.stderr.includes(keys.read), 'a key stands in the log');
});

test('a key file that cannot mean what it says is refused at start', bounded, async (t) => {
  const data = await folder(t);
  const faults = [
    ['# nothing\n', /there is no key in it/],
    ['short\n', /line 1: the key is shorter than 16 characters/],
    [`${keys.all}\n\n${keys.read} read,write\n`, /line 3: an unknown scope/],
    [`${keys.read} read publish\n`, /line 1: expected KEY \[scope,scope\]/],
    ['sixteen-and-more-é\n', /line 1: a key consists of/],
    [`${keys.all}\n${keys.all} read\n`, /line 2: this key stands in the file twice/],
  ];
  for (const [text, why] of faults) {
    const { code, stderr } = await runDaemon('--data', data, ...(await keyFile(data, text)));
    assert.equal(code, 2);
    assert.match(stderr, /^hikyd: --api-key-file: /);
    assert.match(stderr, why);
    assert.equal(stderr.trim().split('\n').length, 1);
  }
  const { code, stderr } = await runDaemon('--data', data, '--api-key-file', `${data}/none`);
  assert.equal(code, 2);
  assert.match(stderr, /--api-key-file: there is no such file; expected a file's name, or env:NAME/);
});

test('a path, a method and a body that are not for the API are refused in its own words', bounded, async () => {
  const { api } = stage;
  for (const path of ['', '/', '/rooms', '/rooms/tea', '/users/online/', '/rooms/a/b/c/d', '/rooms/tea/members/a/b', '/USERS/online']) {
    await api.refused(404, 'not_found', 'GET', path);
  }
  const wrong = await api.refused(405, 'method_not_allowed', 'DELETE', '/rooms/tea/messages');
  assert.equal(wrong.headers.get('allow'), 'POST, GET, HEAD, OPTIONS');
  assert.equal((await api.refused(405, 'method_not_allowed', 'POST', '/users/online', { json: {} })).headers.get('allow'), 'GET, HEAD, OPTIONS');
  const publish = (options) => ['POST', '/rooms/tea/messages', options];
  await api.refused(415, 'unsupported_media_type', ...publish({ body: '{"content":1}', headers: { 'content-type': 'text/plain' } }));
  await api.refused(415, 'unsupported_media_type', ...publish({ body: '{"content":1}', headers: { 'content-encoding': 'gzip' } }));
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
  for (const cursor of ['', 'zz', 'abc', '00', '73', '7378', 'ff']) await api.refused(400, 'invalid_argument', 'GET', `/users/online?cursor=${cursor}`);
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

test('HEAD is GET without its body, and OPTIONS says what is possible, without CORS', bounded, async () => {
  const { api } = stage;
  const [get, head] = [await api.call('GET', '/users/online/count'), await api.call('HEAD', '/users/online/count')];
  assert.deepEqual([head.status, head.raw, head.headers.get('content-length')], [200, '', String(get.raw.length)]);
  assert.equal((await api.as(null).call('HEAD', '/users/online/count')).status, 401);
  for (const key of [keys.all, null]) {
    const options = await api.as(key).call('OPTIONS', '/rooms/tea/messages', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } });
    assert.deepEqual([options.status, options.raw, options.headers.get('allow')], [204, '', 'POST, GET, HEAD, OPTIONS']);
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
      const sent = request({ host: daemon.host, port: daemon.port, path: `/api/v1${path}`, agent: ask.agent, headers: key ? { authorization: `Bearer ${key}` } : {} }, (answer) => {
        answer.resume().on('end', () => resolve(`${answer.statusCode} ${sent.reusedSocket}`));
      });
      sent.on('error', reject).end();
    }));
  const { Agent } = await import('node:http');
  ask.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = [await ask('/users/online', keys.all), await ask('/users/online'), await ask('/nowhere', keys.all), await ask('/users/online', keys.read)];
  ask.agent.destroy();
  assert.deepEqual(seen, ['200 false', '401 true', '404 true', '200 true']);
});

// Each announces a body, and sends none of it.
for (const [when, head, status] of [
  ['nobody shows a key', 'POST /api/v1/rooms/tea/messages HTTP/1.1', 401],
  ['the key is wrong', 'POST /api/v1/rooms/tea/messages HTTP/1.1\r\nAuthorization: Bearer not-a-key-of-this-place', 401],
  ['it goes to a page', 'POST /health HTTP/1.1', 405],
]) {
  for (const length of ['Content-Length: 65536', 'Transfer-Encoding: chunked']) {
    test(`a body is not waited for when ${when}: ${length}`, bounded, async (t) => {
      const peer = await peerOf(t, stage.daemon.port);
      await peer.send(`${head}\r\nHost: x\r\n${length}\r\n\r\n`);
      const answer = await peer.answer(5_000);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.connection, 'close');
      // What might have been the body is no request.
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

test('what the API did is in the log of who debugs, with the key’s name and without its text', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--log-level', 'debug'] });
  const api = new Api(daemon);
  await api.put('/rooms/logged/members/alice');
  await api.post('/rooms/logged/messages', { content: 'nobody else’s business' });
  await until('the line', () => /api\.called method=POST route=\/rooms\/\{room\}\/messages status=201 key=[0-9a-f]{8}/.test(daemon.told.stderr));
  assert.ok(!daemon.told.stderr.includes('business'), 'a content stands in the log');
  for (const key of Object.values(keys)) assert.ok(!daemon.told.stderr.includes(key), 'a key stands in the log');
});

test('a key may ask so often and no more, whichever worker it asks, and others go on', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--rate-api', '0.2:8'] });
  const api = new Api(daemon);
  for (let n = 0; n < 8; n += 1) await api.get('/users/online/count');
  const { headers, detail } = await api.refused(429, 'rate_limited', 'GET', '/users/online/count');
  assert.match(detail, /--rate-api/);
  assert.ok(Number(headers.get('retry-after')) >= 1 && Number(headers.get('retry-after')) <= 5, headers.get('retry-after'));
  await api.refused(429, 'rate_limited', 'POST', '/rooms/tea/messages', { json: { content: 1 } });
  await api.as(keys.read).get('/users/online/count');
  await api.as(null).get('/openapi.json');
  const numbers = samples(await (await fetch(`${daemon.url}/metrics`)).text());
  assert.equal(numbers.get('hiky_api_limited_total{limit="key"}'), 2);
  await until('a request to be there again', async () => (await api.call('GET', '/users/online/count')).status === 200);
});

test('who guesses keys is stopped by address, and learns no right one; who shares the address goes on', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--trusted-proxy', '127.0.0.1'] });
  const from = (address) => ({ headers: { 'x-forwarded-for': address } });
  const ask = async (key, address) => (await new Api(daemon, key).call('GET', '/users/online', from(address))).status;
  assert.equal(await ask(keys.read, '192.0.2.7'), 200);
  let wrong = 0;
  while ((await ask(`a-guess-number-${String(wrong).padStart(6, '0')}`, '192.0.2.7')) === 401) assert.ok((wrong += 1) < 200, 'guessing has no end');
  assert.ok(wrong >= 60, `${wrong} guesses`);
  const { headers } = await new Api(daemon, 'one-more-guess-000').refused(429, 'rate_limited', 'GET', '/users/online', from('192.0.2.7'));
  assert.equal(headers.get('retry-after'), '1');
  assert.equal(await ask(keys.read, '192.0.2.7'), 200);
  assert.equal(await ask(keys.read, '192.0.2.8'), 200);
  assert.equal(await ask('a-wrong-key-from-elsewhere', '192.0.2.8'), 401);
  // A right key that comes from there for the first time looks like one guess more.
  const statuses = [];
  for (let n = 0; n < 5; n += 1) statuses.push(await ask(`a-guess-number-${n}`.padEnd(20, 'x'), '192.0.2.7'), await ask(keys.publish, '192.0.2.7'));
  assert.ok(statuses.includes(429), statuses.join());
  assert.equal(await ask(null, '192.0.2.7'), 401, 'no key is no guess');
  const numbers = samples(await (await fetch(`${daemon.url}/metrics`)).text());
  assert.ok(numbers.get('hiky_api_limited_total{limit="wrong_keys"}') >= 2);
});

// SPDX-License-Identifier: Apache-2.0
// The keys of the HTTP API: which routes a key opens, and how often.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { daemonFor, daemonWith, runDaemon } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);

test('without a key file the API is closed, and says how to open it', bounded, async (t) => {
  const daemon = await daemonWith(t);
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
  assert.deepEqual(
    (await stage.api.as(null).call('GET', '/users/online', { headers: { authorization: `bearer ${keys.all}` } }))
      .status,
    200,
  );
  // From outside, a path that exists looks the same as one that does not.
  await stage.api.as(null).refused(401, 'unauthorized', 'GET', '/no/such/path');
});

test('a key opens the routes of its scopes and no others', bounded, async () => {
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
      assert.equal(
        headers.get('www-authenticate'),
        `Bearer realm="hiky", error="insufficient_scope", scope="${scope}"`,
      );
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
  await until('the complaint about the folder', () =>
    /api_keys\.not_loaded [^\n]*can't be read/.test(daemon.told.stderr),
  );
  assert.deepEqual([await status(keys.all), await status(keys.read)], [401, 200]);
  assert.ok(
    !daemon.told.stderr.includes(keys.all) && !daemon.told.stderr.includes(keys.read),
    'a key stands in the log',
  );
});

test('a key file with a mistake is refused at start', bounded, async (t) => {
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

test('calls of the API are in the log at level debug, with the key’s name and without its text', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--log-level', 'debug'] });
  const api = new Api(daemon);
  await api.put('/rooms/logged/members/alice');
  await api.post('/rooms/logged/messages', { content: 'nobody else’s business' });
  await until('the line', () =>
    /api\.called method=POST route=\/rooms\/\{room\}\/messages status=201 key=[0-9a-f]{8}/.test(daemon.told.stderr),
  );
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
  assert.ok(
    Number(headers.get('retry-after')) >= 1 && Number(headers.get('retry-after')) <= 5,
    headers.get('retry-after'),
  );
  await api.refused(429, 'rate_limited', 'POST', '/rooms/tea/messages', { json: { content: 1 } });
  await api.as(keys.read).get('/users/online/count');
  await api.as(null).get('/openapi.json');
  const numbers = await metricsOf(daemon);
  assert.equal(numbers.get('hiky_api_limited_total{limit="key"}'), 2);
  await until('a request to be there again', async () => (await api.call('GET', '/users/online/count')).status === 200);
});

test('a caller who guesses keys is stopped by address, and finds no right one; others at the address go on',
  bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--trusted-proxy', '127.0.0.1'] });
  const from = (address) => ({ headers: { 'x-forwarded-for': address } });
  const ask = async (key, address) => (await new Api(daemon, key).call('GET', '/users/online', from(address))).status;
  assert.equal(await ask(keys.read, '192.0.2.7'), 200);
  let wrong = 0;
  while ((await ask(`a-guess-number-${String(wrong).padStart(6, '0')}`, '192.0.2.7')) === 401)
    assert.ok((wrong += 1) < 200, 'guessing has no end');
  assert.ok(wrong >= 60, `${wrong} guesses`);
  const { headers } = await new Api(daemon, 'one-more-guess-000').refused(
    429,
    'rate_limited',
    'GET',
    '/users/online',
    from('192.0.2.7'),
  );
  assert.equal(headers.get('retry-after'), '1');
  assert.equal(await ask(keys.read, '192.0.2.7'), 200);
  assert.equal(await ask(keys.read, '192.0.2.8'), 200);
  assert.equal(await ask('a-wrong-key-from-elsewhere', '192.0.2.8'), 401);
  // A right key that comes from this address for the first time looks like one more guess.
  const statuses = [];
  for (let n = 0; n < 5; n += 1)
    statuses.push(await ask(`a-guess-number-${n}`.padEnd(20, 'x'), '192.0.2.7'), await ask(keys.publish, '192.0.2.7'));
  assert.ok(statuses.includes(429), statuses.join());
  assert.equal(await ask(null, '192.0.2.7'), 401, 'no key is no guess');
  const numbers = await metricsOf(daemon);
  assert.ok(numbers.get('hiky_api_limited_total{limit="wrong_keys"}') >= 2);
});

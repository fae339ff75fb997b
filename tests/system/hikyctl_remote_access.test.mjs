// SPDX-License-Identifier: Apache-2.0
// hikyctl over the HTTP API: which daemon it asks, with which key, and how it says no.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { fails, remotely, stage, tool, well } from './support/hikyctl_remote.mjs';
import { folder, startRedis } from './support/redis.mjs';

test('what only Redis can tell is a wrong usage that names --redis', bounded, async () => {
  for (const words of [
    ['status'],
    ['rooms'],
    ['top'],
    ['tail', 'tea'],
    ['fsck'],
    ['user', 'add', 'x'],
    ['user', 'remove', 'x'],
    ['friend', 'a', 'b'],
  ]) {
    await fails(
      2,
      /is not possible over the API, which --url \(or HIKY_URL\) asks for; it needs Redis itself: --redis URL, or --data DIR\. See: hikyctl /,
      remotely(...words),
    );
  }
  await fails(2, /say --yes/, remotely('cleanup'));
});

test('place and key come by flag or environment, and two places are refused', bounded, async () => {
  const { daemon, file } = stage;
  const env = {
    HIKY_URL: `${daemon.url}/`,
    HIKY_API_KEY_FILE: file,
    HIKY_REDIS: 'redis://127.0.0.1:1',
    HIKY_REDIS_DB_WS: '7',
  };
  assert.match(await well(tool([], ['online'], env)), /^alice\nbob\n/);
  assert.match(
    await well(tool(['--redis', `unix://${daemon.redisSocket}`, '--redis-db-ws', '1'], ['online'], env)),
    /^alice\nbob\n/,
  );
  for (const flag of ['--redis=unix:///nowhere', '--data=/nowhere', '--redis-db-ws=3', '--redis-ca=x']) {
    await fails(
      2,
      new RegExp(`--url and --api-key-file are for an instance's API, ${flag.split('=')[0]} is for Redis`),
      remotely(flag, 'online'),
    );
  }
  await fails(2, /--api-key-file goes with --url/, tool(['--api-key-file', file], ['online']));
  await fails(2, /--url: 'ftp:\/\/x' is not a web address/, tool(['--url', 'ftp://x'], ['online']));
  await fails(2, /--url can't have a query/, tool(['--url', `${daemon.url}/?a`], ['online']));
  await fails(
    2,
    /the API wants a key; name a file that has one with --api-key-file/,
    tool(['--url', daemon.url], ['online']),
  );
  await fails(
    2,
    /--api-key-file: there is no such file; expected a file's name, or env:NAME/,
    tool(['--url', daemon.url, '--api-key-file', '/nowhere/keys'], ['online']),
  );
});

test('a key is chosen, refused and never shown', bounded, async (t) => {
  const { daemon } = stage;
  const place = await folder(t);
  const holding = async (name, text) => {
    await writeFile(join(place, name), text);
    return (...words) => tool(['--url', daemon.url, '--api-key-file', join(place, name)], words);
  };
  const reader = await holding('reader', `# only to look\n\n \t${keys.read} read # first\n${keys.all}\n`);
  assert.match(await well(reader('online', '--count')), /^\d+\n$/);
  await fails(
    1,
    /this key has not the scope admin, which this needs; put a key with that scope first in \S+\/reader, or give the scope/,
    reader('cleanup', '--yes'),
  );
  const stranger = await holding('stranger', 'a-key-that-nobody-knows-of\n');
  await fails(
    1,
    /this key is not known here; expected the first key in \S+\/stranger to be one that the daemon has/,
    stranger('online'),
  );
  const broken = await holding('broken', 'too-short\n');
  await fails(2, /line 1: the key is shorter than 16 characters/, broken('online'));
  for (const [ask, secret] of [[reader, keys.read], [stranger, 'a-key-that-nobody-knows-of'], [broken, 'too-short']]) {
    assert.ok(!(await ask('cleanup', '--yes')).stderr.includes(secret));
  }
});

test('a daemon without keys, one that is away and a server of another kind are told apart', bounded, async (t) => {
  const closed = await daemonWith(t);
  const asks = (url, ...words) => tool(['--url', url, '--api-key-file', stage.file], words);
  await fails(
    1,
    /the HTTP API is closed; hikyd opens it to the keys of a file: --api-key-file FILE/,
    asks(closed.url, 'online'),
  );
  await fails(
    3,
    /^hikyctl: http:\/\/127\.0\.0\.1:1\/api\/v1\/users\/online: no connection: .*; check --url \(or HIKY_URL\), and that a hikyd answers there$/m,
    asks('http://127.0.0.1:1', 'online'),
  );
  await fails(3, /check --url/, asks('http://127.0.0.1:1', 'health'));
  const server = createServer((request, response) => response.writeHead(200).end('<h1>hello</h1>'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  for (const word of ['online', 'health']) await fails(1, /status 200, which is no answer of a hikyd/, asks(url, word));
  await fails(1, /that is no message id|messageId|message id/i, remotely('explain', 'message', 'nonsense'));
});

test('an instance that lost its Redis is unhealthy with exit code 1', bounded, async (t) => {
  const data = await folder(t);
  const flags = await keyFile(data);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  await redis.stop();
  const asks = (...words) => tool(['--url', daemon.url, '--api-key-file', flags[1]], words);
  const { code, stdout } = await asks('health');
  assert.deepEqual([code, JSON.parse(stdout).status], [1, 'unhealthy']);
  await fails(1, /^hikyctl: /, asks('online'));
});

test('https checks the certificate', bounded, async (t) => {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'first', 'DNS:localhost,IP:127.0.0.1');
  const flags = await keyFile(place);
  const daemon = await daemonWith(t, '--tls-cert', cert, '--tls-key', key, ...flags);
  const asks = (env) => tool(['--url', daemon.url, '--api-key-file', flags[1]], ['online', '--count'], env);
  assert.equal(await well(asks({ SSL_CERT_FILE: by.file })), '0\n');
  await fails(3, /its certificate is not trusted/, asks({}));
});

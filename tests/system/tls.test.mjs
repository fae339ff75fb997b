// SPDX-License-Identifier: Apache-2.0
// TLS in process: the same daemon behind it, the versions that it speaks, and certificates that change while it runs.
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { runDaemon } from './support/daemon.mjs';
import { handshake } from './support/peer.mjs';
import { atEnd, bounded as within, program, run, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { get, metric, secured, secureSocket } from './support/tls.mjs';

test('chat over wss works as without, large frames and close codes included', bounded, async (t) => {
  const stage = await secured(t);
  const { daemon, trust } = stage;
  assert.match(daemon.url, /^https:/);
  const alice = await clientAs(t, 'alice', daemon.url, trust);
  const bob = await clientAs(t, 'bob', daemon.url, trust);
  for (const one of [alice, bob]) await one.join('tea');
  for (const size of [1, 100, 16_384, 60_000]) {
    const content = 'z'.repeat(size);
    alice.say({ type: 'message', roomId: 'tea', content });
    await bob.hears({ type: 'message', content });
  }
  // Many at once, both ways.
  for (let n = 0; n < 50; n += 1) bob.say({ type: 'message', roomId: 'tea', content: n });
  for (let n = 0; n < 50; n += 1) await alice.hears({ type: 'message', content: n });
  const store = await look(t, daemon.redisSocket);
  assert.equal(JSON.parse(await store.command('HGET', 'ws:clients', 'alice')).ipAddress, '127.0.0.1');
  const { code } = await run(program('HIKYCTL', 'hikyctl'), [
    '--redis',
    `unix://${daemon.redisSocket}`,
    'disconnect',
    'alice',
  ]);
  assert.equal(code, 0);
  assert.equal((await within('the end', alice.closed)).code, 4403);
  await bob.leaves();
  assert.equal((await get(daemon, '/health', stage.ca)).status, 200);
});

test('TLS 1.2 and 1.3 are spoken, with HTTP/1.1 by ALPN; older ones are refused', bounded, async (t) => {
  const stage = await secured(t);
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const socket = await secureSocket(t, stage, {
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    assert.equal(socket.getProtocol(), version);
    assert.equal(socket.alpnProtocol, 'http/1.1');
    assert.ok(socket.authorized);
  }
  for (const old of ['-tls1', '-tls1_1']) {
    const { code, stdout } = await run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${stage.daemon.port}`,
      old,
      '-cipher',
      'DEFAULT@SECLEVEL=0',
    ]);
    assert.notEqual(code, 0);
    assert.match(stdout, /Cipher is \(NONE\)/);
  }
  assert.ok(await metric(stage, 'hiky_tls_handshakes_failed_total') >= 2);
});

test('who offers no HTTP/1.1 by ALPN is told so', bounded, async (t) => {
  const stage = await secured(t);
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    await assert.rejects(
      secureSocket(t, stage, { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'spdy/3'] }),
      { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' },
    );
    assert.equal(
      (await secureSocket(t, stage, { minVersion: version, maxVersion: version, ALPNProtocols: [] })).alpnProtocol,
      false,
    );
  }
});

test('who speaks no TLS gets no answer, and the next is served', bounded, async (t) => {
  const stage = await secured(t);
  const plain = connectPlain({ port: stage.daemon.port, host: '127.0.0.1' });
  atEnd(t, () => plain.destroy());
  plain.on('error', () => {});
  plain.write(handshake());
  plain.resume();
  await within('the end', new Promise((resolve) => plain.once('close', resolve)));
  await clientAs(t, 'alice', stage.daemon.url, stage.trust);
});

test('SIGHUP changes the certificate; a broken pair leaves the old one in use and says so', bounded, async (t) => {
  const stage = await secured(t);
  const { daemon, place, by, certFile, keyFile, trust } = stage;
  const shown = async () => (await secureSocket(t, stage)).getPeerCertificate().subject.CN;
  const early = await clientAs(t, 'early', daemon.url, trust);
  assert.equal(await shown(), 'first');
  const second = await certificate(place, by, 'second', 'IP:127.0.0.1');
  await copyFile(second.cert, certFile);
  daemon.signal('SIGHUP');
  await until('the mismatch to be told', () => /tls\.not_reloaded.*key/.test(daemon.told.stderr));
  assert.equal(await shown(), 'first');
  await copyFile(second.key, keyFile);
  daemon.signal('SIGHUP');
  await until('the new certificate', async () => (await shown()) === 'second');
  await writeFile(certFile, 'nothing of the kind');
  daemon.signal('SIGHUP');
  await until('the failure to be told', () =>
    /the certificate in \S+used\.pem cannot be used/.test(daemon.told.stderr),
  );
  assert.equal(await shown(), 'second');
  await early.ask({ type: 'ping' });
});

test('keys that do not work are refused at start', bounded, async (t) => {
  const place = await folder(t);
  const by = await authority(place);
  const one = await certificate(place, by, 'one', 'DNS:localhost');
  const other = await certificate(place, by, 'other', 'DNS:localhost');
  const starts = (...flags) => runDaemon('--listen', '127.0.0.1:0', '--data', place, ...flags);
  const missing = await starts('--tls-cert', join(place, 'none.pem'), '--tls-key', one.key);
  assert.deepEqual(
    [missing.code, missing.stderr],
    [2, `hikyd: --tls-cert: ${join(place, 'none.pem')} cannot be read\n`],
  );
  const mixed = await starts('--tls-cert', one.cert, '--tls-key', other.key);
  assert.equal(mixed.code, 2);
  assert.match(mixed.stderr, /other\.key cannot be used: key values mismatch/);
  assert.equal((await starts('--tls-cert', one.cert)).code, 2);
});

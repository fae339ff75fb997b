// SPDX-License-Identifier: Apache-2.0
// TLS in process: the same daemon behind it, certificates that change while it runs, and peers who stop halfway.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonWith, runDaemon } from './support/daemon.mjs';
import { handshake } from './support/peer.mjs';
import { text } from './support/frames.mjs';
import { atEnd, bounded as within, pause, program, run, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';

async function secured(t, ...flags) {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'first', 'DNS:localhost,IP:127.0.0.1');
  const [certFile, keyFile] = [join(place, 'used.pem'), join(place, 'used.key')];
  await copyFile(cert, certFile);
  await copyFile(key, keyFile);
  const daemon = await daemonWith(t, '--tls-cert', certFile, '--tls-key', keyFile, ...flags);
  const ca = await readFile(by.file);
  return { place, by, ca, certFile, keyFile, daemon, trust: { ca } };
}

const get = (daemon, path, ca) => new Promise((resolve, reject) => {
  https.get(`${daemon.url}${path}`, { ca, agent: false }, (answer) => {
    let body = '';
    answer
      .setEncoding('utf8')
      .on('data', (part) => (body += part))
      .on('end', () => resolve({ status: answer.statusCode, body }));
  }).on('error', reject);
});

const metric = async ({ daemon, ca }, name) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await get(daemon, '/metrics', ca)).body)[1]);

// A TLS connection that says what it is told to.
async function secureSocket(t, { daemon, ca }, options = {}) {
  const socket = tls.connect({ port: daemon.port, host: '127.0.0.1', ca, ...options });
  atEnd(t, () => socket.destroy());
  await within('TLS', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
  socket.on('error', () => {});
  return socket;
}

const files = async (daemon) => (await readdir(`/proc/${daemon.pid}/fd`)).length;

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

test('a handshake that stops halfway is given up after ten seconds', bounded, async (t) => {
  const stage = await secured(t);
  const before = await files(stage.daemon);
  const began = Date.now();
  const silent = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const socket = connectPlain({ port: stage.daemon.port, host: '127.0.0.1' });
    atEnd(t, () => socket.destroy());
    socket.on('error', () => {}).resume();
    if (n % 2) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await new Promise((resolve) => socket.once('close', resolve));
    return Date.now() - began;
  }));
  assert.ok(Math.min(...silent) >= 9_000 && Math.max(...silent) < 20_000, `${silent}`);
  await until('all files to be closed', async () => (await files(stage.daemon)) <= before);
});

test('a slow reader is slow through the tunnel too: it is closed as slow, and nothing of it stays',
  { timeout: 120_000 }, async (t) => {
  const stage = await secured(t, '--limit-outbox', '131072', '--rate-messages', '0', '--rate-requests', '0');
  const { daemon, trust } = stage;
  const alice = await clientAs(t, 'alice', daemon.url, trust);
  await alice.join('tea');
  const before = await files(daemon);
  const slow = await secureSocket(t, stage);
  slow.write(handshake());
  slow.write(text(JSON.stringify({ type: 'register', userId: 'slow' })));
  slow.write(text(JSON.stringify({ type: 'joinRoom', roomId: 'tea' })));
  await until(
    'the slow one to have joined',
    async () => (await alice.ask({ type: 'joinRoom', roomId: 'tea' })).participantCount === 2,
  );
  slow.pause();
  const content = 'x'.repeat(32_000);
  let said = 0;
  // Bounded by what the kernel holds on either side of the tunnel, the outbox, and a little more.
  for (
    ;
    said < 2000 && (said % 20 !== 0 || (await metric(stage, 'hiky_slow_connections_closed_total')) === 0);
    said += 1
  ) {
    await alice.ask({ type: 'message', roomId: 'tea', content });
  }
  assert.equal(
    await metric(stage, 'hiky_slow_connections_closed_total'),
    1,
    `${said} messages of 32 kB disappeared somewhere`,
  );
  // It neither reads nor hangs up, and is dropped all the same.
  await until('its files to be closed', async () => (await files(daemon)) <= before, 30_000);
  await alice.ask({ type: 'ping' });
});

test('a flooding writer is held back through the tunnel', bounded, async (t) => {
  // Bob may be slow: the writer is what is tested.
  const stage = await secured(t, '--rate-messages', '0', '--limit-outbox', '20000000');
  const alice = await clientAs(t, 'alice', stage.daemon.url, stage.trust);
  await alice.join('tea');
  const bob = await clientAs(t, 'bob', stage.daemon.url, stage.trust);
  await bob.join('tea');
  const count = 300;
  for (let n = 0; n < count; n += 1)
    alice.say({ type: 'message', roomId: 'tea', content: `${n} ${'w'.repeat(20_000)}` });
  for (let n = 0; n < count; n += 1) assert.ok((await bob.hears({ type: 'message' })).content.startsWith(`${n} `));
});

test('who is gone in the middle of a long answer is noticed at once', bounded, async (t) => {
  const stage = await secured(t, ...(await keyFile(await folder(t))));
  const ask = (line, body = '') =>
    `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.all}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const before = await files(stage.daemon);
  const raw = connectPlain({ port: stage.daemon.port, host: '127.0.0.1' });
  const gone = await secureSocket(t, stage, { socket: raw });
  for (const [status, request] of [
    [200, ask('PUT /api/v1/rooms/tea/members/alice')],
    [201, ask('POST /api/v1/rooms/tea/messages', JSON.stringify({ content: 'x'.repeat(60_000) }))],
  ]) {
    gone.write(request);
    const [answer] = await within('an answer', once(gone, 'data'));
    assert.match(answer.toString(), new RegExp(`^HTTP/1.1 ${status}`));
  }
  gone.pause();
  // More than the kernel holds.
  gone.write(ask('GET /api/v1/rooms/tea/messages').repeat(100));
  await pause(1_000);
  raw.resetAndDestroy();
  await until('its files to be closed', async () => (await files(stage.daemon)) <= before, 5_000);
});

test('connections that come and go leave no files behind', bounded, async (t) => {
  const stage = await secured(t);
  await get(stage.daemon, '/health', stage.ca);
  const before = await files(stage.daemon);
  for (let n = 0; n < 10; n += 1) {
    const some = await Promise.all(
      Array.from({ length: 10 }, (_, i) => clientAs(t, `user ${i}`, stage.daemon.url, stage.trust)),
    );
    await Promise.all(some.map((one, i) => (i % 2 ? one.leaves() : one.vanishes())));
  }
  await until('all files to be closed', async () => (await files(stage.daemon)) <= before);
});

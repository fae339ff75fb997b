// SPDX-License-Identifier: Apache-2.0
// The proxies that are believed about the address of a client: by header, by PROXY protocol, and not at all.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { daemonWith, runDaemon } from './support/daemon.mjs';
import { text } from './support/frames.mjs';
import { handshake, peerOf } from './support/peer.mjs';
import { atEnd, bounded as within, until } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
function proxied(address, { command = 0x21, family = 0x11, size } = {}) {
  const rest = Buffer.concat([
    Buffer.from(address.split('.').map(Number)),
    Buffer.from([127, 0, 0, 1, 0x12, 0x34, 0, 80]),
  ]);
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(size ?? rest.length, 2);
  return Buffer.concat([signature, head, rest]);
}

// The address in Redis of a client that comes with `before` in front and `headers` in the handshake.
let people = 0;
async function addressOf(t, daemon, { before = [], headers = {} } = {}) {
  const user = `user ${(people += 1)}`;
  const peer = await peerOf(t, daemon.port);
  await peer.send(...before, handshake(headers));
  assert.equal((await peer.answer()).status, 101);
  await peer.send(text(JSON.stringify({ type: 'register', userId: user })));
  assert.match((await peer.frame()).payload.toString(), /"registered"/);
  const store = await look(t, daemon.redisSocket);
  const client = JSON.parse(await store.command('HGET', 'ws:clients', user));
  const [, connection] = await store.command('HGETALL', `ws:user_connections:${user}`);
  assert.equal(JSON.parse(connection).ip, client.ipAddress ?? '');
  return client.ipAddress;
}

const forwarded = (...values) => ({ headers: { 'X-Forwarded-For': values } });

test('without a trusted proxy nobody is believed', bounded, async (t) => {
  const daemon = await daemonWith(t);
  assert.equal(await addressOf(t, daemon), '127.0.0.1');
  assert.equal(await addressOf(t, daemon, forwarded('192.0.2.1')), '127.0.0.1');
});

test('a proxy that is not among the trusted ones is not believed', bounded, async (t) => {
  const daemon = await daemonWith(t, '--trusted-proxy', '10.0.0.0/8', '--trusted-proxy', '127.0.0.2');
  assert.equal(await addressOf(t, daemon, forwarded('192.0.2.1')), '127.0.0.1');
});

test('a trusted proxy is believed for the last hop that is not trusted itself', bounded, async (t) => {
  const daemon = await daemonWith(t, '--trusted-proxy', '127.0.0.0/8', '--trusted-proxy', '10.0.0.0/8');
  assert.equal(await addressOf(t, daemon, forwarded('192.0.2.1')), '192.0.2.1');
  assert.equal(await addressOf(t, daemon, forwarded('198.51.100.9, 192.0.2.1, 10.0.0.7')), '192.0.2.1');
  assert.equal(await addressOf(t, daemon, forwarded('198.51.100.9', '192.0.2.1', '10.0.0.7')), '192.0.2.1');
  assert.equal(await addressOf(t, daemon, forwarded('2001:db8::1')), '2001:db8::1');
  assert.equal(await addressOf(t, daemon, forwarded('nonsense')), '127.0.0.1');
  assert.equal(await addressOf(t, daemon), '127.0.0.1');
});

test('limits per address count the client behind the proxy', bounded, async (t) => {
  const daemon = await daemonWith(t, '--trusted-proxy', '127.0.0.1', '--limit-address-connections', '2');
  for (let n = 0; n < 2; n += 1) await addressOf(t, daemon, forwarded('192.0.2.1'));
  const third = await peerOf(t, daemon.port);
  await third.send(handshake({ 'X-Forwarded-For': '192.0.2.1' }));
  assert.equal((await third.answer()).status, 429);
  await addressOf(t, daemon, forwarded('192.0.2.2'));
});

test('with --no-ip-address no address reaches Redis', bounded, async (t) => {
  const daemon = await daemonWith(t, '--no-ip-address');
  assert.equal(await addressOf(t, daemon), undefined);
});

test('with --proxy-protocol the header in front names the client', bounded, async (t) => {
  const daemon = await daemonWith(t, '--proxy-protocol', '--trusted-proxy', '127.0.0.1');
  assert.equal(await addressOf(t, daemon, { before: [proxied('192.0.2.1')] }), '192.0.2.1');
  // An address that such a client names itself is not believed.
  assert.equal(
    await addressOf(t, daemon, { before: [proxied('192.0.2.1')], ...forwarded('198.51.100.9') }),
    '192.0.2.1',
  );
  // The proxy's own health check.
  assert.equal(await addressOf(t, daemon, { before: [proxied('192.0.2.1', { command: 0x20 })] }), '127.0.0.1');
  // In two pieces.
  const peer = await peerOf(t, daemon.port);
  const whole = proxied('192.0.2.1');
  await peer.send(whole.subarray(0, 14));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await peer.send(whole.subarray(14), handshake());
  assert.equal((await peer.answer()).status, 101);
});

test('with --proxy-protocol, a peer that sends no header or a wrong one gets no answer', bounded, async (t) => {
  const daemon = await daemonWith(t, '--proxy-protocol', '--trusted-proxy', '127.0.0.1');
  for (const wrong of [
    handshake(),
    'PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n',
    proxied('192.0.2.1', { command: 0x31 }),
    proxied('192.0.2.1', { size: 5000 }),
    signature,
  ]) {
    const peer = await peerOf(t, daemon.port);
    await peer.send(wrong);
    peer.socket.end();
    await peer.ends();
  }
  const { stderr } = daemon.told;
  await until(
    'the refusals to be told',
    () => (daemon.told.stderr.match(/proxy\.refused/g) ?? []).length === 5,
    5_000,
  ).catch(() => assert.fail(stderr));
});

test('with --proxy-protocol, a peer that is not a trusted proxy is cut off', bounded, async (t) => {
  const daemon = await daemonWith(t, '--proxy-protocol', '--trusted-proxy', '127.0.0.2');
  const peer = await peerOf(t, daemon.port);
  await peer.send(proxied('192.0.2.1'), handshake());
  await peer.ends();
  const socket = createConnection({ port: daemon.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  atEnd(t, () => socket.destroy());
  socket.write(Buffer.concat([proxied('192.0.2.1'), Buffer.from(handshake())]));
  const [answer] = await within(
    'an answer',
    new Promise((resolve) => socket.once('data', (bytes) => resolve([bytes.toString()]))),
  );
  assert.match(answer, /^HTTP\/1\.1 101/);
});

test('many connections that are no proxy’s are all counted, and told of now and then', bounded, async (t) => {
  const daemon = await daemonWith(
    t,
    '--proxy-protocol',
    '--trusted-proxy',
    '127.0.0.1',
    '--workers',
    '1',
    '--rate-accepts',
    '1000:1000',
  );
  const peers = await Promise.all(Array.from({ length: 300 }, () => peerOf(t, daemon.port)));
  for (const peer of peers) await peer.send(handshake());
  for (const peer of peers) await peer.ends();
  const looker = await peerOf(t, daemon.port);
  await looker.send(proxied('192.0.2.1'), 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match((await looker.answer()).body, /^hiky_proxy_connections_refused_total 300$/m);
  const lines = daemon.told.stderr.match(/proxy\.refused/g).length;
  assert.ok(lines >= 100 && lines < 200, `${lines} lines`);
});

test('the PROXY header stands in front of TLS', bounded, async (t) => {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'one', 'IP:127.0.0.1');
  const daemon = await daemonWith(
    t,
    '--proxy-protocol',
    '--trusted-proxy',
    '127.0.0.1',
    '--tls-cert',
    cert,
    '--tls-key',
    key,
  );
  const plain = createConnection({ port: daemon.port, host: '127.0.0.1' });
  atEnd(t, () => plain.destroy());
  plain.write(proxied('192.0.2.1'));
  const socket = tls.connect({ socket: plain, ca: await readFile(by.file), host: '127.0.0.1' });
  socket.write(handshake());
  socket.write(text(JSON.stringify({ type: 'register', userId: 'alice' })));
  const store = await look(t, daemon.redisSocket);
  const client = await until(
    'alice to be there',
    async () => (await store.command('HGET', 'ws:clients', 'alice')) ?? undefined,
  );
  assert.equal(JSON.parse(client).ipAddress, '192.0.2.1');
});

test('proxies that make no sense are refused at start', bounded, async (t) => {
  const data = await folder(t);
  for (const [flags, why] of [
    [['--trusted-proxy', '10.0.0.1/8'], /^hikyd: --trusted-proxy: '10\.0\.0\.1\/8' is no address range; expected/],
    [['--trusted-proxy', 'proxy.example'], /is no address range/],
    [['--proxy-protocol'], /^hikyd: --proxy-protocol: nobody may send the header; name the proxy with --trusted-proxy/],
  ]) {
    const ended = await runDaemon('--listen', '127.0.0.1:0', '--data', join(data, 'x'), ...flags);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, why);
  }
});

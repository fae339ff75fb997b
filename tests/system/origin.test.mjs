// SPDX-License-Identifier: Apache-2.0
// The sites whose pages may connect. A browser sends the Origin header by itself, and no page can change it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { daemonWith, runDaemon } from './support/daemon.mjs';
import { handshake, peerOf } from './support/peer.mjs';
import { folder } from './support/redis.mjs';

async function statusFor(t, daemon, headers) {
  const peer = await peerOf(t, daemon.port);
  await peer.send(handshake(headers));
  return peer.answer();
}

test('without --origin, pages of the same host may connect, and programs', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const host = `127.0.0.1:${daemon.port}`;
  for (const [headers, status] of [
    [{ Host: host }, 101],
    [{ Host: host, Origin: `http://${host}` }, 101],
    [{ Host: 'chat.example', Origin: 'https://chat.example' }, 101],
    [{ Host: host, Origin: 'https://evil.example' }, 403],
    [{ Host: host, Origin: 'http://127.0.0.1:1' }, 403],
    [{ Host: host, Origin: 'null' }, 403],
  ]) {
    assert.equal((await statusFor(t, daemon, headers)).status, status, JSON.stringify(headers));
  }
  const refused = await statusFor(t, daemon, { Host: host, Origin: 'https://evil.example' });
  assert.match(refused.body, /pages of this origin may not connect here; an operator can allow it with --origin/);
});

test('--origin names the pages that may connect, and no others', bounded, async (t) => {
  const daemon = await daemonWith(t, '--origin', 'https://*.example', '--origin', 'http://localhost:3000');
  for (const [origin, status] of [
    [undefined, 101],
    ['https://chat.example', 101],
    ['http://localhost:3000', 101],
    ['http://chat.example', 403],
    [`http://127.0.0.1:${daemon.port}`, 403],
  ]) {
    assert.equal((await statusFor(t, daemon, { Origin: origin })).status, status, origin);
  }
  const all = await daemonWith(t, '--origin', '*');
  assert.equal((await statusFor(t, all, { Origin: 'null' })).status, 101);
  const { code, stderr } = await runDaemon('--data', await folder(t), '--origin', 'chat.example');
  assert.equal(code, 2);
  assert.match(stderr, /--origin: 'chat\.example' is not an origin; expected SCHEME:/);
});

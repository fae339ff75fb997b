// SPDX-License-Identifier: Apache-2.0
// Conformance of the data path to RFC 6455, judged at ws_echo: echo/*.mjs hold the cases, in the groups that the
// field's conformance suites use. Each file exports `cases`: a name and a function of `open`. `open` gives a peer with
// its handshake done, and takes other headers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { op, text } from './frames.mjs';
import { webSocketOf } from './peer.mjs';
import { launch, program } from './processes.mjs';

export const megabyte = 1 << 20;
export const startEcho = (method, ...flags) =>
  launch(program('WS_ECHO', 'ws_echo'), ['--listen', '127.0.0.1:0', '--batch-send', method, ...flags], /^ws_echo ready on ws:\/\/127\.0\.0\.1:(\d+) \(send: (\w+)\)$/);

// Fails at the first frame that is no answer to a sent one.
export async function closesWith(peer, code, within) {
  const told = await peer.closed(within);
  assert.equal(told.code, code, told.reason);
  if (code !== 1000) assert.ok(told.reason.length > 0, 'the reason is empty');
  await peer.ends(3_000);
}

// Sends in pieces of `size` bytes, each of its own.
export async function chopped(peer, bytes, size) {
  for (let at = 0; at < bytes.length; at += size) {
    await peer.send(bytes.subarray(at, at + size));
    // The pause keeps the pieces apart on the way.
    if (bytes.length < 2_000) await new Promise((resolve) => setImmediate(resolve));
  }
}

// A whole end: both sides send a close frame, and the server hangs up.
export async function leavesWell(peer, closing) {
  await peer.send(closing);
  await closesWith(peer, 1000);
}

export async function echoes(peer, opcode, payload, ...bytes) {
  await peer.send(...bytes);
  return peer.receives(opcode, payload, 30_000);
}

// Registers the cases of all groups, for one way of sending.
export function conformance(method, groups) {
  let echo;
  before(async () => {
    echo = await startEcho(method, '--max-message', String(16 * megabyte), '--max-fragments', '70000');
    assert.equal(echo.match[2], method, `this kernel does not allow ${method} here`);
  });
  after(() => echo.stopWell());
  for (const [group, cases] of Object.entries(groups)) {
    test(group, { concurrency: 8, timeout: 120_000 }, async (t) => {
      const one = ([name, body]) => t.test(name, { timeout: 60_000 }, (each) => body((changes) => webSocketOf(each, Number(echo.match[1]), changes), echo, each));
      await Promise.all(Object.entries(cases).map(one));
    });
  }
  test('after all that the server is well', async (t) => {
    const peer = await webSocketOf(t, Number(echo.match[1]));
    await echoes(peer, op.text, 'Hello', text('Hello'));
    assert.equal(echo.told.stderr, '');
  });
}

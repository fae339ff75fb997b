// SPDX-License-Identifier: Apache-2.0
// A start that the daemon refuses: with the documented exit code, and one line that says why.
import assert from 'node:assert/strict';
import { runDaemon } from './daemon.mjs';

export const [runtime, usage, noRedis] = [1, 2, 3];

// Fails with `code` and one line that begins with the program's name and matches all of `says`. Before it may stand
// what was logged.
export async function refuses(code, flags, ...says) {
  const told = await runDaemon(...flags);
  const shown = `${flags.join(' ')}: ${told.code}\n${told.stderr}`;
  assert.equal(told.code, code, shown);
  assert.equal(told.stdout, '', shown);
  const line = /^(?:[\d-]{10}T\S+ \w+ \S+\.\S+ .*\n)*(hikyd: [^\n]+)\n$/.exec(told.stderr)?.[1];
  assert.ok(line, shown);
  for (const each of says) assert.match(line, each, shown);
}

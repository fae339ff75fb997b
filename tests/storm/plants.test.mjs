// SPDX-License-Identifier: Apache-2.0
// The planted bugs still fit the sources. tests/storm/plants/run shows whether the storm catches them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = fileURLToPath(new URL('plants', import.meta.url));
const patches = readdirSync(folder).filter((name) => name.endsWith('.patch'));

test('every planted bug can be planted', () => {
  assert.ok(patches.length >= 8);
  for (const name of patches)
    execFileSync('git', ['apply', '--check', `${folder}/${name}`], { cwd: root, stdio: 'pipe' });
});

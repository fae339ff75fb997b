// SPDX-License-Identifier: Apache-2.0
// The longest turn of a daemon's loops (turns.c), where there is a C compiler, and no sanitizer to be loaded first.
import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sanitized } from './pairs.mjs';
import { atEnd } from './processes.mjs';
import { folder } from './redis.mjs';

const nothing = { env: {}, longest: async () => 0, isMeasured: false };

export async function turnsOf(t) {
  if (sanitized) return nothing;
  const at = await folder(t);
  const library = join(at, 'turns.so'), file = join(at, 'turns');
  const source = fileURLToPath(new URL('turns.c', import.meta.url));
  const compiler = ['cc', 'clang', 'clang-19'].find((name) => {
    try {
      execFileSync(name, ['-shared', '-fPIC', '-O1', '-o', library, source], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  if (!compiler) return nothing;
  await writeFile(file, Buffer.alloc(8));
  const turns = await open(file, 'r+');
  atEnd(t, () => turns.close());
  return {
    env: { LD_PRELOAD: library, TURNS_FILE: file },
    isMeasured: true,
    // In ms, since the last call.
    async longest() {
      const { buffer } = await turns.read(Buffer.alloc(8), 0, 8, 0);
      await turns.write(Buffer.alloc(8), 0, 8, 0);
      return Number(buffer.readBigInt64LE()) / 1e6;
    },
  };
}

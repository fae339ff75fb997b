// SPDX-License-Identifier: Apache-2.0
// The progress of long work of hikyctl: shown to a person at a terminal, and nowhere else.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { program, run } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const hikyctl = program('HIKYCTL', 'hikyctl');
const keys = 60_000;

async function stage(t) {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const store = await look(t, redis.socket);
  const fill = `for n = 1, ${keys} do redis.call('SET', 'ws:last_seen:u' .. n, '2026-01-31T12:00:00.000Z') end return 1`;
  return { data, redis, fill: () => store.command('EVAL', fill, 0) };
}

// util-linux's script runs a program at a terminal; only stderr goes there, since stdout goes to a file.
async function atTerminal({ data, redis }, words) {
  const out = join(data, 'out');
  const { code, stdout: terminal } = await run('script', [
    '-qec',
    `'${hikyctl}' --redis '${redis.url}' ${words} >'${out}'`,
    '/dev/null',
  ]);
  return { code, terminal, out: await readFile(out, 'utf8') };
}

const work = {
  cleanup: { words: ['cleanup', '--yes'], line: /^cleanup: (\d+) keys removed$/, told: /^removed 60000 keys/ },
  fsck: { words: ['fsck', '--wait', '0'], line: /^fsck: (\d+) of about \d+ keys$/, told: /^$/ },
};

for (const [name, { words, line, told }] of Object.entries(work)) {
  test(`${name} says on a terminal how far it is, in one line that is gone in the end`, bounded, async (t) => {
    const on = await stage(t);
    await on.fill();
    const { code, terminal, out } = await atTerminal(on, words.join(' '));
    assert.equal(code, 0, terminal);
    assert.match(out, told);
    assert.doesNotMatch(terminal, /\n/);
    assert.ok(terminal.endsWith('\r\x1b[K'), JSON.stringify(terminal));
    const counts = terminal
      .slice(0, -'\r\x1b[K'.length)
      .split('\r')
      .slice(1)
      .map((text) => Number(line.exec(text.replace(/\x1b\[K$/, ''))?.[1]));
    assert.ok(
      counts.length > 0 && counts.every((n, at) => n >= (counts[at - 1] ?? 0) && n <= keys),
      JSON.stringify(terminal),
    );
  });

  test(`${name} says nothing of that to a pipe`, bounded, async (t) => {
    const on = await stage(t);
    await on.fill();
    const { code, stdout, stderr } = await run(hikyctl, ['--redis', on.redis.url, ...words]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, told);
  });
}

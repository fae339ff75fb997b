// SPDX-License-Identifier: Apache-2.0
// Plays transcripts/*.txt, each on a daemon of its own. TRANSCRIPT=name plays one.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { play, readTranscript } from './support/transcript.mjs';

const folder = fileURLToPath(new URL('transcripts', import.meta.url));
const only = process.env.TRANSCRIPT;
const names = (await readdir(folder)).filter((name) => name.endsWith('.txt') && (!only || name === `${only}.txt`)).sort();

test('transcripts', { concurrency: 6, timeout: 120_000 }, async (t) => {
  const one = async (name) => {
    const transcript = await readTranscript(join(folder, name));
    return t.test(`${name}: ${transcript.title}`, { timeout: 60_000 }, (each) => play(each, transcript));
  };
  await Promise.all(names.map(one));
});

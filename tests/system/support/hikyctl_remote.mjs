// SPDX-License-Identifier: Apache-2.0
// hikyctl over the HTTP API, and the direct one beside it, on one daemon for the file that imports this. alice and bob
// are here, and two messages wait for carol.
import assert from 'node:assert/strict';
import { keyFile } from './api.mjs';
import { clientAs } from './client.mjs';
import { startDaemon } from './daemon.mjs';
import { atEnd, program, run, until } from './processes.mjs';
import { folder } from './redis.mjs';
import { staged } from './stage.mjs';

const hikyctl = program('HIKYCTL', 'hikyctl');

export const tool = (where, words, env) => run(hikyctl, [...where, ...words], { env });
export const remotely = (...words) => tool(['--url', stage.daemon.url, '--api-key-file', stage.file], words);
export const directly = (...words) => tool(['--redis', `unix://${stage.daemon.redisSocket}`], words);

export async function well(answer) {
  const { code, stdout, stderr } = await answer;
  assert.deepEqual([code, stderr], [0, ''], stdout);
  return stdout;
}
export const json = async (answer) => JSON.parse(await well(answer));

// One line on stderr, which matches.
export async function fails(code, pattern, answer) {
  const got = await answer;
  assert.deepEqual([got.code, got.stdout], [code, ''], got.stderr);
  assert.match(got.stderr, pattern);
  assert.equal(got.stderr.trimEnd().split('\n').length, 1, got.stderr);
}

// Both ways say the same, as JSON and as lines. `blur` takes out what changes while one looks.
export async function agree(words, blur = (text) => text) {
  for (const face of [[], ['--json']]) {
    const [there, here] = [await remotely(...face, ...words), await directly(...face, ...words)];
    assert.deepEqual(
      [there.code, blur(there.stdout), there.stderr],
      [here.code, blur(here.stdout), here.stderr],
      words.join(' '),
    );
  }
}

export const odd = 'a/b ?&#%+é💬';

export const stage = staged(async (_, ends) => {
  const data = await folder(ends);
  const flags = await keyFile(data);
  stage.file = flags[1];
  stage.daemon = await startDaemon({ data, flags });
  atEnd(ends, () => stage.daemon.stopWell());
  const { url } = stage.daemon;
  const alice = await clientAs(ends, 'alice', url, { headers: { 'user-agent': 'phone' } });
  const bob = await clientAs(ends, 'bob', url);
  await alice.join('tea');
  await bob.join('tea');
  await bob.join(odd);
  await well(directly('user', 'add', 'alice', '--name', 'Alice'));
  await well(directly('room', 'add-member', 'tea', 'carol', odd));
  await well(directly('send', 'tea', '{"n": 12345678901234567890123}', '--raw', '--from', 'alice'));
  stage.message = (await json(directly('--json', 'send', 'tea', 'two\twords', '--from', 'bob'))).messageId;
  await until('both messages', async () => (await json(directly('--json', 'queue', 'carol'))).count === 2);
});

// SPDX-License-Identifier: Apache-2.0
// `lastSeen` of a user moves with the user's frames, and costs no write per message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonWith } from './support/daemon.mjs';
import { until } from './support/processes.mjs';
import { look } from './support/redis.mjs';

test('lastSeen moves for a user who talks, stays for a silent one, and is written seldom',
  { timeout: 60_000 }, async (t) => {
  const daemon = await daemonWith(t, '--rate-messages', '0', '--workers', '1');
  const redis = await look(t, daemon.redisSocket);
  const seen = async (user) => JSON.parse(await redis.command('HGET', 'ws:clients', user)).lastSeen;
  const writes = async () => Number(/cmdstat_hset:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))[1]);
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  const begin = { alice: await seen('alice'), bob: await seen('bob'), writes: await writes() };
  for (let n = 0; n < 300; n += 1) await alice.ask({ type: 'message', roomId: 'tea', content: n });
  await until('alice to be seen', async () => (await seen('alice')) > begin.alice, 20_000);
  assert.equal(await seen('bob'), begin.bob);
  const entry = JSON.parse(await redis.command('HGET', 'ws:clients', 'alice'));
  assert.deepEqual(Object.keys(entry), ['connectedAt', 'lastSeen', 'ipAddress', 'connections']);
  // The room's head takes one for each; it is begun and renewed, and lastSeen told once or twice.
  const extra = (await writes()) - begin.writes - 300;
  assert.ok(extra < 10, `${extra} more writes of hashes than messages`);
});

// SPDX-License-Identifier: Apache-2.0
// Two daemons under one name would end each other's connections: the second is told so, and does no harm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor, runDaemon } from './support/daemon.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

test('a second daemon under the name of a living one is refused', { timeout: 60_000 }, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const first = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'same'] });
  const alice = await clientAs(t, 'alice', first.url);
  await alice.join('tea');
  const { code, stdout, stderr } = await runDaemon('--listen', '127.0.0.1:0', '--redis', redis.url, '--instance-id', 'same');
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.equal(stderr, "hikyd: another hikyd runs as instance 'same' on this Redis; stop that one, or choose another --instance-id\n");
  const store = await look(t, redis.socket);
  assert.equal(await store.command('SISMEMBER', 'ws:online_users', 'alice'), 1);
  assert.equal((await alice.ask({ type: 'message', roomId: 'tea', content: 'still here' })).type, 'messageAck');
  // And the name of a daemon is free when the daemon has been killed.
  await first.stop('SIGKILL');
  const next = await daemonFor(t, { redis: redis.url, flags: ['--instance-id', 'same'] });
  assert.equal((await fetch(`${next.url}/health`)).status, 200);
});

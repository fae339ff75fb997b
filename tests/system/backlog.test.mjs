// SPDX-License-Identifier: Apache-2.0
// The backlog behind the request under way: 256 requests or 256 KiB. Then the connection is not read from until some
// are done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { pause, until } from './support/processes.mjs';
import { folder, startRedis } from './support/redis.mjs';

const oneRead = 16 * 1024; // requests that are already read when the backlog is full are taken all the same

// alice says `count` messages with `padding` bytes each while Redis hangs. Returns the number of messages that were
// taken meanwhile.
async function fill(t, count, padding) {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: ['--rate-messages', '0', '--rate-requests', '0', '--limit-outbox', `${16 << 20}`],
  });
  const numbers = () => metricsOf(daemon);
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  const before = (await numbers()).get('hiky_frames_received_total');
  const content = (n) => `${n} ${'x'.repeat(padding)}`;
  const size = JSON.stringify({ type: 'message', roomId: 'tea', content: content(count), id: `${count}` }).length;
  redis.signal('SIGSTOP');
  let taken;
  try {
    for (let n = 1; n <= count; n += 1) alice.say({ type: 'message', roomId: 'tea', content: content(n), id: `${n}` });
    await until('the backlog to be full', async () => (await numbers()).get('hiky_full_backlogs_total') === 1);
    await pause(100);
    taken = (await numbers()).get('hiky_frames_received_total') - before;
    await pause(200);
    assert.equal((await numbers()).get('hiky_frames_received_total') - before, taken, 'it is read on');
  } finally {
    redis.signal('SIGCONT');
  }
  // All messages are sent, and in order.
  for (let n = 1; n <= count; n += 1) {
    await alice.hears({ type: 'messageAck', id: `${n}` });
    await bob.hears({ type: 'message', content: content(n), seq: n });
  }
  assert.equal((await alice.ask({ type: 'ping' })).type, 'pong');
  const now = await numbers();
  assert.equal(now.get('hiky_frames_received_total') - before, count + 1);
  assert.ok(now.get('hiky_full_backlogs_total') >= 1);
  return { taken, size };
}

test('behind a request 256 others wait and no more are read; all are done in order', bounded, async (t) => {
  const { taken, size } = await fill(t, 1500, 0);
  assert.ok(taken >= 257 && taken <= 257 + oneRead / size, `${taken} of 1500 were taken`);
});

test('behind a request 256 KiB wait and no more are read; all are done in order', bounded, async (t) => {
  const { taken, size } = await fill(t, 60, 30_000);
  const room = (256 * 1024) / size;
  assert.ok(
    taken >= 1 + room && taken <= 1 + room + oneRead / size + 1,
    `${taken} of 60 were taken, ${size} bytes each`,
  );
});

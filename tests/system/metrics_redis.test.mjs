// SPDX-License-Identifier: Apache-2.0
// The metrics of Redis and of the other instances on it: connections, outages, the bus, leases and sweeps.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { metricsOf } from './support/exposition.mjs';
import { until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

test('Redis’s numbers are by database, and a reconnect is one more connect', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  await writeFile(join(data, 'secrets'), 'a secret for the cookies\n');
  const flags = [
    '--workers',
    '1',
    '--auth',
    'open',
    '--auth',
    'session',
    '--session-secret',
    join(data, 'secrets'),
    '--room-policy',
    'hook',
    '--room-hook',
    'http://127.0.0.1:1/',
  ];
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  const connects = async () => {
    const now = await metricsOf(daemon);
    return ['app', 'ws', 'cache', 'session'].map((db) => now.get(`hiky_redis_connects_total{db="${db}"}`));
  };
  await until('all connections', async () => (await connects()).join() === '1,1,1,1');
  const trips = async (db) => (await metricsOf(daemon)).get(`hiky_redis_round_trip_seconds_count{db="${db}"}`);
  const before = [await trips('app'), await trips('ws')];
  await clientAs(t, 'alice', daemon.url);
  assert.ok((await trips('app')) > before[0] && (await trips('ws')) > before[1]);
  const store = await look(t, redis.socket);
  for (const type of ['normal', 'pubsub']) await store.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  await until('all connections to be there again', async () => (await connects()).join() === '2,2,2,2');
  await redis.stop('SIGKILL');
  await until('failures of each', async () => {
    const now = await metricsOf(daemon);
    return ['app', 'ws', 'cache', 'session'].every(
      (db) => now.get(`hiky_redis_connect_failures_total{db="${db}"}`) > 0,
    );
  });
});

test('the bus, the lease and an outage show', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--lease', '2'] });
  await until('the first canary', async () => (await metricsOf(daemon)).get('hiky_bus_lag_seconds') > 0);
  const calm = await metricsOf(daemon);
  assert.equal(calm.get('hiky_bus_up'), 1);
  assert.ok(calm.get('hiky_lease_renewals_total') >= 1 && calm.get('hiky_lease_age_seconds') < 2);
  assert.deepEqual(
    ['hiky_lease_losses_total', 'hiky_lease_failures_total', 'hiky_gaps_total', 'hiky_sweeps_total'].map((name) =>
      calm.get(name),
    ),
    [0, 0, 0, 0],
  );
  await redis.stop('SIGKILL');
  await until('the outage to show', async () => {
    const now = await metricsOf(daemon);
    return (
      now.get('hiky_bus_up') === 0 &&
      now.get('hiky_lease_failures_total') > 0 &&
      now.get('hiky_redis_connect_failures_total') > 0
    );
  });
  await startRedis(t, data);
  // It has lost everything.
  await until('the loss to show', async () => {
    const now = await metricsOf(daemon);
    return (
      now.get('hiky_bus_up') === 1 && now.get('hiky_lease_losses_total') === 1 && now.get('hiky_lease_age_seconds') < 2
    );
  }, 15_000);
});

test('an instance that ends another one’s connections counts them', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t));
  const flags = ['--lease', '2'];
  const one = await daemonFor(t, { redis: redis.url, flags });
  const two = await daemonFor(t, { redis: redis.url, flags: [...flags, '--instance-id', 'two'] });
  for (const name of ['alice', 'bob', 'carol']) await clientAs(t, name, two.url);
  await two.stop('SIGKILL');
  const now = await until('the sweep', async () => {
    const seen = await metricsOf(one);
    return seen.get('hiky_sweeps_total') === 1 && seen;
  }, 15_000);
  assert.equal(now.get('hiky_swept_connections_total'), 3);
});

// SPDX-License-Identifier: Apache-2.0
// The whole state over the HTTP API: explained, spoilt by other programs, deleted, and out of reach.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { matches } from './support/match.mjs';
import { until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);

test('a user and a message are explained', bounded, async (t) => {
  const { api, daemon } = stage;
  const gus = await clientAs(t, 'gus', daemon.url);
  await gus.join('why');
  await api.put('/rooms/why/members/hal');
  const { messageId } = await api.post('/rooms/why/messages', { senderId: 'hal', content: 1 });
  matches(
    {
      userId: 'gus',
      online: true,
      connections: [{ id: gus.connectionId, instance: 'one' }],
      rooms: [{ roomId: 'why', joined: true }],
      problems: [],
    },
    await api.get('/explain/users/gus'),
  );
  matches({ userId: 'hal', online: false, mail: { queued: 0 } }, await api.get('/explain/users/hal'));
  const all = await api.get(`/explain/messages/${messageId}`);
  matches({ messageId, roomId: 'why', kept: true, senderId: 'hal', members: 2 }, all);
  assert.deepEqual(Object.fromEntries(all.recipients.map(({ userId, outcome }) => [userId, outcome])), {
    gus: 'routed',
    hal: 'sent',
  });
  const one = await api.get(`/explain/messages/${encodeURIComponent(messageId)}?room=why&user=gus`);
  assert.deepEqual(one.recipients.map(({ userId }) => userId), ['gus']);
  await api.refused(400, 'invalid_argument', 'GET', '/explain/messages/nonsense');
  await api.refused(400, 'invalid_argument', 'GET', `/explain/messages/${messageId}?room=`);
  await api.refused(404, 'not_found', 'GET', '/explain/messages/000000000000:1');
});

test('what other programs have left in Redis hides nobody', bounded, async (t) => {
  const { api, daemon } = stage;
  const redis = await look(t, daemon.redisSocket);
  await redis.command('HSET', 'ws:clients', 'odd', 'no json', 'fine', '{"connectedAt":"then"}');
  await redis.command('SET', 'ws:room_members:odd', 'a string');
  const { items } = await api.get('/clients');
  assert.deepEqual(
    items.filter(({ userId }) => ['odd', 'fine'].includes(userId)),
    [
      { userId: 'fine', data: { connectedAt: 'then' } },
      { userId: 'odd', data: {} },
    ],
  );
  await api.refused(500, 'internal', 'GET', '/rooms/odd/members');
  await until('the reason in the log', () => /api\.failed .*WRONGTYPE/.test(daemon.told.stderr));
  await redis.command('DEL', 'ws:room_members:odd');
  await redis.command('HDEL', 'ws:clients', 'odd', 'fine');
});

test('Redis’s own words come by section', bounded, async () => {
  const info = await stage.api.get('/redis/info');
  assert.match(info.Server.redis_version, /^\d+\./);
  assert.ok(Number(info.Memory.used_memory) > 0);
});

test('cleanup needs its sentence, deletes what is under ws: and nothing else', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--lease', '2'] });
  const api = new Api(daemon);
  const [chat, directory] = [await look(t, daemon.redisSocket), await look(t, daemon.redisSocket, 0)];
  await directory.command('SET', 'mine', 'stays');
  await chat.command('SET', 'other', 'stays');
  const fay = await clientAs(t, 'fay', daemon.url);
  await fay.join('tea');
  for (const json of [{}, { confirm: true }, { confirm: 'yes' }, { confirm: 'delete all ws data', force: true }]) {
    await api.refused(400, 'invalid_argument', 'POST', '/maintenance/cleanup', { json });
  }
  assert.equal((await api.get('/users/online/count')).count, 1);
  const { removed } = await api.post('/maintenance/cleanup', { confirm: 'delete all ws data' });
  assert.ok(removed >= 5, `${removed} keys`);
  assert.deepEqual([await directory.command('GET', 'mine'), await chat.command('GET', 'other')], ['stays', 'stays']);
  // The instances put back the users who are connected.
  await until('fay to be back', async () => (await api.get('/users/online/count')).count === 1, 15_000);
});

test('while Redis is away, the API says so at once and asks to try again', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags: await keyFile(data) });
  const api = new Api(daemon);
  await redis.stop('SIGKILL');
  await until('the outage to show', async () => (await api.call('GET', '/users/online')).status === 503);
  for (const path of [
    '/users/online',
    '/users/anna',
    '/instances',
    '/typing',
    '/rooms/tea/messages',
    '/clients',
    '/redis/info',
  ]) {
    const { headers, detail } = await api.refused(503, 'unavailable', 'GET', path);
    assert.equal(headers.get('retry-after'), '1');
    assert.ok(!detail.includes('sock'), 'where Redis is, is nobody’s business');
  }
  await api.refused(503, 'unavailable', 'POST', '/rooms/tea/messages', { json: { senderId: 'anna', content: 1 } });
  await startRedis(t, data);
  await until('Redis to be back', async () => (await api.call('GET', '/users/online')).status === 200, 15_000);
});

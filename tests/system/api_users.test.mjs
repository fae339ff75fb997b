// SPDX-License-Identifier: Apache-2.0
// Users over the HTTP API: looked at, sent a frame, put out, and their mail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { matches } from './support/match.mjs';
import { until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);

test('a user is shown as Redis and the directory know them', bounded, async (t) => {
  const { api, daemon } = stage;
  const directory = await look(t, daemon.redisSocket, 0);
  await directory.command('HSET', 'hiky:user:anna', 'username', 'anna', 'name', 'Anna A.', 'profileImage', 'a.png');
  matches(
    {
      id: 'anna',
      username: 'anna',
      name: 'Anna A.',
      profileImage: 'a.png',
      online: false,
      lastSeen: null,
      connections: 0,
      rooms: 0,
      typingIn: null,
      queued: 0,
      dropped: 0,
      bannedSeconds: 0,
    },
    await api.get('/users/anna'),
  );
  const [one, two] = [
    await clientAs(t, 'anna', daemon.url, { headers: { 'user-agent': 'phone' } }),
    await clientAs(t, 'anna', daemon.url),
  ];
  await one.join('tea');
  one.say({ type: 'typing', roomId: 'tea', isTyping: true });
  await until('the typing to show', async () => (await api.get('/users/anna')).typingIn === 'tea');
  matches({ online: true, lastSeen: '$time', connections: 2, rooms: 1 }, await api.get('/users/anna'));
  assert.deepEqual(await api.get('/users/anna/rooms'), { items: ['tea'], count: 1, next: null });
  const { items } = await api.get('/users/anna/connections');
  assert.deepEqual(items.map(({ id }) => id).sort(), [one.connectionId, two.connectionId].sort());
  matches(
    { instance: 'one', since: '$time', ip: '127.0.0.1', agent: 'phone' },
    items.find(({ id }) => id === one.connectionId),
  );
  assert.deepEqual(await api.get('/typing'), { items: [{ userId: 'anna', roomId: 'tea' }], count: 1, next: null });
  const clients = await api.get('/clients');
  matches(
    { userId: 'anna', data: { connectedAt: '$time', ipAddress: '127.0.0.1' } },
    clients.items.find(({ userId }) => userId === 'anna'),
  );
  assert.ok((await api.get('/users/online')).items.includes('anna'));
  assert.equal((await api.get('/users/online/count')).count, (await api.get('/users/online')).count);
  matches(
    { online: false, username: '', name: '', profileImage: '', connections: 0 },
    await api.get('/users/nobody%20at%20all'),
  );
});

test('a frame for a user reaches all their connections on all instances, and nobody else', bounded, async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const flags = await keyFile(data);
  const [one, two] = [
    await daemonFor(t, { redis: redis.url, flags }),
    await daemonFor(t, { redis: redis.url, flags: [...flags, '--instance-id', 'two'] }),
  ];
  const devices = [
    await clientAs(t, 'ben', one.url),
    await clientAs(t, 'ben', one.url),
    await clientAs(t, 'ben', two.url),
  ];
  const other = await clientAs(t, 'cleo', two.url);
  const api = new Api(one);
  const frame = '{ "type":"order.shipped" , "n":12345678901234567890123}';
  assert.deepEqual(await api.ok('POST', '/users/ben/messages', { body: `{"frame":${frame}}` }), {
    userId: 'ben',
    reached: true,
  });
  for (const device of devices) assert.equal(await device.raw(), frame);
  assert.deepEqual(await other.rest(), []);
  assert.deepEqual(await api.post('/users/nobody/messages', { frame: { type: 'x' } }), {
    userId: 'nobody',
    reached: false,
  });
  for (const frame of [1, [], {}, { type: 1 }, { type: '' }])
    await api.refused(400, 'invalid_argument', 'POST', '/users/ben/messages', { json: { frame } });
  matches(
    [
      { id: 'one', connections: 2 },
      { id: 'two', connections: 2 },
    ],
    (await api.get('/instances')).items.sort((a, b) => a.id.localeCompare(b.id)),
  );
  assert.ok(
    (await api.get('/instances')).items.every(
      ({ lease, leaseLeftMs, hearsTheBus }) =>
        lease === 'alive' && leaseLeftMs > 0 && leaseLeftMs <= 15_000 && hearsTheBus,
    ),
  );
});

test('a frame with an Idempotency-Key reaches the user once, and a repetition gives the first answer again',
  bounded, async (t) => {
  const { api, daemon } = stage;
  const [phone, laptop] = [await clientAs(t, 'kim', daemon.url), await clientAs(t, 'kim', daemon.url)];
  const json = { frame: { type: 'order.ready', table: 7 } };
  const send = (key, body = json, user = 'kim', as = api) =>
    as.call('POST', `/users/${user}/messages`, { json: body, headers: { 'idempotency-key': key } });
  const all = await Promise.all(Array.from({ length: 8 }, () => send('"frame-1"')));
  assert.deepEqual(
    new Set(all.map(({ status, raw }) => `${status} ${raw}`)),
    new Set(['200 {"userId":"kim","reached":true}']),
  );
  assert.equal(all.filter(({ headers }) => headers.get('idempotency-replayed') === 'true').length, 7);
  for (const device of [phone, laptop]) {
    await device.hears(json.frame);
    assert.deepEqual(await device.rest(), []);
  }
  // The first answer counts, whatever has changed since.
  assert.deepEqual((await send('nobody-yet', json, 'kai')).body, { userId: 'kai', reached: false });
  const kai = await clientAs(t, 'kai', daemon.url);
  assert.deepEqual((await send('nobody-yet', json, 'kai')).body, { userId: 'kai', reached: false });
  assert.deepEqual(await kai.rest(), []);

  const reused = (call) => api.refused(422, 'idempotency_key_reused', 'POST', ...call);
  const headers = { 'idempotency-key': 'frame-1' };
  await reused(['/users/kim/messages', { json: { frame: { type: 'order.ready', table: 8 } }, headers }]);
  await reused(['/users/kai/messages', { json, headers }]);
  await api.put('/rooms/frames/members/kim');
  await reused(['/rooms/frames/messages', { json: { content: 1 }, headers }]);
  await api.post('/rooms/frames/messages', { content: 1 }, { 'idempotency-key': 'message-1' });
  await reused(['/users/kim/messages', { json, headers: { 'idempotency-key': 'message-1' } }]);
  // Another caller's key is another key, and a refusal is no answer to keep.
  assert.equal((await send('frame-1', json, 'kim', api.as(keys.publish))).headers.get('idempotency-replayed'), null);
  await api.refused(400, 'invalid_argument', 'POST', '/users/kim/messages', {
    json: { frame: 1 },
    headers: { 'idempotency-key': 'mended' },
  });
  assert.equal((await send('mended')).status, 200);
  const redis = await look(t, daemon.redisSocket);
  const life = await redis.command('TTL', (await redis.command('KEYS', 'ws:idempotency:*:frame-1'))[0]);
  assert.ok(life > 86_400 && life <= 86_410, `${life} s`);
});

test('a user is put out, on every instance, and kept out for a while', bounded, async (t) => {
  const { api, daemon } = stage;
  const [phone, laptop] = [await clientAs(t, 'ivy', daemon.url), await clientAs(t, 'ivy', daemon.url)];
  assert.deepEqual(await api.post('/users/ivy/disconnect', { banSeconds: 60 }), {
    userId: 'ivy',
    connections: 2,
    bannedSeconds: 60,
  });
  for (const device of [phone, laptop]) assert.equal((await device.closed).code, 4403);
  const again = await clientAs(t, undefined, daemon.url);
  again.say({ type: 'register', userId: 'ivy' });
  assert.equal((await again.closed).code, 4403);
  const { bannedSeconds } = await api.get('/users/ivy');
  assert.ok(bannedSeconds > 50 && bannedSeconds <= 60, `${bannedSeconds} s`);
  assert.deepEqual(await api.delete('/users/ivy/ban'), { userId: 'ivy', pardoned: true });
  assert.equal((await api.get('/users/ivy')).bannedSeconds, 0);
  await clientAs(t, 'ivy', daemon.url);
  assert.deepEqual(await api.delete('/users/ivy/ban'), { userId: 'ivy', pardoned: false });
  assert.deepEqual(await api.ok('POST', '/users/nobody/disconnect'), {
    userId: 'nobody',
    connections: 0,
    bannedSeconds: 0,
  });
  await api.refused(400, 'invalid_argument', 'POST', '/users/ivy/disconnect', { json: { banSeconds: -1 } });
  await api.refused(400, 'invalid_argument', 'POST', '/users/ivy/disconnect', { json: { seconds: 1 } });
});

test('what waits for a user can be read and thrown away', bounded, async (t) => {
  const { api, daemon } = stage;
  await api.put('/rooms/mail/members/dan');
  await api.put('/rooms/mail/members/eli');
  for (let n = 1; n <= 3; n += 1) await api.post('/rooms/mail/messages', { senderId: 'eli', content: n });
  const redis = await look(t, daemon.redisSocket);
  await redis.command('LPUSH', 'ws:offline_messages:dan', 'poison', '[1]');
  const mail = await api.get('/users/dan/offline-messages');
  assert.deepEqual([mail.items.map(({ content }) => content), mail.count, mail.dropped], [[1, 2, 3], 3, 0]);
  assert.deepEqual(await api.delete('/users/dan/offline-messages'), { removed: 5 });
  assert.deepEqual(await api.get('/users/dan/offline-messages'), { items: [], count: 0, dropped: 0 });
  matches({ queued: 0 }, await api.get('/users/dan'));
});

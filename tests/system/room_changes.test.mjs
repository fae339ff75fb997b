// SPDX-License-Identifier: Apache-2.0
// A user who is put into a room or out of it, by the API or by another device, hears of it, and so does the room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { program, run } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

const events = { fields: { events: true } };

async function stage(t) {
  const data = await folder(t);
  const one = await daemonFor(t, { data, flags: await keyFile(data) });
  const redis = `unix://${one.redisSocket}`;
  const two = await daemonFor(t, { redis, flags: ['--instance-id', 'two'] });
  const alice = await clientAs(t, 'alice', one.url, events);
  await alice.join('tea');
  return { one, two, redis, alice, api: new Api(one) };
}
const quiet = async (...clients) => {
  for (const client of clients) assert.deepEqual(await client.rest(200), [], client.userId);
};

test('the API adds and removes a member: the room hears it, and the user’s connections do', bounded, async (t) => {
  const { one, two, alice, api } = await stage(t);
  const [phone, laptop] = [await clientAs(t, 'bob', one.url, events), await clientAs(t, 'bob', two.url, events)];
  const plain = await clientAs(t, 'bob', two.url);
  await api.put('/rooms/tea/members/bob');
  await alice.hears({ type: 'userJoined', roomId: 'tea', userId: 'bob' });
  for (const one of [phone, laptop])
    assert.deepEqual(JSON.parse(await one.raw()), { type: 'roomAdded', roomId: 'tea' });
  assert.equal((await api.put('/rooms/tea/members/bob')).changed, false);
  alice.say({ type: 'message', roomId: 'tea', content: 'hello' });
  for (const one of [phone, laptop, plain]) await one.hears({ type: 'message', content: 'hello' });

  await api.delete('/rooms/tea/members/bob');
  await alice.hears({ type: 'userLeft', roomId: 'tea', userId: 'bob' });
  for (const one of [phone, laptop])
    assert.deepEqual(JSON.parse(await one.raw()), { type: 'roomRemoved', roomId: 'tea' });
  await alice.ask({ type: 'message', roomId: 'tea', content: 'gone' });
  assert.equal((await api.delete('/rooms/tea/members/bob')).changed, false);
  await quiet(alice, phone, laptop, plain);
});

test('a member who is added while away is announced to the room, and so is one that hikyctl adds',
  bounded, async (t) => {
  const { redis, alice, api } = await stage(t);
  await api.put('/rooms/tea/members/carol');
  await alice.hears({ type: 'userJoined', roomId: 'tea', userId: 'carol' });
  const hikyctl = (...words) => run(program('HIKYCTL', 'hikyctl'), ['--redis', redis, 'room', ...words]);
  assert.equal((await hikyctl('add-member', 'tea', 'dan')).code, 0);
  await alice.hears({ type: 'userJoined', roomId: 'tea', userId: 'dan' });
  assert.equal((await hikyctl('remove-member', 'tea', 'dan')).code, 0);
  await alice.hears({ type: 'userLeft', roomId: 'tea', userId: 'dan' });
  await quiet(alice);
});

test('another device joins and leaves: the others are told, and the device itself hears its answers alone',
  bounded, async (t) => {
  const { one, two, alice } = await stage(t);
  const [phone, laptop, desk] = [
    await clientAs(t, 'bob', one.url, events),
    await clientAs(t, 'bob', two.url, events),
    await clientAs(t, 'bob', one.url, events),
  ];
  await phone.join('tea');
  await alice.hears({ type: 'userJoined', roomId: 'tea', userId: 'bob' });
  for (const other of [laptop, desk]) await other.hears({ type: 'roomAdded', roomId: 'tea' });
  for (let n = 0; n < 20; n += 1) {
    await laptop.ask({ type: 'leaveRoom', roomId: 'tea' });
    for (const other of [phone, desk]) await other.hears({ type: 'roomRemoved', roomId: 'tea' });
    await laptop.join('tea');
    for (const other of [phone, desk]) await other.hears({ type: 'roomAdded', roomId: 'tea' });
  }
  assert.deepEqual(
    (await alice.rest(200)).map((text) => JSON.parse(text).type),
    Array(20).fill(['userLeft', 'userJoined']).flat(),
  );
  await quiet(phone, laptop, desk);
});

test('a client that asked for no events gets no frame that the document does not have', bounded, async (t) => {
  const { one, api } = await stage(t);
  const bob = await clientAs(t, 'bob', one.url);
  const dan = await clientAs(t, 'dan', one.url);
  await dan.join('tea');
  await api.put('/rooms/tea/members/bob');
  await api.delete('/rooms/tea/members/bob');
  await quiet(bob, dan);
});

// SPDX-License-Identifier: Apache-2.0
// Nobody types for ever: a mark ends although Redis was slow, and although the instance that made it is gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { until } from './support/processes.mjs';
import { twoDaemons } from './support/two_instances.mjs';

async function inRooms(t, name, url, ...rooms) {
  const client = await clientAs(t, name, url);
  for (const room of rooms) await client.ask({ type: 'joinRoom', roomId: room });
  return client;
}

const types = (client, room, on = true) => client.say({ type: 'typing', roomId: room, isTyping: on });
const isTyping = (roomId, on, userId = 'alice') => ({ type: 'typing', userId, roomId, isTyping: on });
const keys = ['ws:typing_users', 'ws:typing_users:alice', 'ws:typing_marks'];
const noMarks = (store) => until('no mark to be left', async () => (await store.command('EXISTS', ...keys)) === 0);

test('a mark that Redis took late ends, and its end is told', bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, '--lease', '2');
  const alice = await inRooms(t, 'alice', one.url, 'tea');
  const bob = await inRooms(t, 'bob', two.url, 'tea');
  await store.command('CLIENT', 'PAUSE', 400);
  types(alice, 'tea');
  await bob.hears(isTyping('tea', true));
  await bob.hears(isTyping('tea', false), { within: 13_000 });
  await noMarks(store);
  assert.deepEqual(await bob.rest(), []);
});

test('a mark ends although its instance has gone, and the user is here by another', bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, '--lease', '2');
  const [alice, carol] = await Promise.all(['alice', 'carol'].map((name) => inRooms(t, name, one.url, 'tea')));
  const bob = await inRooms(t, 'bob', two.url, 'tea');
  await inRooms(t, 'alice', two.url);
  await inRooms(t, 'carol', two.url);
  types(alice, 'tea');
  await bob.hears(isTyping('tea', true));
  types(carol, 'tea');
  await bob.hears(isTyping('tea', true, 'carol'));
  await one.stop();
  const ends = [await bob.raw(14_000), await bob.raw(14_000)].map((text) => JSON.parse(text));
  ends.sort((a, b) => a.userId.localeCompare(b.userId));
  assert.deepEqual(ends, [isTyping('tea', false), isTyping('tea', false, 'carol')]);
  await noMarks(store);
  assert.deepEqual(await bob.rest(), []);
});

test('a user who types in one room, then in another, and is taken out of the first has stopped there',
  bounded, async (t) => {
  const { store, one, two } = await twoDaemons(t, '--lease', '2');
  const alice = await inRooms(t, 'alice', one.url, 'tea', 'go', 'chess');
  const tablet = await clientAs(t, 'alice', two.url);
  const bob = await inRooms(t, 'bob', two.url, 'tea', 'go', 'chess');
  for (const room of ['tea', 'go', 'chess']) {
    types(alice, room);
    await bob.hears(isTyping(room, true));
  }
  await new Api(two).call('DELETE', '/rooms/tea/members/alice');
  await bob.hears(isTyping('tea', false), { within: 2_000 });
  await tablet.ask({ type: 'leaveRoom', roomId: 'go' });
  await bob.hears(isTyping('go', false), { within: 2_000 });
  await bob.hears(isTyping('chess', false), { within: 13_000 });
  await noMarks(store);
  assert.deepEqual(await bob.rest(), []);
});

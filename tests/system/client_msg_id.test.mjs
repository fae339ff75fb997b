// SPDX-License-Identifier: Apache-2.0
// The promises of a clientMsgId: a repetition is no second message, for a day; every receiver sees the id; and it
// stands for one content.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, keyFile } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { pause } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';

async function stage(t, ...flags) {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...flags, ...(await keyFile(data))] });
  return { daemon, store: await look(t, daemon.redisSocket), api: new Api(daemon) };
}
const dedup = (store) => store.command('KEYS', 'ws:dedup:*');

test('a clientMsgId goes with its message: to others, own devices, history, replay and mail', bounded, async (t) => {
  const { daemon, api } = await stage(t);
  const phone = await clientAs(t, 'alice', daemon.url);
  await phone.join('tea');
  const laptop = await clientAs(t, 'alice', daemon.url);
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  await api.put('/rooms/tea/members/carol');
  const first = await phone.ask({ type: 'message', roomId: 'tea', content: 'without' });
  const { messageId } = await phone.ask({
    type: 'message',
    roomId: 'tea',
    content: 'kettle',
    clientMsgId: 'it’s "a-17"',
  });
  for (const one of [laptop, bob]) {
    await one.hears({ content: 'without', clientMsgId: '$absent' });
    await one.hears({ content: 'kettle', clientMsgId: 'it’s "a-17"', messageId });
  }
  const named = { content: 'kettle', clientMsgId: 'it’s "a-17"' };
  const check = (messages) =>
    assert.deepEqual(
      messages.map(({ content, clientMsgId }) => ({ content, clientMsgId })),
      [{ content: 'without', clientMsgId: undefined }, named],
    );
  check((await bob.ask({ type: 'history', roomId: 'tea' })).messages);
  check((await api.get('/rooms/tea/messages')).items);
  const carol = await clientAs(t, 'carol', daemon.url);
  check((await carol.hears({ type: 'offlineMessages' })).messages);
  const again = await clientAs(t, 'alice', daemon.url, { fields: { resume: { tea: first.messageId } } });
  await again.hears({ type: 'message', ...named });
});

test('the same clientMsgId with another content is refused as a conflict, and nothing is stored',
  bounded, async (t) => {
  const { daemon, store, api } = await stage(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  await alice.join('go');
  const say = (content, roomId = 'tea') => alice.ask({ type: 'message', roomId, content, clientMsgId: 'm1' });
  const stored = await say({ n: 1 });
  const refused = await say({ n: 2 });
  assert.deepEqual([refused.type, refused.code, refused.retryable], ['error', 'conflict', undefined]);
  assert.match(refused.message, /clientMsgId has come with another content/);
  assert.equal((await say('elsewhere', 'go')).duplicate, undefined);
  const again = await say({ n: 1 });
  assert.deepEqual([again.duplicate, again.messageId, again.timestamp], [true, stored.messageId, stored.timestamp]);
  await api.refused(409, 'conflict', 'POST', '/rooms/tea/messages', {
    json: { senderId: 'alice', content: 3, clientMsgId: 'm1' },
  });
  assert.equal(await store.command('XLEN', 'ws:room_log:tea'), 1);
  assert.equal(await store.command('HGET', 'ws:room_head:tea', 'seq'), '1');
});

test('a clientMsgId is remembered for a day', bounded, async (t) => {
  const { daemon, store, api } = await stage(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  await alice.ask({ type: 'message', roomId: 'tea', content: 1, clientMsgId: 'x'.repeat(128) });
  await api.post('/rooms/tea/messages', { content: 1 }, { 'idempotency-key': 'k1' });
  const life = async (pattern) =>
    Promise.all((await store.command('KEYS', pattern)).map((key) => store.command('TTL', key)));
  const [lives, keys] = [await life('ws:dedup:*'), await life('ws:idempotency:*')];
  assert.equal(lives.length, 2);
  for (const each of lives) assert.ok(each > 86_390 && each <= 86_400, `${lives}`);
  assert.ok(
    keys[0] > 86_400 && keys[0] <= 86_410,
    `a little longer, or another body would meet the first message: ${keys}`,
  );
  // Each clientMsgId is remembered in few bytes, however long the ids are.
  for (const key of await dedup(store)) assert.ok((await store.command('MEMORY', 'USAGE', key)) <= 136, key);
});

test('--dedup says how long a clientMsgId and an Idempotency-Key are remembered', bounded, async (t) => {
  const { daemon, store, api } = await stage(t, '--dedup', '1');
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const say = (content) => alice.ask({ type: 'message', roomId: 'tea', content, clientMsgId: 'm1' });
  await say('first');
  assert.equal((await say('first')).duplicate, true);
  await pause(1_100);
  assert.equal((await say('second')).type, 'messageAck');
  await api.post('/users/alice/messages', { frame: { type: 'x' } }, { 'idempotency-key': 'k1' });
  const [key] = await store.command('KEYS', 'ws:idempotency:*');
  assert.ok((await store.command('TTL', key)) <= 11);
});

test('an Idempotency-Key is told to no client, and a message that it stands for outlives a key that was taken first',
  bounded, async (t) => {
  const { daemon, store, api } = await stage(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  await api.post('/rooms/tea/messages', { content: 1 }, { 'idempotency-key': 'k1' });
  await alice.hears({ type: 'message', content: 1, clientMsgId: '$absent' });
  // The key's own life ends first when its first tries were refused.
  await store.command('DEL', ...(await store.command('KEYS', 'ws:idempotency:*')));
  await api.refused(422, 'idempotency_key_reused', 'POST', '/rooms/tea/messages', {
    json: { content: 2 },
    headers: { 'idempotency-key': 'k1' },
  });
});

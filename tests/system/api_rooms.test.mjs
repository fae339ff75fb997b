// SPDX-License-Identifier: Apache-2.0
// Rooms over the HTTP API: publishing, once and only once, history, and participants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { matches } from './support/match.mjs';
import { until } from './support/processes.mjs';
import { look } from './support/redis.mjs';
import { oneDaemon } from './support/stage.mjs';

const stage = oneDaemon(keyFile);

test('a message by API reaches everybody in the room, the sender’s own devices too, and waits for the absent',
  bounded, async (t) => {
  const { api, daemon } = stage;
  const [alice, bob] = [await clientAs(t, 'alice', daemon.url), await clientAs(t, 'bob', daemon.url)];
  await alice.join('tea');
  await bob.join('tea');
  await api.put('/rooms/tea/members/carol');
  const sent = await api.post('/rooms/tea/messages', { senderId: 'alice', content: { text: 'kettle is on', n: 1 } });
  matches({ roomId: 'tea', senderId: 'alice', messageId: '$any', timestamp: '$time' }, sent);
  for (const one of [alice, bob])
    await one.hears({
      type: 'message',
      roomId: 'tea',
      senderId: 'alice',
      messageId: sent.messageId,
      content: { text: 'kettle is on', n: 1 },
    });
  matches(
    { count: 1, dropped: 0, items: [{ messageId: sent.messageId }] },
    await api.get('/users/carol/offline-messages'),
  );
});

test('a content travels byte for byte', bounded, async (t) => {
  const { api, daemon } = stage;
  const dora = await clientAs(t, 'dora', daemon.url);
  await dora.join('bytes');
  const content = '{"big":12345678901234567890123, "e":1.50e+2 ,"u":"\\u00e9\\ud83d"}';
  await api.ok('POST', '/rooms/bytes/messages', { body: `{"senderId":"dora", "content" : ${content} }` });
  assert.ok((await dora.raw()).includes(`"content":${content},`));
  assert.ok((await api.call('GET', '/rooms/bytes/messages')).raw.includes(`"content":${content},`));
});

test('a user who is no member cannot be a sender, and the system can, in every room with a member',
  bounded, async (t) => {
  const { api, daemon } = stage;
  await api.refused(404, 'not_found', 'POST', '/rooms/empty/messages', { json: { content: 1 } });
  await api.refused(403, 'not_member', 'POST', '/rooms/empty/messages', { json: { content: 1, senderId: 'eve' } });
  const fred = await clientAs(t, 'fred', daemon.url);
  await fred.join('system room');
  await api.refused(403, 'not_member', 'POST', '/rooms/system%20room/messages', {
    json: { content: 1, senderId: 'eve' },
  });
  matches({ senderId: 'system' }, await api.post('/rooms/system%20room/messages', { content: 'maintenance at noon' }));
  await fred.hears({ type: 'message', senderId: 'system', content: 'maintenance at noon' });
  assert.deepEqual((await api.get('/rooms/system%20room/members')).items, ['fred']);
});

test('a repeated Idempotency-Key gives the first answer again and stores nothing', bounded, async (t) => {
  const { api, daemon } = stage;
  const gina = await clientAs(t, 'gina', daemon.url);
  await gina.join('once');
  const json = { senderId: 'gina', content: 'only once' };
  const send = (key, body = json, room = 'once', as = api) =>
    as.call('POST', `/rooms/${room}/messages`, { json: body, headers: { 'idempotency-key': key } });
  const all = await Promise.all(Array.from({ length: 8 }, () => send('"abc-1"')));
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(all.map(({ raw }) => raw)).size, 1);
  assert.equal(all.filter(({ headers }) => headers.get('idempotency-replayed') === 'true').length, 7);
  assert.equal((await send('abc-1')).raw, all[0].raw); // the quotes are the syntax, not the key
  await gina.hears({ type: 'message', content: 'only once' });
  assert.deepEqual(await gina.rest(), []);

  // A request with the same key that differs in any part is a mistake of the caller.
  for (const [body, room] of [
    [{ ...json, content: 'twice' }, 'once'],
    [{ content: 'only once' }, 'once'],
    [json, 'elsewhere'],
  ]) {
    const answer = await send('abc-1', body, room);
    assert.equal(answer.status, 422);
    assert.equal(answer.body.type, 'urn:hiky:problem:idempotency_key_reused');
  }
  // Another caller's key is another key.
  const other = await send('abc-1', json, 'once', api.as(keys.publish));
  assert.equal(other.status, 201);
  assert.notEqual(other.body.messageId, all[0].body.messageId);
  // A refusal is no answer to keep.
  await api.refused(403, 'not_member', 'POST', '/rooms/once/messages', {
    json: { senderId: 'hugo', content: 1 },
    headers: { 'idempotency-key': 'k2' },
  });
  await api.put('/rooms/once/members/hugo');
  assert.equal((await send('k2', { senderId: 'hugo', content: 1 })).status, 201);
  for (const key of ['""', 'a b', 'x'.repeat(129), 'a"b']) {
    await api.refused(400, 'invalid_argument', 'POST', '/rooms/once/messages', {
      json,
      headers: { 'idempotency-key': key },
    });
  }
});

test('a clientMsgId is stored once, across the API and the WebSocket', bounded, async (t) => {
  const { api, daemon } = stage;
  const ida = await clientAs(t, 'ida', daemon.url);
  await ida.join('ids');
  const { messageId } = await ida.ask({ type: 'message', roomId: 'ids', content: 1, clientMsgId: 'm1' });
  const again = await api.call('POST', '/rooms/ids/messages', {
    json: { senderId: 'ida', content: 1, clientMsgId: 'm1' },
  });
  assert.deepEqual(
    [again.status, again.body.messageId, again.headers.get('idempotency-replayed')],
    [201, messageId, 'true'],
  );
});

test('history comes page by page, back to the beginning and forward from a message', bounded, async () => {
  const { api } = stage;
  await api.put('/rooms/past/members/jo');
  const ids = [];
  for (let n = 1; n <= 7; n += 1)
    ids.push((await api.post('/rooms/past/messages', { senderId: 'jo', content: n })).messageId);
  const contents = (page) => page.items.map(({ content }) => content);
  assert.deepEqual((await api.pages('/rooms/past/messages', 3)).map(contents), [[5, 6, 7], [2, 3, 4], [1]]);
  assert.deepEqual((await api.pages('/rooms/past/messages', 7)).map(contents), [[1, 2, 3, 4, 5, 6, 7]]);
  const first = await api.get(`/rooms/past/messages?after=${ids[1]}&limit=2`);
  assert.deepEqual(contents(first), [3, 4]);
  await api.post('/rooms/past/messages', { senderId: 'jo', content: 8 }); // while somebody reads
  const second = await api.get(`/rooms/past/messages?limit=10&cursor=${first.next}`);
  assert.deepEqual([contents(second), second.next], [[5, 6, 7, 8], null]);
  assert.deepEqual(await api.get(`/rooms/past/messages?after=${ids[6].replace(/7$/, '8')}`), { items: [], next: null });
  assert.deepEqual(await api.get('/rooms/never/messages'), { items: [], next: null });
  await api.refused(400, 'invalid_argument', 'GET', '/rooms/past/messages?after=7');
  await api.refused(400, 'invalid_argument', 'GET', `/rooms/past/messages?after=${ids[0]}&cursor=${first.next}`);
  await api.refused(410, 'gone', 'GET', '/rooms/past/messages?after=000000000000:1');
});

test('members come and go by API, and their devices take part at once', bounded, async (t) => {
  const { api, daemon } = stage;
  const kim = await clientAs(t, 'kim', daemon.url);
  assert.deepEqual(await api.put('/rooms/club/members/kim'), {
    roomId: 'club',
    userId: 'kim',
    member: true,
    changed: true,
  });
  assert.deepEqual(await api.put('/rooms/club/members/kim'), {
    roomId: 'club',
    userId: 'kim',
    member: true,
    changed: false,
  });
  await api.put('/rooms/club/members/lea');
  await until('kim to hear the room', async () => {
    await api.post('/rooms/club/messages', { senderId: 'lea', content: 'welcome' });
    return (await kim.rest()).length > 0;
  });
  assert.deepEqual(await api.get('/rooms/club/members'), { items: ['kim', 'lea'], count: 2, next: null });
  assert.deepEqual(await api.get('/rooms/club/participants'), { items: ['kim'], count: 1, next: null });
  assert.deepEqual(await api.get('/rooms/club/joined'), { items: [], count: 0, next: null });
  await kim.join('club');
  assert.deepEqual((await api.get('/rooms/club/joined')).items, ['kim']);
  assert.deepEqual(await api.delete('/rooms/club/members/kim'), {
    roomId: 'club',
    userId: 'kim',
    member: false,
    changed: true,
  });
  assert.deepEqual(await api.delete('/rooms/club/members/kim'), {
    roomId: 'club',
    userId: 'kim',
    member: false,
    changed: false,
  });
  matches({ type: 'error', code: 'not_member' }, await kim.ask({ type: 'message', roomId: 'club', content: 1 }));
  assert.deepEqual((await api.get('/rooms/club/members')).items, ['lea']);
});

test('a list is cut into pages, each of its entries once, however it is changed meanwhile', bounded, async (t) => {
  const { api, daemon } = stage;
  const redis = await look(t, daemon.redisSocket);
  const names = Array.from({ length: 25 }, (_, n) => `user ${String(n).padStart(2, '0')}`);
  await redis.command('SADD', 'ws:room_members:short', ...names);
  const pages = await api.pages('/rooms/short/members', 10);
  assert.deepEqual(pages.map(({ items, count }) => [items.length, count]), [[10, 25], [10, 25], [5, 25]]);
  assert.deepEqual(pages.flatMap(({ items }) => items), names);
  // Users who stay are not skipped when a user leaves who has been shown already.
  const first = await api.get('/rooms/short/members?limit=10');
  await redis.command('SREM', 'ws:room_members:short', names[3]);
  assert.equal((await api.get(`/rooms/short/members?limit=10&cursor=${first.next}`)).items[0], names[10]);

  const many = Array.from({ length: 5000 }, (_, n) => `u${n}`);
  await redis.command('SADD', 'ws:room_members:long', ...many);
  const walked = await api.pages('/rooms/long/members', 500);
  assert.ok(walked.length > 5 && walked.every(({ items, count }) => items.length < 1000 && count === 5000));
  assert.deepEqual(new Set(walked.flatMap(({ items }) => items)), new Set(many));
});

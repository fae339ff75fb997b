// SPDX-License-Identifier: Apache-2.0
// People who talk in rooms, and the messages that they have got: live, by replay or by mail.
import assert from 'node:assert/strict';
import { clientAs } from './client.mjs';
import { text } from './frames.mjs';
import { webSocketOf } from './peer.mjs';
import { pause, until } from './processes.mjs';

export async function joined(t, user, url, room = 'tea', options = {}) {
  const client = await clientAs(t, user, url, options);
  await client.join(room);
  return client;
}

// Returns the messageId.
export async function say(client, content, room = 'tea') {
  const ack = await client.ask({ type: 'message', roomId: room, content });
  assert.equal(ack.type, 'messageAck', JSON.stringify(ack));
  return ack.messageId;
}

// Tries until Redis takes the message; meanwhile only `unavailable` is a right answer.
export const sayWhenTaken = (client, content, { room = 'tea', within = 20_000 } = {}) =>
  until(
    `${content} to be taken`,
    async () => {
      const told = await client.ask({ type: 'message', roomId: room, content });
      if (told.type === 'messageAck') return told;
      assert.deepEqual([told.code, told.retryable], ['unavailable', true], JSON.stringify(told));
      return pause(50).then(() => false);
    },
    within,
  );

// The contents of all messages in some frames, or in the frames that come in a while.
export const contents = (messages) => messages.map(({ content }) => content);
export const collect = (frames) =>
  frames.flatMap((frame) => (frame.type === 'message' ? [frame.content] : contents(frame.messages ?? [])));
export const collected = async (client, quiet = 400) =>
  collect((await client.rest(quiet)).map((each) => JSON.parse(each)));

// A client that reads no frame and answers no ping. Its kernel goes on reading, unless its socket is paused, too.
export async function deafPeer(t, port, headers, ...frames) {
  const peer = await webSocketOf(t, port, headers);
  await peer.send(...frames.map((frame) => text(JSON.stringify(frame))));
  return peer;
}

export const away = (store, user) =>
  until(`${user} to be away`, async () => (await store.command('SISMEMBER', 'ws:online_users', user)) === 0);
// Oldest first.
export const mailOf = async (store, user) =>
  (await store.command('LRANGE', `ws:offline_messages:${user}`, 0, -1))
    .map((each) => JSON.parse(each).content)
    .reverse();

// SPDX-License-Identifier: Apache-2.0
// The base of every browser test: one daemon and one Chromium for the file that imports this, and people who come and
// go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { bounded } from '../system/support/bounded.mjs';
import { atEnd, until as patiently } from '../system/support/processes.mjs';
import { folder } from '../system/support/redis.mjs';
import { staged } from '../system/support/stage.mjs';
import { enter, launch, message, person } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

const stage = staged(async (here, ends) => {
  here.daemon = await startDaemon({ data: await folder(ends) });
  atEnd(ends, () => here.daemon.stop());
  here.browser = await launch();
  atEnd(ends, () => here.browser.close());
});
let people = [];

export const address = () => stage.daemon.url;

// A test whose people leave at its end. A script error, refused content or a request to another host fails it.
// Rooms belong to one test each; names return, as people do.
export function scene(name, body) {
  test(name, bounded, async (t) => {
    people = [];
    t.after(() => Promise.all(people.map((page) => page.context().close())));
    await body(t);
    assert.deepEqual(people.flatMap((page) => page.wrong), []);
  });
}

// A person with the page open, not yet in.
export async function visit(options, url = address()) {
  const page = await person(stage.browser, url, options);
  people.push(page);
  return page;
}

export async function visitor(name, room, options, url) {
  const page = await visit(options, url);
  await enter(page, name, room);
  return page;
}

// A client that is not the page: it sends frames that the page would never send, and falls silent when the test wants.
export async function rawClient(t, name, room) {
  const socket = new WebSocket(`${address().replace('http', 'ws')}/ws`);
  t.after(() => socket.terminate());
  const frames = [];
  socket.on('message', (text) => frames.push(JSON.parse(text)));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const tell = (frame) => socket.send(JSON.stringify(frame));
  tell({ type: 'register', userId: name });
  tell({ type: 'joinRoom', roomId: room });
  await until(`${name} in ${room}`, () => frames.some((frame) => frame.type === 'joinedRoom'));
  return { tell, frames };
}

export const until = (what, probe, within = 20_000) =>
  patiently(what, async () => Boolean(await probe()), within, 50);

export const button = (page, name) => page.getByRole('button', { name, exact: true });
export const isTyping = (page, name) => page.getByTestId('typing').getByText(`${name} is typing`);
export const state = (page, text) => message(page, text).first().getAttribute('data-state');
export const sent = (page, text) => until(`"${text}" is sent`, async () => (await state(page, text)) === 'sent');

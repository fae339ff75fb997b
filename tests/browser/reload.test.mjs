// SPDX-License-Identifier: Apache-2.0
// A page that is loaded again over a slow link: a browser shows no frame that arrives behind its close, and no message
// is lost all the same.
import assert from 'node:assert/strict';
import { Gate } from '../system/support/gate.mjs';
import { pause } from '../system/support/processes.mjs';
import { address, rawClient, scene, until, visit } from './stage.mjs';

// In the page: registers, joins, and keeps the frames that come.
const enter = ([user, room]) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    const say = (frame) => socket.send(JSON.stringify(frame));
    globalThis.shown = [];
    socket.onopen = () => [{ type: 'register', userId: user }, { type: 'joinRoom', roomId: room }].forEach(say);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === 'message') globalThis.shown.push(frame.content);
      if (frame.type === 'offlineMessages') globalThis.shown.push(...frame.messages.map(({ content }) => content));
      if (frame.type === 'joinedRoom') resolve();
    };
  });

scene('what is said while a page reloads is shown when it is back', async (t) => {
  const target = new URL(address());
  const gate = await Gate.open({ host: target.hostname, port: Number(target.port) });
  t.after(() => gate.close());
  const bob = await rawClient(t, 'bob', 'reload');
  const page = await visit({}, `http://127.0.0.1:${gate.port}`);
  gate.delay = 200;
  await page.evaluate(enter, ['alice', 'reload']);
  for (let round = 1; round <= 4; round += 1) {
    // The old page gets frames until the new one takes its place. Then its Close is under way, for 200 ms.
    const [loaded, replaced] = [page.waitForEvent('load'), page.waitForEvent('framenavigated')];
    await page.evaluate(() => setTimeout(() => location.reload(), 0));
    await replaced;
    await pause(60);
    bob.tell({ type: 'message', roomId: 'reload', content: round, id: `round ${round}` });
    await until('the message to be acknowledged', () =>
      bob.frames.some(({ type, id }) => type === 'messageAck' && id === `round ${round}`),
    );
    await loaded;
    await page.evaluate(enter, ['alice', 'reload']);
    await until(`message ${round}`, () => page.evaluate((n) => globalThis.shown.includes(n), round), 5_000);
  }
  assert.equal(bob.frames.filter(({ type }) => type === 'error').length, 0);
});

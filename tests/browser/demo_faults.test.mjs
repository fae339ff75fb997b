// SPDX-License-Identifier: Apache-2.0
// The demo page under faults: hostile text, frames seen twice, refusals, a server that goes and comes back.
import assert from 'node:assert/strict';
import { atEnd } from '../system/support/processes.mjs';
import { folder } from '../system/support/redis.mjs';
import { message, online, say, someone, texts } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { address, button, rawClient, scene, sent, state, visit, visitor } from './stage.mjs';

scene('what people write stays text', async () => {
  const evil = '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">';
  const ann = await visitor('ann', 'ink & <b>paper</b>');
  const bob = await visitor('<i>bob</i>', 'ink & <b>paper</b>');
  await say(bob, evil);
  await message(ann, evil).waitFor();
  assert.equal(await message(ann, evil).locator('.by b').textContent(), '<i>bob</i>');
  await someone(ann, '<i>bob</i>').waitFor();
  assert.equal(await ann.locator('#log script, #log img, #people i, #title b').count(), 0);
  assert.doesNotMatch(await ann.title(), /owned/);
});

scene('content that is not text is shown as it is', async (t) => {
  const ann = await visitor('ann', 'shapes');
  const carl = await rawClient(t, 'carl', 'shapes');
  carl.tell({ type: 'message', roomId: 'shapes', content: { a: [1, null, '<b>'] } });
  await message(ann, '{"a":[1,null,"<b>"]}').waitFor();
});

scene('a frame that arrives twice is shown once', async () => {
  const twice = (page) => page.routeWebSocket('**/ws', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => server.send(text));
    server.onMessage((text) => (socket.send(text), socket.send(text)));
  });
  const ann = await visitor('ann', 'echo', { prepare: twice });
  const bob = await visitor('bob', 'echo');
  await say(bob, 'once');
  await say(bob, 'and only once');
  await message(ann, 'and only once').waitFor();
  await say(ann, 'mine too');
  await sent(ann, 'mine too');
  assert.deepEqual(await texts(ann), ['once', 'and only once', 'mine too']);
});

scene('a message whose confirmation got lost is sent again, and arrives once', async () => {
  const ids = [];
  const lossy = (page) => page.routeWebSocket('**/ws', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type === 'message') ids.push(frame.clientMsgId);
      server.send(text);
    });
    server.onMessage((text) => {
      if (JSON.parse(text).type !== 'messageAck' || ids.length > 1) return socket.send(text);
      server.close();
      return socket.close({ code: 1012, reason: 'cut before the confirmation' });
    });
  });
  const ann = await visitor('ann', 'lossy', { prepare: lossy });
  const bob = await visitor('bob', 'lossy');
  await say(ann, 'did you get this?');
  await sent(ann, 'did you get this?');
  await say(ann, 'and this?');
  await message(bob, 'and this?').waitFor();
  assert.equal(ids[1], ids[0]);
  for (const page of [ann, bob]) assert.deepEqual(await texts(page), ['did you get this?', 'and this?']);
});

scene('the page comes back after the time the server asked for', async () => {
  const opened = [];
  const drained = (page) => page.routeWebSocket('**/ws', (socket) => {
    opened.push(Date.now());
    if (opened.length === 1) setTimeout(() => socket.close({ code: 1001, reason: 'reconnect in 2500' }), 100);
    else socket.connectToServer();
  });
  const ann = await visit({ prepare: drained }, `${address()}/#drain`);
  await ann.getByLabel('Your name').fill('ann');
  await ann.getByRole('button', { name: 'Join' }).click();
  await ann.getByText('No connection.').waitFor();
  await online(ann);
  const waited = opened[1] - opened[0];
  assert.ok(waited >= 2_500 && waited < 5_000, `came back after ${waited} ms`);
});

scene('a refused message says why and can be sent again', async () => {
  let refuse = true;
  const grumpy = (page) => page.routeWebSocket('**/ws', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type !== 'message' || !refuse) return server.send(text);
      return socket.send(
        JSON.stringify({
          type: 'error',
          id: frame.id,
          code: 'too_large',
          message: 'That is too much',
          retryable: false,
        }),
      );
    });
  });
  const ann = await visitor('ann', 'grumpy', { prepare: grumpy });
  const bob = await visitor('bob', 'grumpy');
  await say(ann, 'again');
  await ann.getByText('Not sent: That is too much').waitFor();
  refuse = false;
  await button(ann, 'Try again').click();
  await message(bob, 'again').waitFor();
  await sent(ann, 'again');
});

scene('a server that does not let one in is quoted beside the name', async () => {
  const closed = (page) => page.routeWebSocket('**/ws', (socket) => socket.onMessage((text) => {
    const { id } = JSON.parse(text);
    socket.send(JSON.stringify({ type: 'error', id, code: 'unauthorized', message: 'Log in first', retryable: false }));
  }));
  const ann = await visit({ prepare: closed });
  await ann.getByLabel('Your name').fill('ann');
  await ann.getByRole('button', { name: 'Join' }).click();
  await ann.getByRole('alert').getByText('Log in first').waitFor();
  assert.equal(await ann.getByLabel('Your name').inputValue(), 'ann');
});

scene('the daemon dies and returns: the page comes back by itself and the unsent message arrives once', async (t) => {
  const own = await folder(t);
  let server = await startDaemon({ data: own });
  atEnd(t, () => server.stop());
  const ann = await visitor('ann', 'phoenix', {}, server.url);
  const bob = await visitor('bob', 'phoenix', {}, server.url);
  await say(ann, 'before');
  await message(bob, 'before').waitFor();

  await server.kill();
  for (const page of [ann, bob]) await page.getByText('No connection.').waitFor();
  await say(ann, 'into the dark');
  await ann.getByText('Waits for the connection').waitFor();
  assert.equal(await state(ann, 'into the dark'), 'sending');

  server = await startDaemon({ data: own, port: server.port, tries: 20 });
  await Promise.all([online(ann), online(bob)]);
  await message(bob, 'into the dark').waitFor();
  await sent(ann, 'into the dark');
  await say(ann, 'after');
  await message(bob, 'after').waitFor();
  for (const page of [ann, bob]) assert.deepEqual(await texts(page), ['before', 'into the dark', 'after']);
});

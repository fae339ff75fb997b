// SPDX-License-Identifier: Apache-2.0
// The demo page as people use it, in Chromium against the real daemon: talk, typing, links, rooms and tabs.
import assert from 'node:assert/strict';
import { enter, message, say, someone, texts } from './browser.mjs';
import { address, button, isTyping, rawClient, scene, sent, visit, visitor } from './stage.mjs';

scene('two people see each other and talk in both directions', async () => {
  const ann = await visitor('ann', 'talk');
  const bob = await visitor('bob', 'talk');
  await someone(ann, 'bob').waitFor();
  await someone(bob, 'ann').waitFor();
  await ann.getByText('2 people here').waitFor();

  await say(ann, 'kettle is on');
  await message(bob, 'kettle is on').waitFor();
  await say(bob, 'on my way');
  await message(ann, 'on my way').waitFor();
  await sent(ann, 'kettle is on');
  await sent(bob, 'on my way');
  assert.deepEqual(await texts(ann), ['kettle is on', 'on my way']);
  assert.deepEqual(await texts(bob), ['kettle is on', 'on my way']);
  assert.match(await message(bob, 'kettle is on').locator('.by').textContent(), /^ann \d\d:\d\d$/);
  assert.match(await message(ann, 'kettle is on').locator('.by').textContent(), /^You \d\d:\d\d$/);
});

scene('typing is shown while one writes, and gone after a pause and after sending', async () => {
  const ann = await visitor('ann', 'typing');
  const bob = await visitor('bob', 'typing');
  await bob.locator('#text').pressSequentially('hm');
  await isTyping(ann, 'bob').waitFor();
  await isTyping(ann, 'bob').waitFor({ state: 'hidden', timeout: 9_000 });

  await bob.locator('#text').pressSequentially('mm');
  await isTyping(ann, 'bob').waitFor();
  await bob.locator('#text').press('Enter');
  await message(ann, 'hmmm').waitFor();
  await isTyping(ann, 'bob').waitFor({ state: 'hidden', timeout: 2_000 });
  assert.equal(await isTyping(bob, 'bob').count(), 0);
});

scene('typing ends by itself when the writer falls silent without saying so', async (t) => {
  const ann = await visitor('ann', 'silent');
  const carl = await rawClient(t, 'carl', 'silent');
  carl.tell({ type: 'typing', roomId: 'silent', isTyping: true });
  await isTyping(ann, 'carl').waitFor();
  const began = Date.now();
  await isTyping(ann, 'carl').waitFor({ state: 'hidden', timeout: 13_500 });
  assert.ok(Date.now() - began > 5_000, 'it was still on after five seconds');
});

scene('at most one typing frame in three seconds of writing', async () => {
  const frames = [];
  const listen = async (page) => page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => frames.push(JSON.parse(payload))));
  const ann = await visit({ prepare: listen });
  await enter(ann, 'ann', 'strokes');
  await ann.locator('#text').pressSequentially('a long sentence, key by key, slowly', { delay: 110 });
  const marks = frames.filter((frame) => frame.type === 'typing' && frame.isTyping);
  assert.ok(marks.length >= 2 && marks.length <= 3, `${marks.length} typing frames in about four seconds`);
});

scene('who reads what was said before is not torn away from it, but told of news', async () => {
  const ann = await visitor('ann', 'scroll', { viewport: { width: 390, height: 600 } });
  const bob = await visitor('bob', 'scroll');
  const end = () => ann.locator('#log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  for (let n = 1; n <= 15; n += 1) await say(bob, `line ${n}`);
  await message(ann, 'line 15').waitFor();
  assert.ok((await end()) < 2, 'the newest is in sight');
  assert.equal(await button(ann, 'New messages').isVisible(), false);

  await ann.locator('#log').evaluate((log) => (log.scrollTop = 20));
  await ann.waitForTimeout(100);
  await say(bob, 'news');
  await button(ann, 'New messages').waitFor();
  assert.equal(await ann.locator('#log').evaluate((log) => log.scrollTop), 20);
  const place = await button(ann, 'New messages').boundingBox();
  assert.ok(place.x > 60 && place.x + place.width < 330, 'it is in the middle');
  await button(ann, 'New messages').click();
  assert.ok((await end()) < 2);
  await button(ann, 'New messages').waitFor({ state: 'hidden' });
});

scene('several tabs are several people, and the address alone leads to the room', async () => {
  const ann = await visitor('ann', 'tabs');
  const [second] = await Promise.all([ann.context().waitForEvent('page'), ann.getByRole('link', { name: 'Open a second tab' }).click()]);
  await second.getByLabel('Your name').fill('bob');
  assert.equal(await second.getByLabel('Room', { exact: true }).inputValue(), 'tabs');
  await second.getByRole('button', { name: 'Join' }).click();
  await someone(ann, 'bob').waitFor();
  assert.equal(await ann.getByTestId('my-name').textContent(), 'ann');
});

scene('the same person in two places sees the own words in both', async () => {
  const desk = await visitor('ann', 'devices');
  const phone = await visitor('ann', 'devices');
  await say(desk, 'from my desk');
  await message(phone, 'from my desk').waitFor();
  assert.match(await message(phone, 'from my desk').getAttribute('class'), /\bmine\b/);
  await sent(desk, 'from my desk');
  assert.deepEqual(await texts(desk), ['from my desk']);
});

scene('leaving a room and joining another one', async () => {
  const lea = await visitor('lea', 'old');
  const max = await visitor('max', 'old');
  await someone(max, 'lea').waitFor();
  await button(lea, 'Leave room').click();
  await someone(max, 'lea').waitFor({ state: 'detached' });
  await lea.getByText('Join a room to talk').waitFor();

  await lea.getByLabel('Join another room').fill('new');
  await lea.keyboard.press('Enter');
  await someone(lea, 'lea').waitFor();
  await say(max, 'anybody?');
  await sent(max, 'anybody?');
  await say(lea, 'quiet here');
  await sent(lea, 'quiet here');
  assert.deepEqual(await texts(lea), ['quiet here']);
});

scene('addresses of the web in messages are links that tell the other site nothing', async (t) => {
  const ann = await visitor('ann', 'links');
  const carl = await rawClient(t, 'carl', 'links');
  const page = `${address()}/health`;
  const said = {
    [`see ${page}, or (${page}?a=(b)).`]: [page, `${page}?a=(b)`],
    'HTTPS://EXAMPLE.ORG/Ä?x=<b>&y=1#z!': ['HTTPS://EXAMPLE.ORG/Ä?x='],
    'http://one.example http://two.example': ['http://one.example', 'http://two.example'],
    'javascript:alert(1) data:text/html,x ftp://example.org http:// https://?x xhttp://example.org example.org': [],
    'javascript:http://example.org/%0aalert(1)': ['http://example.org/%0aalert(1)'],
  };
  for (const [content, links] of Object.entries(said)) {
    carl.tell({ type: 'message', roomId: 'links', content });
    await message(ann, content).waitFor();
    assert.equal(await message(ann, content).locator('.text').textContent(), content);
    assert.deepEqual(await message(ann, content).locator('a').allTextContents(), links, content);
  }
  for (const link of await ann.locator('.text a').all()) {
    const has = await link.evaluate((one) => [one.protocol, one.target, one.rel, one.getAttribute('href') === one.textContent]);
    assert.match(has[0], /^https?:$/);
    assert.deepEqual(has.slice(1), ['_blank', 'noopener noreferrer nofollow', true]);
  }
  const [other] = await Promise.all([ann.context().waitForEvent('page'), ann.getByRole('link', { name: page, exact: true }).click()]);
  await other.waitForLoadState();
  assert.deepEqual(await other.evaluate(() => [window.opener, document.referrer, location.pathname]), [null, '', '/health']);
  assert.equal((await fetch(address())).headers.get('content-security-policy'), "default-src 'self'; frame-ancestors 'none'");
});

scene('a message in another room of mine is counted there', async () => {
  const ann = await visitor('ann', 'left side');
  await ann.getByLabel('Join another room').fill('right side');
  await ann.keyboard.press('Enter');
  await someone(ann, 'ann').waitFor();
  const bob = await visitor('bob', 'left side');
  await say(bob, 'psst');
  const entry = ann.getByRole('button', { name: /left side/ });
  await entry.getByText('1', { exact: true }).waitFor();
  assert.equal(await message(ann, 'psst').count(), 0);
  await entry.click();
  await message(ann, 'psst').waitFor();
  await entry.getByText('1', { exact: true }).waitFor({ state: 'hidden' });
});

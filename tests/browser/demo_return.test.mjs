// SPDX-License-Identifier: Apache-2.0
// The demo page when a person comes back, from offline, a reload or another room: all is there, once and in order.
import assert from 'node:assert/strict';
import { message, online, say, someone, texts } from './browser.mjs';
import { button, scene, sent, state, until, visitor } from './stage.mjs';

scene('what was said while one was offline is there on coming back, oldest first and marked', async () => {
  const ann = await visitor('ann', 'away');
  const bob = await visitor('bob', 'away');
  await say(ann, 'before');
  await message(bob, 'before').waitFor();
  await button(bob, 'Go offline').click();
  await bob.getByText('You are offline.').waitFor();
  await ann.locator('#people li[data-how="away"]').filter({ hasText: 'bob' }).waitFor();

  for (const text of ['first', 'second', 'third']) await say(ann, text);
  await sent(ann, 'third');
  assert.deepEqual(await texts(bob), ['before']);

  await button(bob, 'Come back').click();
  await online(bob);
  await message(bob, 'third').waitFor();
  assert.deepEqual(await texts(bob), ['before', 'first', 'second', 'third']);
  await bob.getByText('While you were away · 3 messages').waitFor();
  assert.equal(await bob.locator('.message.waited').count(), 3);
  await ann.locator('#people li[data-how="here"]').filter({ hasText: 'bob' }).waitFor();
});

scene('what one writes while offline is sent on coming back, once and in order', async () => {
  const ann = await visitor('ann', 'drafts');
  const bob = await visitor('bob', 'drafts');
  await button(ann, 'Go offline').click();
  for (const text of ['one', 'two', 'three']) await say(ann, text);
  assert.equal(await state(ann, 'one'), 'sending');
  await button(ann, 'Come back').click();
  await message(bob, 'three').waitFor();
  assert.deepEqual(await texts(bob), ['one', 'two', 'three']);
  await sent(ann, 'three');
});

scene('a reload keeps the name, the room and what was said', async () => {
  const ann = await visitor('ann', 'reload me');
  await say(ann, 'still here');
  await sent(ann, 'still here');
  await ann.reload();
  await online(ann);
  assert.equal(await ann.getByTestId('my-name').textContent(), 'ann');
  assert.equal(await ann.locator('#title').textContent(), 'reload me');
  assert.equal(new URL(ann.url()).hash, '#reload%20me');
  await message(ann, 'still here').waitFor();
  await someone(ann, 'ann').waitFor();
  assert.deepEqual(await texts(ann), ['still here']);
});

scene('who enters a room sees what was said there before, once and in order', async () => {
  const ann = await visitor('ann', 'history');
  const bob = await visitor('bob', 'history');
  for (const text of ['one', 'two']) await say(ann, text);
  await message(bob, 'two').waitFor();
  await say(bob, 'three');
  await message(ann, 'three').waitFor();

  const cleo = await visitor('cleo', 'history');
  await message(cleo, 'three').waitFor();
  assert.deepEqual(await texts(cleo), ['one', 'two', 'three']);
  assert.equal(await cleo.title(), 'history · hiky', 'it is not unread');
  assert.equal(await cleo.getByText('While you were away').count(), 0);
  assert.equal(await message(cleo, 'three').locator('.by b').textContent(), 'bob');
  await say(cleo, 'four');
  await message(ann, 'four').waitFor();

  // Mail and history hold the same messages.
  await button(bob, 'Go offline').click();
  await ann.locator('#people li[data-how="away"]').filter({ hasText: 'bob' }).waitFor();
  for (const text of ['five', 'six']) await say(ann, text);
  await sent(ann, 'six');
  await button(bob, 'Come back').click();
  await bob.getByText('While you were away · 2 messages').waitFor();
  const all = ['one', 'two', 'three', 'four', 'five', 'six'];
  const heardAll = (page) => until('all is there', async () => (await page.locator('#log').getAttribute('aria-busy')) === 'false');
  for (const page of [ann, bob, cleo]) {
    await page.reload();
    await online(page);
    await message(page, 'six').waitFor();
    await heardAll(page);
    assert.deepEqual(await texts(page), all);
  }
});

scene('leaving a room and coming back to it shows what was said meanwhile', async () => {
  const ann = await visitor('ann', 'revolving door');
  const bob = await visitor('bob', 'revolving door');
  await say(ann, 'before');
  await message(bob, 'before').waitFor();
  await button(bob, 'Leave room').click();
  await someone(ann, 'bob').waitFor({ state: 'detached' });
  await say(ann, 'meanwhile');
  await sent(ann, 'meanwhile');
  await bob.getByLabel('Join another room').fill('revolving door');
  await bob.keyboard.press('Enter');
  await message(bob, 'meanwhile').waitFor();
  assert.deepEqual(await texts(bob), ['before', 'meanwhile']);
});

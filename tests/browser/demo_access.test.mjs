// SPDX-License-Identifier: Apache-2.0
// The demo page on a phone, by keyboard, for screen readers, in dark and light, with less motion.
import assert from 'node:assert/strict';
import { message, online, say, someone, texts } from './browser.mjs';
import { address, button, isTyping, scene, sent, until, visit, visitor } from './stage.mjs';

// Runs in the page: visible texts whose contrast with their background is under 4.5 (WCAG 2 AA).
function faint() {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (one) => {
    const [low, high] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const words = '.text, .by b, .by time, .fate, .notice, #status, #summary, #title, h2, .name, .note, button.quiet, #toggle, #hint';
  return [...document.querySelectorAll(words)]
    .filter((one) => one.checkVisibility() && one.textContent.trim() && ratio(one) < 4.5)
    .map((one) => `${one.id || one.className || one.tagName}: ${ratio(one).toFixed(2)}`);
}

scene('nothing scrolls sideways at a phone’s width, and people are one tap away', async () => {
  for (const width of [320, 390]) {
    const name = `Maximiliane-Wilhelmine ${width} von Hohenstein`.slice(0, 40);
    const phone = { viewport: { width, height: 700 }, hasTouch: true, isMobile: true };
    const ann = await visitor(name, `a-room-with-quite-a-long-name-${width}`, phone);
    await say(ann, 'https://example.org/'.concat('unbreakable'.repeat(30)));
    await until('sent', async () => (await ann.locator('.message').getAttribute('data-state')) === 'sent');
    const wide = () => ann.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('#log, .head, .strip, .panel')]
        .filter((one) => one.scrollWidth > one.clientWidth)
        .map((one) => one.id || one.className || one.tagName));
    assert.deepEqual(await wide(), []);
    const box = await ann.locator('#text').boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= width && box.y + box.height <= 700, 'the field is in sight');

    await button(ann, 'Rooms and people').tap();
    await ann.getByRole('complementary').getByText('Change name').waitFor();
    await someone(ann, name).waitFor();
    assert.deepEqual(await wide(), []);
    await ann.keyboard.press('Escape');
    await ann.locator('#panel').waitFor({ state: 'hidden' });
    await button(ann, 'Go offline').tap();
    await ann.getByText('You are offline.').waitFor();
    assert.deepEqual(await wide(), []);
  }
});

// Runs in the page: the names that are cut off or stand in more than one line.
function cut() {
  const shown = '.you .name, #people .name, .message:not(.mine) .by b, .notice b, #typing-text, #rename, #people .note, #leave, #title';
  return [...document.querySelectorAll(shown)].filter((one) => one.checkVisibility() && one.textContent.trim()).flatMap((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    const lines = new Set([...range.getClientRects()].filter(({ width }) => width > 1).map(({ top }) => Math.round(top / 8))).size;
    const box = one.closest('.notice, #typing, .by, li, .you, .head').getBoundingClientRect();
    const { left, right } = range.getBoundingClientRect();
    const why = [one.scrollWidth > one.clientWidth && getComputedStyle(one).display !== 'inline' && 'cut', lines > 1 && 'in two lines',
      (left < box.left - 1 || right > box.right + 1 || right > innerWidth) && 'outside'].filter(Boolean);
    return why.length ? [`${one.id || one.className || one.tagName} "${one.textContent}" is ${why.join(' and ')}`] : [];
  });
}

for (const width of [360, 1280]) {
  for (const colorScheme of ['light', 'dark']) {
    scene(`names of five letters fit wherever they are shown, ${width} px wide and ${colorScheme}`, async () => {
      const room = `five ${width} ${colorScheme}`;
      const narrow = width < 600;
      const look = { viewport: { width, height: 740 }, colorScheme, hasTouch: narrow, isMobile: narrow };
      // The widest letters there are; the others have the narrower names.
      const wwwwm = await visitor('WWWWM', room, look);
      const alice = await visitor('MWMWM', room, look);
      await visitor('Wanda', room, look);
      await someone(wwwwm, 'Wanda').waitFor({ state: 'attached' });
      await say(alice, 'hello');
      await message(wwwwm, 'hello').waitFor();
      await alice.locator('#text').pressSequentially('h');
      await isTyping(wwwwm, 'MWMWM').waitFor();
      const wrong = [await wwwwm.evaluate(cut)];
      if (process.env.PICTURES) await wwwwm.screenshot({ path: `${process.env.PICTURES}/${width}-${colorScheme}.png` });
      if (narrow) {
        await button(wwwwm, 'Rooms and people').tap();
        await wwwwm.locator('#panel').getByText('Wanda').waitFor();
        await wwwwm.waitForTimeout(300);
        wrong.push(await wwwwm.evaluate(cut));
        if (process.env.PICTURES) await wwwwm.screenshot({ path: `${process.env.PICTURES}/${width}-${colorScheme}-panel.png` });
      }
      assert.deepEqual(wrong.flat(), []);
    });
  }
}

scene('a keyboard is enough, from the name to coming back', async () => {
  const bob = await visitor('bob', 'keys');
  const ann = await visit({}, `${address()}/#keys`);
  const focused = () => ann.evaluate(() => document.activeElement.id);
  const tabTo = async (id, key = 'Tab') => {
    for (let step = 0; step < 20 && (await focused()) !== id; step += 1) await ann.keyboard.press(key);
    assert.equal(await focused(), id, `${key} reaches #${id}`);
    const ring = await ann.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(ring, 'none', `#${id} shows that it has the focus`);
  };
  await until('the name has the focus', async () => (await focused()) === 'name', 5_000);
  await ann.keyboard.type('ann');
  await ann.keyboard.press('Enter');
  await online(ann);
  assert.equal(await focused(), 'text');
  await ann.keyboard.type('one line');
  await ann.keyboard.press('Shift+Enter');
  await ann.keyboard.type('and another');
  await ann.keyboard.press('Enter');
  await message(bob, 'one line\nand another').waitFor();
  assert.deepEqual(await texts(bob), ['one line\nand another']);

  await ann.getByRole('link', { name: 'Skip to writing' }).focus();
  await ann.keyboard.press('Enter');
  assert.equal(await focused(), 'text');
  assert.equal(await ann.locator('#title').textContent(), 'keys');

  await tabTo('log', 'Shift+Tab');
  await tabTo('toggle', 'Shift+Tab');
  await ann.keyboard.press('Enter');
  await ann.getByText('You are offline.').waitFor();
  await ann.keyboard.press('Space');
  await online(ann);
  await tabTo('leave', 'Shift+Tab');
  await tabTo('room', 'Shift+Tab');
  await ann.keyboard.type('elsewhere');
  await ann.keyboard.press('Enter');
  await until('the new room is open', async () => (await ann.locator('#title').textContent()) === 'elsewhere');
  assert.equal(await focused(), 'text');
});

scene('a screen reader finds names for everything, and new messages are live', async () => {
  const ann = await visitor('ann', 'spoken');
  const log = ann.getByRole('log', { name: 'Messages in spoken' });
  assert.equal(await log.getAttribute('aria-live'), 'polite');
  await ann.getByRole('textbox', { name: 'Message to spoken' }).waitFor();
  await ann.getByRole('status').getByText('Connected').waitFor();
  await ann.getByRole('list', { name: 'Here now' }).waitFor();
  const nameless = await ann.evaluate(() =>
    [...document.querySelectorAll('button, input, textarea, a')]
      .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden="true"]'))
      .filter((one) => !(one.ariaLabel || one.labels?.[0]?.textContent || one.textContent).trim())
      .map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
  await say(ann, 'kept');
  await ann.evaluate(() => (document.querySelector('.message').wasHere = true));
  await sent(ann, 'kept');
  assert.equal(await ann.evaluate(() => document.querySelector('.message').wasHere), true, 'the element stays, so it is not spoken again');
});

for (const colorScheme of ['light', 'dark']) {
  scene(`text can be read in ${colorScheme} mode`, async () => {
    const ann = await visitor('ann', `ink ${colorScheme}`, { colorScheme });
    const bob = await visitor('bob', `ink ${colorScheme}`);
    await say(ann, 'mine');
    await say(bob, 'theirs');
    await message(ann, 'theirs').waitFor();
    await sent(ann, 'mine');
    const ground = await ann.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(Math.max(...ground) < 128, colorScheme === 'dark');

    const measure = () => ann.evaluate(faint);
    assert.deepEqual(await measure(), []);
    await button(ann, 'Go offline').click();
    await ann.waitForTimeout(400);
    assert.deepEqual(await measure(), []);
  });
}

scene('nothing keeps moving for people who asked for less motion', async () => {
  const ann = await visitor('ann', 'still', { reducedMotion: 'reduce' });
  const bob = await visitor('bob', 'still');
  await bob.locator('#text').pressSequentially('x');
  await isTyping(ann, 'bob').waitFor();
  const moving = () => ann.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').length);
  await until('animations are over', async () => (await moving()) === 0, 1_000);
});

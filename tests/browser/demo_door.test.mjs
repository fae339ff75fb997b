// SPDX-License-Identifier: Apache-2.0
// The demo's door asks for the proof that the server takes. It is not there where the operator does not want it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loginApp } from '../system/support/login_app.mjs';
import { atEnd } from '../system/support/processes.mjs';
import { folder, startRedis } from '../system/support/redis.mjs';
import { issuer } from '../system/support/tokens.mjs';
import { message, online, say, texts } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { button, scene, sent, until, visit } from './stage.mjs';

// A daemon for one test, and the folder of its keys.
async function serverOf(t, flagsIn) {
  const data = await folder(t);
  const daemon = await startDaemon({ data, flags: await flagsIn(data) });
  atEnd(t, () => daemon.stop());
  return daemon;
}

async function tokenServer(t, ...flags) {
  let keys;
  const daemon = await serverOf(t, async (data) => {
    keys = await issuer(data);
    return ['--auth', 'jwt', '--jwt-key', keys.file, '--jwt-leeway', '0', ...flags];
  });
  return { daemon, token: keys.token };
}

async function showToken(page, token, room = 'tea') {
  await page.getByLabel('Token').fill(token);
  await page.getByLabel('Room', { exact: true }).fill(room);
  await button(page, 'Join').click();
}

const me = (page) => page.getByTestId('my-name').textContent();
const complaint = (page, words) => page.getByRole('alert').getByText(words).waitFor();

scene('the demo is there with --auth open alone, and elsewhere when it is asked for', async (t) => {
  const off = 'nothing at this path; the WebSocket is at /ws, and the demo is off (--demo on shows it here)\n';
  const answers = async (url) => {
    const page = await fetch(url);
    const rest = await Promise.all(
      ['demo.js', 'demo.json', 'favicon.svg'].map(async (path) => (await fetch(`${url}/${path}`)).status),
    );
    return [page.status, page.status === 404 ? await page.text() : '', ...rest];
  };
  const shown = [200, '', 200, 200, 200];
  const hidden = [404, off, 404, 404, 404];
  const [closed, proven, asked] = [
    await serverOf(t, () => ['--demo', 'off']),
    await tokenServer(t),
    await tokenServer(t, '--demo', 'on'),
  ];
  assert.deepEqual(await answers(closed.url), hidden);
  assert.deepEqual(await answers(proven.daemon.url), hidden);
  assert.deepEqual(await answers(asked.daemon.url), shown);
  const both = await tokenServer(t, '--auth', 'open');
  assert.deepEqual(await answers(both.daemon.url), shown);
  assert.deepEqual(await (await fetch(`${both.daemon.url}/demo.json`)).json(), { auth: ['jwt', 'open'] });
});

scene('where tokens count, the page says so, takes one, and forgets it with a reload', async (t) => {
  const { daemon, token } = await tokenServer(t, '--demo', 'on');
  const ann = await visit({}, daemon.url);
  await ann.getByText('This server wants a signed token (JWT), which says who you are.').waitFor();
  assert.equal(await ann.getByLabel('Your name').isVisible(), false);
  assert.equal(await ann.evaluate(() => document.activeElement.id), 'token');

  await showToken(ann, 'no.token.atall');
  await complaint(ann, /the token/);
  assert.equal(await ann.getByLabel('Token').inputValue(), '');
  const good = await token('annie');
  await showToken(ann, good);
  await online(ann);
  assert.equal(await me(ann), 'annie');
  await say(ann, 'proven');
  await sent(ann, 'proven');
  const kept = await ann.evaluate(() =>
    JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href]),
  );
  assert.match(kept, /proven/);
  assert.equal(kept.includes(good), false, 'the token is kept nowhere');

  await ann.reload();
  await ann.getByLabel('Token').waitFor();
  await showToken(ann, await token('annie'));
  await online(ann);
  await message(ann, 'proven').waitFor();
  assert.deepEqual(await texts(ann), ['proven']);

  await button(ann, 'Change token').click();
  await showToken(ann, await token('bob'), 'coffee');
  await online(ann);
  assert.equal(await me(ann), 'bob');
  assert.deepEqual(await texts(ann), []);
});

scene('when the token ends, the page says so at the door', async (t) => {
  const { daemon, token } = await tokenServer(t, '--demo', 'on');
  const ann = await visit({}, daemon.url);
  await showToken(ann, await token('annie', { life: 3 }));
  await online(ann);
  await complaint(ann, /token.*expired|expired.*token/);
  await showToken(ann, await token('annie'));
  await online(ann);
});

scene('where a name is believed and tokens count, either will do', async (t) => {
  const { daemon, token } = await tokenServer(t, '--auth', 'open');
  const [ann, bob] = [await visit({}, daemon.url), await visit({}, daemon.url)];
  await showToken(ann, await token('annie'));
  await online(ann);
  assert.equal(await me(ann), 'annie');
  await bob.getByLabel('Your name').fill('bobby');
  await bob.getByLabel('Room', { exact: true }).fill('tea');
  await button(bob, 'Join').click();
  await online(bob);
  assert.deepEqual([await me(bob), await button(bob, 'Change name').isVisible()], ['bobby', true]);
});

scene('where sessions count, the page comes in by the browser’s cookie', async (t) => {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const secret = 'a secret for the cookies';
  await writeFile(join(data, 'secret'), secret);
  const app = await loginApp(t, redis.socket, { secret });
  const session = ['--auth', 'session', '--session-secret', join(data, 'secret'), '--session-check', '1'];
  const daemon = await serverOf(t, () => ['--redis', redis.url, '--demo', 'on', ...session]);

  const ann = await visit({}, daemon.url);
  await ann.getByText('This server knows you by your login in its application').waitFor();
  for (const label of ['Your name', 'Token']) assert.equal(await ann.getByLabel(label).isVisible(), false, label);
  await button(ann, 'Join').click();
  await ann.locator('#refused').filter({ hasText: /\w/ }).waitFor();

  const login = await ann.context().newPage();
  await login.goto(`${app.url}/login/annie`);
  await button(ann, 'Join').click();
  await online(ann);
  assert.equal(await me(ann), 'annie');
  await say(ann, 'by cookie');
  await sent(ann, 'by cookie');
  await ann.reload();
  await online(ann);
  assert.equal(await me(ann), 'annie');
  await message(ann, 'by cookie').waitFor();
  assert.deepEqual(await texts(ann), ['by cookie']);

  await login.evaluate(() => fetch('/logout').then((answer) => answer.text()));
  await complaint(ann, 'your session has ended');
  await until('the door', () => button(ann, 'Join').isVisible());
});

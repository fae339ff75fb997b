// SPDX-License-Identifier: Apache-2.0
// The login of an application as a browser carries it: express, express-session and connect-redis set the cookie, and
// the page's WebSocket shows it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from '../system/support/bounded.mjs';
import { daemonFor } from '../system/support/daemon.mjs';
import { loginApp } from '../system/support/login_app.mjs';
import { atEnd } from '../system/support/processes.mjs';
import { folder, startRedis } from '../system/support/redis.mjs';
import { launch } from './browser.mjs';

const secret = 'a secret for the cookies';

// A Redis, the application, a browser's page, and daemons that let in pages of the application, or of `origin`.
async function stage(t) {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  await writeFile(join(data, 'secret'), secret);
  const app = await loginApp(t, redis.socket, { secret });
  const chat = (name, origin = app.url) =>
    daemonFor(t, {
      redis: redis.url,
      flags: [
        '--auth',
        'session',
        '--session-secret',
        join(data, 'secret'),
        '--session-check',
        '1',
        '--origin',
        origin,
        '--instance-id',
        name,
      ],
    });
  const browser = await launch();
  atEnd(t, () => browser.close());
  return { app, chat, page: await browser.newPage() };
}

// The page's WebSocket registers: gives the answer or the end of the connection. The end is also in `window.ended`.
const connects = (page, daemon) => page.evaluate(
  (url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send('{"type":"register"}');
    socket.onmessage = ({ data }) => resolve((({ type, userId }) => ({ type, userId }))(JSON.parse(data)));
    window.ended = new Promise((end) => (socket.onclose = ({ code, reason }) => end({ code, reason })));
    window.ended.then(resolve);
  }), `${daemon.url.replace('http', 'ws')}/ws`);

async function site(t) {
  const server = createServer((_, response) =>
    response.setHeader('Content-Type', 'text/html').end('<p>another site</p>'),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
  return `http://127.0.0.1:${server.address().port}/`;
}

test('a user who logs in on a page is in the chat by its cookie, until the logout', bounded, async (t) => {
  const { app, chat, page } = await stage(t);
  const daemon = await chat('one');
  await page.goto(app.url);
  assert.deepEqual(await connects(page, daemon), { code: 4401, reason: 'the session is refused: nobody is logged in' });
  await page.goto(`${app.url}/login/alice`);
  assert.equal(await page.evaluate(() => document.cookie), '', 'the cookie is the browser’s alone');
  assert.deepEqual(await connects(page, daemon), { type: 'registered', userId: 'alice' });
  await page.goto(`${app.url}/login/bob`); // in the same session
  assert.deepEqual(await connects(page, daemon), { type: 'registered', userId: 'bob' });
  await page.evaluate(() => fetch('/logout').then((answer) => answer.text()));
  assert.deepEqual(await page.evaluate(() => window.ended), {
    code: 4401,
    reason: 'your session has ended; log in again, then connect anew',
  });
  assert.deepEqual(await connects(page, daemon), {
    code: 4401,
    reason: 'the session is refused: it is over; log in again',
  });
});

test('a foreign page cannot use its visitor’s cookie', bounded, async (t) => {
  const { app, chat, page } = await stage(t);
  const [daemon, careless] = [await chat('one'), await chat('two', '*')];
  await page.goto(`${app.url}/login/alice`);
  await page.goto(await site(t));
  // The browser does send the cookie there: the origin keeps the page out.
  assert.deepEqual(await connects(page, careless), { type: 'registered', userId: 'alice' });
  assert.deepEqual(await connects(page, daemon), { code: 1006, reason: '' });
});

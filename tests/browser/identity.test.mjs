// SPDX-License-Identifier: Apache-2.0
// What a page of an application can do about identity: hand over a token, and learn why one was refused.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

const bounded = { timeout: 90_000 };
const secret = 'a secret of more than thirty-two bytes';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims) => {
  const text = `${part({ alg: 'HS256' })}.${part({ exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};

let data, daemon, browser, context, elsewhere;
before(async () => {
  data = await mkdtemp(join(tmpdir(), 'hiky-browser-'));
  await writeFile(join(data, 'secret'), secret);
  daemon = await startDaemon({ data, flags: ['--auth', 'jwt', '--jwt-key', join(data, 'secret')] });
  browser = await launch();
  context = await browser.newContext();
  elsewhere = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<p>another site</p>'));
  await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
}, bounded);
after(async () => {
  elsewhere?.closeAllConnections();
  elsewhere?.close();
  await browser?.close();
  await daemon?.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
}, bounded);

// What a page at `site` gets: the first frame, or the end.
async function tries(site, path, protocols, first) {
  const page = await context.newPage();
  try {
    await page.goto(site);
    return await page.evaluate(
      ([url, offered, frame]) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, offered);
          socket.onopen = () => frame && socket.send(JSON.stringify(frame));
          socket.onmessage = ({ data: text }) => resolve({ protocol: socket.protocol, ...JSON.parse(text) });
          socket.onclose = ({ code, reason }) => resolve({ code, reason });
        }),
      [`${daemon.url.replace('http', 'ws')}${path}`, protocols, first],
    );
  } finally {
    await page.close();
  }
}

test('a page hands over its token as a subprotocol, in the address, or in register', bounded, async () => {
  const alice = token({ sub: 'alice' });
  for (const [path, protocols, fields, selected] of [
    ['/ws', ['hiky.v1', `bearer.${alice}`], {}, 'hiky.v1'],
    [`/ws?token=${alice}`, [], {}, ''],
    ['/ws', [], { token: alice }, ''],
  ]) {
    const { type, userId, protocol } = await tries(daemon.url, path, protocols, { type: 'register', ...fields });
    assert.deepEqual({ type, userId, protocol }, { type: 'registered', userId: 'alice', protocol: selected });
  }
});

test('a page learns why its token was refused', bounded, async () => {
  const late = token({ sub: 'alice', exp: 1 });
  assert.deepEqual(await tries(daemon.url, '/ws', ['hiky.v1', `bearer.${late}`]), { code: 4401, reason: 'the token is refused: it has expired' });
});

test('another site’s page cannot connect, whatever it has', bounded, async () => {
  const site = `http://127.0.0.1:${elsewhere.address().port}/`;
  assert.deepEqual(await tries(site, `/ws?token=${token({ sub: 'alice' })}`, []), { code: 1006, reason: '' });
});

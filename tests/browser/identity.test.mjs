// SPDX-License-Identifier: Apache-2.0
// A page of an application and its identity: the page can hand over a token, and learn why a token was refused.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from '../system/support/bounded.mjs';
import { atEnd } from '../system/support/processes.mjs';
import { folder } from '../system/support/redis.mjs';
import { staged } from '../system/support/stage.mjs';
import { launch } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

const secret = 'a secret of more than thirty-two bytes';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims) => {
  const text = `${part({ alg: 'HS256' })}.${part({ exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};

let data, daemon, context, elsewhere;
staged(async (_, ends) => {
  data = await folder(ends);
  await writeFile(join(data, 'secret'), secret);
  daemon = await startDaemon({ data, flags: ['--auth', 'jwt', '--jwt-key', join(data, 'secret')] });
  atEnd(ends, () => daemon.stop());
  const browser = await launch();
  atEnd(ends, () => browser.close());
  context = await browser.newContext();
  const page = (_, response) => response.setHeader('Content-Type', 'text/html').end('<p>another site</p>');
  elsewhere = createServer(page);
  await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  atEnd(ends, () => {
    elsewhere.closeAllConnections();
    elsewhere.close();
  });
});

// The first frame that a page at `site` gets from the daemon, or the end of its connection.
async function tries(site, path, protocols, first, at = daemon) {
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
      [`${at.url.replace('http', 'ws')}${path}`, protocols, first],
    );
  } finally {
    await page.close();
  }
}

// Every way that a page has to hand over a token: [path, protocols, fields of register, the protocol that the daemon
// chooses].
const ways = (token) => ({
  subprotocol: ['/ws', ['hiky.v1', `bearer.${token}`], {}, 'hiky.v1'],
  address: [`/ws?token=${token}`, [], {}, ''],
  register: ['/ws', [], { token }, ''],
});

test('a page hands over its token as a subprotocol, in the address, or in register', bounded, async () => {
  for (const [way, [path, protocols, fields, selected]] of Object.entries(ways(token({ sub: 'alice' })))) {
    const { type, userId, protocol } = await tries(daemon.url, path, protocols, { type: 'register', ...fields });
    assert.deepEqual({ type, userId, protocol }, { type: 'registered', userId: 'alice', protocol: selected }, way);
  }
});

test('a page learns why its token was refused, whichever way it went', bounded, async () => {
  const late = 'the token is refused: it has expired';
  for (const [way, [path, protocols, fields, selected]] of Object.entries(ways(token({ sub: 'alice', exp: 1 })))) {
    // A refused token of the handshake ends the connection; register may be tried again.
    const told =
      way === 'register'
        ? { protocol: selected, type: 'error', message: late, code: 'unauthorized' }
        : { code: 4401, reason: late };
    assert.deepEqual(await tries(daemon.url, path, protocols, { type: 'register', ...fields }), told, way);
  }
});

test('another site’s page cannot connect, with or without a token, unless it is named', bounded, async (t) => {
  const site = `http://127.0.0.1:${elsewhere.address().port}`;
  for (const [way, [path, protocols, fields]] of Object.entries(ways(token({ sub: 'alice' })))) {
    assert.deepEqual(
      await tries(site, path, protocols, { type: 'register', ...fields }),
      { code: 1006, reason: '' },
      way,
    );
  }
  const flags = ['--auth', 'jwt', '--jwt-key', join(data, 'secret'), '--origin', site];
  const open = await startDaemon({ data: await folder(t), flags });
  atEnd(t, () => open.stop());
  for (const [way, [path, protocols, fields, selected]] of Object.entries(ways(token({ sub: 'alice' })))) {
    const { type, userId, protocol } = await tries(site, path, protocols, { type: 'register', ...fields }, open);
    assert.deepEqual({ type, userId, protocol }, { type: 'registered', userId: 'alice', protocol: selected }, way);
  }
});

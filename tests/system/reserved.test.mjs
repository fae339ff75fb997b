// SPDX-License-Identifier: Apache-2.0
// The server's own senders, `system` and `hikyctl`: no user can have these ids.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { program, run } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const reserved = ['system', 'hikyctl'];
const words = (name) => `'${name}' is a sender of the server's own, and no user`;

test('nobody registers as the server or its tool, by userId or by token', bounded, async (t) => {
  const data = await folder(t);
  const app = await issuer(data);
  const daemon = await daemonFor(t, { data, flags: ['--auth', 'open', '--auth', 'jwt', '--jwt-key', app.file] });
  for (const name of reserved) {
    const client = await clientAs(t, undefined, daemon.url);
    const byWord = await client.ask({ type: 'register', userId: name });
    assert.deepEqual([byWord.code, byWord.message], ['unauthorized', words(name)]);
    const byToken = await client.ask({ type: 'register', token: await app.token(name) });
    assert.deepEqual([byToken.code, byToken.message], ['unauthorized', words(name)]);
    assert.equal((await client.ask({ type: 'register', userId: `${name} of another kind` })).type, 'registered');
    const socket = new WebSocket(`${daemon.url.replace('http', 'ws')}/ws`, [], {
      headers: { Authorization: `Bearer ${await app.token(name)}` },
    });
    const [code, reason] = await new Promise((resolve, reject) =>
      socket.on('close', (...told) => resolve(told)).on('error', reject),
    );
    assert.deepEqual([code, String(reason)], [4401, words(name)]);
  }
});

test('nobody makes them a member or a user', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  const call = (path, method = 'GET') =>
    fetch(`${daemon.url}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${keys.all}` } });
  const ctl = (...args) => run(program('HIKYCTL', 'hikyctl'), ['--data', data, ...args]);
  for (const name of reserved) {
    const refused = await call(`/rooms/tea/members/${name}`, 'PUT');
    assert.equal(refused.status, 400);
    assert.equal((await refused.json()).detail, words(name));
    for (const command of [['user', 'add', name], ['room', 'add-member', 'tea', 'bob', name]]) {
      const { code, stderr } = await ctl(...command);
      assert.notEqual(code, 0);
      assert.ok(stderr.includes(words(name)), stderr);
    }
  }
  assert.deepEqual((await (await call('/rooms/tea/members')).json()).items, [], 'nor any user who was named with them');
});

test('the API\'s schemas say which ids are valid, and which no user can have', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const { components, paths } = await (await fetch(`${daemon.url}/api/v1/openapi.json`)).json();
  const legal = new RegExp(components.schemas.Id.pattern, 'u');
  for (const id of ['a', 'a:b {c} "d"', 'é', '\u{1f600}', '\u00a0']) assert.match(id, legal);
  for (const id of ['a\nb', '\0', '\u007f', '\u0080', '\u009f']) assert.doesNotMatch(id, legal);
  const schemaOf = ({ parameters }) => parameters.find(({ name }) => name === 'user').schema.$ref;
  assert.equal(schemaOf(paths['/rooms/{room}/members/{user}'].put), '#/components/schemas/NewUserId');
  assert.deepEqual(components.schemas.NewUserId.not.enum, reserved);
});

// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document: valid by the specification, and true of the daemon, route by route.
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { atEnd } from './support/processes.mjs';
import { folder, freePort, startRedis } from './support/redis.mjs';
import { staged } from './support/stage.mjs';

const stage = staged(async (here, ends) => {
  const data = await folder(ends);
  // With no more rights in Redis than the example gives: they must be enough for every route.
  const acl = fileURLToPath(new URL('../../deploy/redis/users.acl', import.meta.url));
  await copyFile(acl, join(data, 'users.acl'));
  const port = await freePort();
  await startRedis(ends, data, '--port', String(port), '--aclfile', join(data, 'users.acl'));
  const redis = `redis://hikyd:change-this-password@127.0.0.1:${port}`;
  here.daemon = await startDaemon({ redis, flags: await keyFile(data) });
  atEnd(ends, () => here.daemon.stopWell());
  here.api = new Api(here.daemon);
  here.document = await here.api.as(null).get('/openapi.json');
});

const operations = () =>
  Object.entries(stage.document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

// The faults that `schema` of the document finds in a value, or nothing.
function fault(schema, value) {
  if (!stage.ajv) {
    stage.ajv = new Ajv2020({ allErrors: true, strict: false });
    addFormats(stage.ajv);
    stage.ajv.addFormat('hiky-id', (text) => Buffer.byteLength(text) <= 128);
    stage.ajv.addSchema({ ...stage.document, $id: 'document' });
  }
  const rooted = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
  const check = stage.ajv.compile(rooted);
  return check(value) ? undefined : stage.ajv.errorsText(check.errors);
}

test('the document is OpenAPI 3.1 by the specification’s own schema', bounded, async () => {
  const outcome = await new Validator().validate(structuredClone(stage.document));
  assert.ok(outcome.valid, JSON.stringify(outcome.errors, null, 1));
  assert.equal(stage.document.openapi, '3.1.0');
});

test('every reference leads somewhere, every path parameter is declared, every operation has its own name', bounded, () => {
  for (const [, pointer] of JSON.stringify(stage.document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    assert.ok(pointer.split('/').reduce((at, name) => at?.[name], stage.document), `#/${pointer} leads nowhere`);
  }
  const all = operations();
  assert.equal(new Set(all.map(({ operation }) => operation.operationId)).size, all.length);
  for (const { path, method, operation } of all) {
    const declared = (operation.parameters ?? []).filter((p) => p.in === 'path').map(({ name }) => name);
    assert.deepEqual(declared, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), `${method} ${path}`);
    assert.ok(operation.summary && operation.responses, `${method} ${path}`);
  }
});

test('every operation that sends takes an Idempotency-Key, and marks a repetition as one', bounded, async () => {
  const sending = operations().filter(({ path, method }) => method === 'POST' && path.endsWith('/messages'));
  assert.equal(sending.length, 2);
  for (const { path, method, operation } of operations()) {
    const takes = (operation.parameters ?? []).some((p) => p.in === 'header' && p.name === 'Idempotency-Key');
    const [success] = Object.values(operation.responses);
    assert.equal(takes, sending.some((one) => one.path === path && one.method === method), `${method} ${path}`);
    assert.equal('Idempotency-Replayed' in (success.headers ?? {}), takes, `${method} ${path}`);
  }
});

// One good call of each operation, by its name: [path, body].
const calls = {
  publishMessage: ['/rooms/tea/messages', { senderId: 'alice', content: [1, 'two'], clientMsgId: 'm1' }],
  listMessages: ['/rooms/tea/messages?limit=1'],
  listParticipants: ['/rooms/tea/participants'],
  listJoined: ['/rooms/tea/joined'],
  listMembers: ['/rooms/tea/members'],
  addMember: ['/rooms/tea/members/bob'],
  removeMember: ['/rooms/tea/members/zoe'],
  listOnlineUsers: ['/users/online?limit=1'],
  countOnlineUsers: ['/users/online/count'],
  getUser: ['/users/alice'],
  listRoomsOfUser: ['/users/alice/rooms'],
  listConnectionsOfUser: ['/users/alice/connections'],
  listOfflineMessages: ['/users/bob/offline-messages'],
  clearOfflineMessages: ['/users/zoe/offline-messages'],
  sendFrame: ['/users/alice/messages', { frame: { type: 'hello', n: 1 } }],
  disconnectUser: ['/users/zoe/disconnect', { banSeconds: 1 }],
  pardonUser: ['/users/zoe/ban'],
  listClients: ['/clients'],
  listTyping: ['/typing'],
  listInstances: ['/instances'],
  explainUser: ['/explain/users/alice'],
  explainMessage: ['/explain/messages/$messageId?room=tea'],
  getRedisInfo: ['/redis/info'],
  cleanUp: ['/maintenance/cleanup', { confirm: 'delete all ws data' }],
  getOpenApi: ['/openapi.json'],
};

test('every route of the document answers as the document says, and refuses as it says', bounded, async (t) => {
  const { api, daemon } = stage;
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  alice.say({ type: 'typing', roomId: 'tea', isTyping: true });
  await api.put('/rooms/tea/members/bob');
  let last;
  for (const n of [1, 2, 3]) last = await api.post('/rooms/tea/messages', { senderId: 'alice', content: n });
  const { cleanUp, ...rest } = calls;
  const problem = stage.document.components.schemas.Problem;
  const named = Object.fromEntries(operations().map((one) => [one.operation.operationId, one]));
  assert.deepEqual(
    Object.keys(named).sort(),
    Object.keys(calls).sort(),
    'a route without a call here, or a call without a route',
  );
  for (const [name, [pattern, json]] of Object.entries({ ...rest, cleanUp })) {
    const path = pattern.replace('$messageId', last.messageId);
    const { method, operation } = named[name];
    const { requestBody, responses, security } = operation;
    if (requestBody) assert.equal(fault(requestBody.content['application/json'].schema, json), undefined, name);
    const answer = await api.call(method, path, { json });
    const [status, said] = Object.entries(responses)[0];
    assert.equal(String(answer.status), status, `${name}: ${answer.raw}`);
    assert.equal(answer.type, 'application/json', name);
    assert.equal(fault(said.content[answer.type].schema, answer.body), undefined, `${name}: ${answer.raw}`);
    assert.ok(
      answer.body.items === undefined || answer.body.items.length > 0 || name === 'listTyping',
      `${name} showed nothing, so that nothing was checked`,
    );

    if (security.length === 0) continue;
    // Without a key; with a key of another scope; with a body that the schema does not allow.
    const [scope] = security[0].key;
    const refusals = [[401, api.as(null), json], [403, api.as(scope === 'publish' ? keys.admin : keys.publish), json]];
    if (requestBody) refusals.push([400, api, { ...json, surplus: 1 }], [400, api, 'text']);
    for (const [expected, as, body] of refusals) {
      const no = await as.call(method, path, { json: body });
      assert.equal(no.status, expected, `${name}: ${no.raw}`);
      assert.equal(no.type, 'application/problem+json', name);
      assert.equal(fault(problem, no.body), undefined, no.raw);
    }
  }
});

test('bodies that the schemas forbid are refused by the daemon, and bodies that it takes are allowed by the schemas',
  bounded, async () => {
  const { api } = stage;
  await api.put('/rooms/agree/members/alice');
  const odd = [
    null,
    true,
    0,
    1.5,
    -1,
    3,
    31_536_001,
    '',
    'x',
    'é'.repeat(64),
    'x'.repeat(129),
    'x'.repeat(65),
    [],
    {},
    { type: 'x' },
    'delete all ws data',
    'alice',
  ];
  for (const { path, method, operation } of operations().filter(
    (one) => one.operation.requestBody && one.operation.operationId !== 'cleanUp',
  )) {
    const schema = operation.requestBody.content['application/json'].schema;
    const { properties } = stage.document.components.schemas[schema.$ref.split('/').at(-1)];
    const [good] = [calls[operation.operationId][1]];
    for (const field of Object.keys(properties)) {
      for (const value of odd) {
        const json = { ...good, [field]: value };
        const allowed = fault(schema, json) === undefined;
        const { status, raw } = await api.call(method, path.replace('{room}', 'agree').replace('{user}', 'alice'), {
          json,
        });
        assert.equal(status === 400, !allowed, `${method} ${path} ${JSON.stringify(json)}: ${status} ${raw}`);
      }
    }
  }
});

// SPDX-License-Identifier: Apache-2.0
// Two instances on one Redis.
import assert from 'node:assert/strict';
import { keyFile } from './api.mjs';
import { clientAs } from './client.mjs';
import { daemonFor } from './daemon.mjs';
import { Gate } from './gate.mjs';
import { atEnd, pause, program, run } from './processes.mjs';
import { folder, freePort, look, startRedis } from './redis.mjs';
import { bearer, issuer } from './tokens.mjs';

// A redis-server of the test's own: { data, redis, store, start }. `start` starts one more hikyd on it, with these
// flags and its own.
export async function ownRedis(t, ...flags) {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  const store = await look(t, redis.socket);
  const start = (name = 'one', more = []) =>
    daemonFor(t, { redis: redis.url, flags: [...flags, ...more, '--instance-id', name] });
  return { data, redis, store, start };
}

// `flags`: of both. `ctl` gives the answer of hikyctl.
export async function twoDaemons(t, ...flags) {
  const { data, redis, store, start } = await ownRedis(t, ...flags);
  const keys = await keyFile(data);
  const [one, two] = [await start('one', keys), await start('two', keys)];
  const ctl = async (...words) => JSON.parse(await answerOf(redis, '--json', ...words));
  return { redis, store, one, two, daemons: [one, two], ctl };
}

async function answerOf(redis, ...words) {
  const { code, stdout, stderr } = await run(program('HIKYCTL', 'hikyctl'), ['--redis', redis.url, ...words]);
  assert.equal(code, 0, stderr);
  return stdout;
}

// The way of `one` to Redis leads through a gate; that of `two` always holds. `flags`: of both. With `jwt` people show
// tokens: `as` registers one.
export async function twoInstances(t, { flags = [], jwt = false } = {}) {
  const data = await folder(t);
  const port = await freePort();
  const redis = await startRedis(t, data, '--port', String(port), '--bind', '127.0.0.1');
  const gate = await Gate.open({ host: '127.0.0.1', port });
  atEnd(t, () => gate.close());
  const app = jwt ? await issuer(data) : undefined;
  const tokens = jwt ? ['--auth', 'jwt', '--jwt-key', app.file, '--jwt-leeway', '0'] : [];
  const all = ['--rate-messages', '0', ...flags, ...tokens];
  const one = await daemonFor(t, { redis: `redis://127.0.0.1:${gate.port}`, flags: [...all, '--instance-id', 'one'] });
  const two = await daemonFor(t, { redis: redis.url, flags: [...all, '--instance-id', 'two'] });
  const store = await look(t, redis.socket);
  const ctl = (...words) => answerOf(redis, ...words);
  const as = async (user, daemon, claims) => {
    const client = await clientAs(t, undefined, daemon.url, bearer(await app.token(user, claims)));
    client.userId = user;
    client.say({ type: 'register' });
    await client.hears({ type: 'registered' });
    return client;
  };
  // `one` reaches Redis again `ms` after `what` is done.
  const deafFor = async (ms, what) => {
    gate.shut = true;
    gate.cut(false);
    await what();
    await pause(ms);
    gate.shut = false;
  };
  // The connection of `one` that subscribes its rooms. Its other worker has another connection.
  const busOfOne = async () => {
    const lines = (await store.command('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n');
    const ports = lines.map((line) => Number(/ addr=[\d.]+:(\d+)/.exec(line)?.[1]));
    return [...gate.pairs].find((each) => ports.includes(each.far.localPort));
  };
  return { gate, app, one, two, store, ctl, as, deafFor, busOfOne };
}

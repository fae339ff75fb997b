// SPDX-License-Identifier: Apache-2.0
// Two instances on one Redis. The way of `one` to it leads through a gate; that of `two` always holds.
import assert from 'node:assert/strict';
import { clientAs } from './client.mjs';
import { daemonFor } from './daemon.mjs';
import { Gate } from './gate.mjs';
import { atEnd, pause, program, run } from './processes.mjs';
import { folder, freePort, look, startRedis } from './redis.mjs';
import { issuer } from './tokens.mjs';

export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// `flags`: of both. With `jwt` people show tokens: `as` registers one.
export async function twoInstances(t, { flags = [], jwt = false } = {}) {
  const data = await folder(t);
  const port = await freePort();
  const redis = await startRedis(t, data, '--port', String(port), '--bind', '127.0.0.1');
  const gate = await Gate.open({ host: '127.0.0.1', port });
  atEnd(t, () => gate.close());
  const app = jwt ? await issuer(data) : undefined;
  const all = ['--rate-messages', '0', ...flags, ...(jwt ? ['--auth', 'jwt', '--jwt-key', app.file, '--jwt-leeway', '0'] : [])];
  const one = await daemonFor(t, { redis: `redis://127.0.0.1:${gate.port}`, flags: [...all, '--instance-id', 'one'] });
  const two = await daemonFor(t, { redis: redis.url, flags: [...all, '--instance-id', 'two'] });
  const store = await look(t, redis.socket);
  const ctl = async (...args) => assert.equal((await run(program('HIKYCTL', 'hikyctl'), ['--redis', redis.url, ...args])).code, 0);
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
  // The connection over which `one` hears its rooms. Its other worker has another.
  const busOfOne = async () => {
    const lines = (await store.command('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n');
    const ports = lines.map((line) => Number(/ addr=[\d.]+:(\d+)/.exec(line)?.[1]));
    return [...gate.pairs].find((each) => ports.includes(each.far.localPort));
  };
  return { gate, app, one, two, store, ctl, as, deafFor, busOfOne };
}

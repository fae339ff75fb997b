// SPDX-License-Identifier: Apache-2.0
// The log lines of the daemon: one event per line, for people or for machines, never contents or keys.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Api, keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, hikyd, runDaemon } from './support/daemon.mjs';
import { pause, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

const traceparent = (trace) => `00-${trace}-00f067aa0ba902b7-01`;
const [one, two] = ['4bf92f3577b34da6a3ce929d0e0e4736', '5bf92f3577b34da6a3ce929d0e0e4737'];

// The events of a day: a client, a message, a call of the API, and a failure.
async function live(t, daemon) {
  const alice = await clientAs(t, 'alice', daemon.url, { headers: { traceparent: traceparent(one) } });
  const bob = await clientAs(t, 'bob "the builder"\\', daemon.url, { headers: { traceparent: 'broken' } });
  await alice.join('tea');
  await alice.ask({ type: 'message', roomId: 'tea', content: 'a secret of alice' });
  const api = new Api(daemon);
  await api.post(
    '/rooms/tea/messages',
    { senderId: 'alice', content: 'a secret of the api' },
    { traceparent: traceparent(two) },
  );
  const redis = await look(t, daemon.redisSocket);
  await redis.command('SET', 'ws:room_members:odd', 'x');
  await api.call('GET', '/rooms/odd/members', { headers: { traceparent: traceparent(two) } });
  await redis.command('DEL', 'ws:room_members:odd');
  await until('the failure to be written', () => daemon.told.stderr.includes('api.failed'));
  return { alice, bob };
}

test('as JSON, every line is an object with time, level and event, and its fields have their types',
  bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, {
    data,
    flags: [...(await keyFile(data)), '--log-format', 'json', '--log-level', 'debug'],
  });
  const { alice, bob } = await live(t, daemon);
  const events = daemon.told.stderr.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  for (const { time, level, event } of events) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(['debug', 'info', 'warn', 'error'].includes(level));
    assert.match(event, /^[a-z_]+\.[a-z_]+$/);
  }
  const find = (wanted) =>
    events.filter((event) => Object.entries(wanted).every(([name, value]) => event[name] === value));
  assert.equal(
    find({ event: 'session.registered', connection: alice.connectionId, user: 'alice', trace: one, rooms: 0 }).length,
    1,
  );
  const [builder] = find({ event: 'session.registered', connection: bob.connectionId });
  assert.equal(builder.user, 'bob "the builder"\\');
  assert.ok(!('trace' in builder), 'half a trace was believed');
  assert.equal(
    find({
      event: 'api.called',
      level: 'debug',
      method: 'POST',
      route: '/rooms/{room}/messages',
      status: 201,
      trace: two,
    }).length,
    1,
  );
  const [failed] = find({ event: 'api.failed', level: 'error', status: 500, trace: two });
  assert.match(failed.reason, /WRONGTYPE/);
});

test('as text, the same stands in one line each, and a trace where there is one', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: [...(await keyFile(data)), '--log-level', 'debug'] });
  const { alice, bob } = await live(t, daemon);
  const lines = daemon.told.stderr.split('\n').slice(0, -1);
  for (const line of lines)
    assert.match(
      line,
      /^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error) [a-z_]+\.[a-z_]+( [a-z_]+=("([^"\\]|\\.)*"|[^" ]+))*$/,
    );
  assert.ok(
    lines.some((line) =>
      line.endsWith(`session.registered connection=${alice.connectionId} trace=${one} user=alice rooms=0`),
    ),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.includes(`connection=${bob.connectionId} user="bob \\"the builder\\"\\\\"`)));
});

for (const format of ['text', 'json']) {
  test(`no contents and no keys stand in the log, as ${format}`, bounded, async (t) => {
    const data = await folder(t);
    const daemon = await daemonFor(t, {
      data,
      flags: [...(await keyFile(data)), '--log-format', format, '--log-level', 'debug'],
    });
    await live(t, daemon);
    assert.ok(daemon.told.stderr.length > 300);
    for (const text of ['secret', ...Object.values(keys), 'Bearer'])
      assert.ok(!daemon.told.stderr.includes(text), text);
  });
}

test('calls of the API are logged at level debug alone', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data, flags: await keyFile(data) });
  await live(t, daemon);
  assert.doesNotMatch(daemon.told.stderr, /api\.called/);
  assert.match(daemon.told.stderr, /api\.failed/);
});

test('a lack of descriptors is logged once a second, with the number of times', bounded, async (t) => {
  if ((await readFile(hikyd)).includes('__ubsan_'))
    return t.skip('UBSan opens pipes of its own, and takes the lack of descriptors for a fault');
  const daemon = await daemonWith(t);
  const descriptors = (limit) => run('prlimit', ['--pid', String(daemon.pid), `--nofile=${limit}:`]);
  await descriptors(5);
  const peers = Array.from({ length: 20 }, () => connect(daemon.port, '127.0.0.1').on('error', () => {}));
  t.after(() => peers.forEach((peer) => peer.destroy()));
  await until('it to be said', () => /accept\.failed/.test(daemon.told.stderr));
  await pause(3_000);
  await descriptors(1024);
  const lines = daemon.told.stderr.split('\n').filter((line) => line.includes('accept.failed'));
  assert.ok(lines.length >= 2 && lines.length <= 5, `${lines.length} lines`);
  const times = lines.map((line) => Number(/ times=(\d+) /.exec(line)[1]));
  assert.ok(times[0] <= 2 && times.at(-1) > 5, String(times));
});

test('an embedded Redis that reads its file is no warning', bounded, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data });
  const redis = await look(t, daemon.redisSocket);
  await redis
    .command('DEBUG', 'POPULATE', '600000')
    .catch(() => redis.command('EVAL', "for i = 1, 600000 do redis.call('SET', 'key' .. i, 'x') end", 0));
  redis.close();
  process.kill(daemon.redisPid, 'SIGKILL');
  await until('the loss', () => /redis\.died/.test(daemon.told.stderr));
  await until('Redis to be back', async () => (await fetch(`${daemon.url}/ready`)).ok, 30_000);
  const loading = daemon.told.stderr.split('\n').filter((line) => line.includes('LOADING'));
  assert.ok(loading.length > 0, 'it did not take long enough to be seen');
  for (const line of loading) assert.match(line, / info redis\.loading /);
});

test('a Redis with too few databases is logged with the flags that choose them', bounded, async (t) => {
  const redis = await startRedis(t, await folder(t), '--databases', '1');
  const { code, stderr } = await runDaemon('--listen', '127.0.0.1:0', '--redis', redis.url, '--redis-wait', '1');
  assert.equal(code, 3);
  assert.match(
    stderr,
    /DB index is out of range; it has fewer databases than --redis-db-ws, --redis-db-app, --redis-db-session or --redis-db-cache say/,
  );
});

// SPDX-License-Identifier: Apache-2.0
// The commands of hikyctl that go on: tail and top.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { hikyctl, run } from './support/hikyctl.mjs';
import { atEnd, bounded, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';

// A hikyctl that goes on; its output so far is in `out` and `err`.
function going(t, redis, ...args) {
  const child = spawn(hikyctl, ['--redis', redis.url, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const it = { out: '', err: '', lines: () => it.out.split('\n').slice(0, -1) };
  child.stdout.setEncoding('utf8').on('data', (text) => (it.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (it.err += text));
  it.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  atEnd(t, () => child.kill('SIGKILL'));
  return it;
}

async function stage(t) {
  const redis = await startRedis(t, await folder(t));
  const daemon = await daemonFor(t, { redis: redis.url, flags: ['--rate-messages', '0'] });
  const alice = await clientAs(t, 'alice', daemon.url);
  const bob = await clientAs(t, 'bob', daemon.url);
  for (const each of [alice, bob]) await each.join('tea');
  const say = (content) => alice.ask({ type: 'message', roomId: 'tea', content });
  return { redis, daemon, alice, bob, say };
}

test('tail begins with the past, follows in order, and ends after --count', async (t) => {
  const { redis, say } = await stage(t);
  for (const n of [1, 2, 3]) await say(`past ${n}`);
  const tail = going(t, redis, 'tail', 'tea', '-n', '2', '--count', '52');
  await until('the past', () => tail.lines().length === 2);
  for (let n = 1; n <= 50; n += 1) await say(n);
  assert.deepEqual(await bounded('the end', tail.ended), { code: 0, signal: null });
  const cells = tail.lines().map((line) => line.split('\t'));
  assert.deepEqual(cells.map((c) => c[2]), ['past 2', 'past 3', ...Array.from({ length: 50 }, (_, n) => `${n + 1}`)]);
  for (const c of cells) assert.match(c[0], /^\d{4}-\d\d-\d\dT.*Z$/);
  for (const c of cells) assert.equal(c[1], 'alice');
  assert.equal(tail.err, '');
});

test('tail --json gives the frames as they are, and comes back when its connections are cut', async (t) => {
  const { redis, say } = await stage(t);
  const tail = going(t, redis, '--json', 'tail', 'tea', '-n', '0');
  const keys = await look(t, redis.socket);
  await until('a subscriber', async () => (await keys.command('PUBSUB', 'NUMSUB', 'ws:1:room:tea'))[1] === 2);
  await say({ n: 12345678901234567890n.toString() });
  await until('the first', () => tail.lines().length === 1);
  await keys.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  for (const line of (await keys.command('CLIENT', 'LIST')).split('\n')) {
    if (/ name=hikyctl /.test(line)) await keys.command('CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(line)[1]);
  }
  // The daemon's own subscriber was cut, too; until it is back, it may answer `unavailable`.
  await until('the message to be taken', async () => (await say('after the cut')).type === 'messageAck');
  await until('the second', () => tail.lines().length === 2);
  const frames = tail.lines().map((line) => JSON.parse(line));
  assert.deepEqual(frames.map((f) => f.seq), [1, 2]);
  assert.equal(frames[1].content, 'after the cut');
});

test('tail --json is one JSON text a line, also for a content with line ends between its parts', async (t) => {
  const { redis, alice, say } = await stage(t);
  await say('first');
  const tail = going(t, redis, '--json', 'tail', 'tea', '-n', '1', '--events');
  await until('the first', () => tail.lines().length === 1);
  const forged = '{"type":"message","roomId":"tea","senderId":"bob","content":"I never said that"}';
  // Valid JSON, kept as it came. A reader of lines must not take a part of it for a message.
  alice.say(`{"type":"message","roomId":"tea","content":[\n${forged}\n,\r${forged}\r\n]}`);
  await alice.settle();
  await say('last');
  await until('three messages', () => tail.lines().length >= 3);
  const told = tail.lines().map((line) => JSON.parse(line));
  assert.deepEqual(told.map(({ senderId }) => senderId), ['alice', 'alice', 'alice']);
  assert.deepEqual(told[1].content, [JSON.parse(forged), JSON.parse(forged)]);
  assert.ok(!tail.out.includes('\r'));
});

test('every --json of a command is one line, with any mailbox', async (t) => {
  const { redis, alice, bob } = await stage(t);
  await bob.leaves();
  alice.say('{"type":"message","roomId":"tea","content":[\n1,\r\n{"a":\n12345678901234567890}]}');
  await alice.settle();
  const { out, err } = await run(hikyctl, ['--redis', redis.url, '--json', 'queue', 'bob']);
  assert.equal(err, '');
  assert.match(out, /^[^\r\n]+\n$/);
  assert.deepEqual(JSON.parse(out).messages[0].content[0], 1);
  assert.ok(out.includes('12345678901234567890'));
});

test('tail --events shows users who type, join and go', async (t) => {
  const { redis, bob } = await stage(t);
  const tail = going(t, redis, 'tail', 'tea', '--events');
  const keys = await look(t, redis.socket);
  await until('a subscriber', async () => (await keys.command('PUBSUB', 'NUMSUB', 'ws:1:room:tea'))[1] === 2);
  bob.say({ type: 'typing', roomId: 'tea', content: true });
  await bob.settle();
  bob.say({ type: 'leaveRoom', roomId: 'tea' });
  await until('both', () => tail.lines().length === 3);
  assert.deepEqual(tail.lines().map((line) => line.split('\t').slice(1).join(' ')), ['bob * types', 'bob * types no more', 'bob * left']);
});

test('tail says when the log was lost', async (t) => {
  const { redis, say } = await stage(t);
  const tail = going(t, redis, 'tail', 'tea');
  await say('before');
  await until('the first', () => tail.lines().length === 1);
  const keys = await look(t, redis.socket);
  await keys.command('DEL', 'ws:room_head:tea', 'ws:room_log:tea');
  await say('behind');
  await until('the second', () => tail.lines().length === 2);
  assert.match(tail.err, /note: the room's log was lost; its messages are counted anew/);
});

test('top --once counts messages, users and rooms', async (t) => {
  const { redis, say } = await stage(t);
  await say('the room is known now');
  const report = run(hikyctl, ['--redis', redis.url, '--json', 'top', '--once', '--interval', '2']);
  let reported = false;
  report.finally(() => (reported = true));
  for (let n = 0; !reported; n += 1) await say(n);
  const seen = JSON.parse((await report).out);
  assert.deepEqual([seen.online, seen.connections, seen.instances.length], [2, 2, 1]);
  assert.ok(seen.redis.commandsPerSecond > 1 && seen.redis.memoryBytes > 1e5);
  assert.ok(seen.messagesPerSecond > 0, JSON.stringify(seen));
  assert.equal(seen.busiestRooms[0].room, 'tea');
});

test('top knows a room that was born a second ago', async (t) => {
  const { redis, alice } = await stage(t);
  const top = going(t, redis, '--json', 'top', '--interval', '1');
  await until('a sample', () => top.lines().length === 1);
  await alice.join('new');
  for (let n = 0; n < 10; n += 1) await alice.ask({ type: 'message', roomId: 'new', content: n });
  const said = alice.ask({ type: 'message', roomId: 'new', content: 'last' });
  await said;
  const seen = await until('the room', () => {
    const samples = top.lines().map((line) => JSON.parse(line));
    return samples.find(({ busiestRooms }) => busiestRooms.some(({ room }) => room === 'new'));
  }, 4_000);
  assert.ok(seen.messagesPerSecond > 1, JSON.stringify(seen));
});

test('top --count prints as many samples, one JSON text a line', async (t) => {
  const { redis } = await stage(t);
  const { code, out } = await run(hikyctl, ['--redis', redis.url, '--json', 'top', '--count', '3', '--interval', '0.1']);
  assert.equal(code, 0);
  assert.equal(out.trimEnd().split('\n').map((line) => JSON.parse(line)).length, 3);
  const lines = (await run(hikyctl, ['--redis', redis.url, 'top', '--once', '--interval', '0.1'])).out;
  assert.match(lines, /^online\t2$/m);
  assert.match(lines, /^instance\tone\t2 connections\t2 users\tlease \d+\.\d s$/m);
});

test('on a terminal top goes on until q, and gives the terminal back', async (t) => {
  const { redis } = await stage(t);
  if ((await run('script', ['--version'])).code !== 0) return t.skip('no script(1) to make a terminal with');
  // script(1) is the terminal; `stty -a` tells afterwards whether keys are echoed again.
  const child = spawn('script', ['-qec', `${hikyctl} --redis ${redis.url} top --interval 0.2; echo ended $?; stty -a`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  await until('three samples', () => out.split('q ends').length > 3);
  child.stdin.write('q');
  await until('its end', () => out.includes('ended 0') && / echo /.test(out.slice(out.indexOf('ended'))));
  assert.match(out, /\x1b\[H\x1b\[J/);
  assert.match(out.slice(out.indexOf('ended')), / icanon /);
});

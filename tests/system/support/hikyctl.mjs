// SPDX-License-Identifier: Apache-2.0
// hikyctl, and a redis-server of the test file's own. redis-cli reads and writes its keys: no code of the project is in
// between.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

export const hikyctl = process.env.HIKYCTL ?? 'build/release/hikyctl';
export const folder = mkdtempSync(join(tmpdir(), 'hikyctl-'));
export const socket = join(folder, 'redis.sock');
const children = [];
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

export function run(program, args, env = {}) {
  return new Promise((resolve) => {
    const mine = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HIKY_')));
    execFile(program, args, { timeout: 20_000, env: { ...mine, ...env }, maxBuffer: 64 << 20 }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, err }));
  });
}

export const ctl = (...args) => run(hikyctl, ['--data', folder, ...args]);

// The output of a command that has to succeed without a word on stderr.
export async function said(...args) {
  const { code, out, err } = await ctl(...args);
  assert.equal(err, '');
  assert.equal(code, 0, out);
  return out;
}

export const json = async (...args) => JSON.parse(await said('--json', ...args));

// Asserts that a command fails with `code` and one line that `pattern` matches.
export async function fails(code, pattern, ...args) {
  const got = await ctl(...args);
  assert.equal(got.code, code, got.err);
  assert.equal(got.out, '');
  assert.match(got.err, pattern);
  assert.equal(got.err.trimEnd().split('\n').length, 1, `one line, not ${got.err}`);
}

export async function redis(database, ...command) {
  const { code, out, err } = await run('redis-cli', ['-s', socket, '-n', `${database}`, ...command]);
  assert.equal(code, 0, err);
  return out.trimEnd();
}
export const ws = (...command) => redis(1, ...command);
export const app = (...command) => redis(0, ...command);
export const sorted = (text) => text.split('\n').filter((line) => line !== '').sort();

export function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  children.push(child);
  return child;
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function started(server, ...where) {
  for (let tries = 0; tries < 200; ++tries) {
    if ((await run('redis-cli', [...where, 'PING'])).out.startsWith('PONG')) return server;
    await pause(25);
  }
  throw new Error('redis-server did not answer within 5 s');
}

export let server;
// To be called once by each test file.
export function stage() {
  before(async () => {
    server = await started(start('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '']), '-s', socket);
  });
  after(async () => {
    for (const child of children) await stop(child);
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => ws('FLUSHALL'));
}

// alice has two connections on two instances and takes part in tea; bob is away, a member of tea, and has mail.
export async function some_state() {
  await ws('SADD', 'ws:online_users', 'alice', 'carol');
  await ws('HSET', 'ws:clients', 'alice', '{"connectedAt":"2026-01-31T12:00:00.000Z","lastSeen":"2026-01-31T12:05:00.000Z","ipAddress":"127.0.0.1","connections":2}');
  await ws('HSET', 'ws:clients', 'carol', '{"connectedAt":"2026-01-31T11:00:00.000Z","lastSeen":"2026-01-31T11:00:00.000Z"}');
  await ws('HSET', 'ws:user_connections:alice', 'c1', '{"instance":"one","since":"2026-01-31T12:00:00.000Z","ip":"127.0.0.1","agent":"curl"}',
    'c2', '{"instance":"two","since":"2026-01-31T12:05:00.000Z","ip":"","agent":""}');
  await ws('HSET', 'ws:instance_connections:one', 'c1', 'alice', 'c3', 'carol');
  await ws('HSET', 'ws:instance_connections:two', 'c2', 'alice');
  await ws('SADD', 'ws:user_rooms:alice', 'tea');
  await ws('SADD', 'ws:room_participants:tea', 'alice');
  await ws('SADD', 'ws:joined_room_participants:tea', 'alice');
  await ws('SADD', 'ws:room_members:tea', 'alice', 'bob');
  await ws('SADD', 'ws:room_members:attic', 'bob');
  await ws('SADD', 'ws:member_rooms:alice', 'tea');
  await ws('SADD', 'ws:member_rooms:bob', 'tea', 'attic');
  await ws('HSET', 'ws:typing_users', 'alice', 'tea', 'ghost', 'tea');
  await ws('SET', 'ws:typing_users:alice', 'tea', 'EX', '60');
  await ws('SET', 'ws:last_seen:bob', '2026-01-30T09:00:00.000Z');
  await ws('LPUSH', 'ws:offline_messages:bob', '{"type":"message","roomId":"tea","senderId":"alice","content":"kettle is on","timestamp":"2026-01-31T12:00:01.000Z"}');
  await ws('LPUSH', 'ws:offline_messages:bob', '{"type":"message","roomId":"tea","senderId":"alice","content":{"n":12345678901234567890123},"timestamp":"2026-01-31T12:00:02.000Z"}');
  await ws('SET', 'ws:offline_dropped:bob', '7');
}

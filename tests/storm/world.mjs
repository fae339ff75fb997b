// SPDX-License-Identifier: Apache-2.0
// The servers of a storm: one redis-server on a file that outlives it, some hikyd, and the doors between them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, program, until } from '../system/support/processes.mjs';
import { Redis, freePort } from '../system/support/redis.mjs';
import { Gate } from '../system/support/gate.mjs';

const hikyd = program('HIKYD', 'hikyd');
export const lease = 4;
export const grace = 1;

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function start(executable, args, onLine) {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  for (const stream of ['stdout', 'stderr']) {
    let rest = '';
    child[stream].setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) onLine(stream, line);
    });
  }
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => children.delete(child));
  return child;
}

class Instance {
  generation = 0;
  child; // while it runs

  constructor(world, name) {
    Object.assign(this, { world, name });
  }
  async prepare() {
    this.clients = await Gate.open();
    this.redis = await Gate.open({ host: '127.0.0.1', port: this.world.redisPort });
  }
  get up() {
    return this.child !== undefined && this.clients.target !== undefined;
  }
  get welcomes() {
    return this.up && this.child.wanted === undefined;
  }

  async start(sameName) {
    if (!sameName) this.generation += 1;
    const id = `${this.name}-${this.generation}`;
    let ready;
    const said = new Promise((resolve) => (ready = resolve));
    const child = start(
      hikyd,
      ['--listen', '127.0.0.1:0', '--workers', '2', '--instance-id', id, '--redis', `redis://127.0.0.1:${this.redis.port}`, '--lease', String(lease),
        '--grace', String(this.world.grace), '--drain', '1', '--redis-wait', '60', '--rate-messages', '200:400'],
      (stream, line) => {
        const found = /^hikyd ready on http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
        if (found) ready(Number(found[1]));
        if (stream === 'stderr') this.world.record({ e: 'log', instance: id, line });
      },
    );
    this.child = child;
    child.wanted = undefined; // how it is to end, once somebody ends it
    child.ended.then(({ code, signal, error }) => {
      this.world.record({ e: 'ended', instance: id, code, signal, wanted: child.wanted, error: error?.message });
      if (this.child === child) this.child = this.clients.target = undefined;
    });
    const port = await Promise.race([said, child.ended.then(() => undefined)]);
    if (port === undefined) return false;
    this.clients.target = { port, host: '127.0.0.1' };
    this.world.record({ e: 'up', instance: id });
    return true;
  }

  async kill() {
    const { child } = this;
    if (!child) return;
    child.wanted = 'SIGKILL';
    this.clients.target = undefined;
    child.kill('SIGKILL');
    await child.ended;
  }
  async drain() {
    const { child } = this;
    if (!child) return;
    child.wanted ??= 'exit 0';
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.world.record({ e: 'stuck', instance: this.name });
      child.wanted = 'SIGKILL';
      child.kill('SIGKILL');
    }, 30_000);
    await child.ended;
    clearTimeout(timer);
  }
}

export class World {
  instances = [];
  redisUp = false;
  friends = {}; // user → [user]; told to Redis whenever it starts without data

  constructor(record, seconds) {
    Object.assign(this, { record, grace: seconds });
  }

  async open(count) {
    this.folder = await mkdtemp(join(tmpdir(), 'hiky-storm-'));
    this.socket = join(this.folder, 'redis.sock');
    this.redisPort = await freePort();
    await this.startRedis();
    for (let i = 0; i < count; i += 1) {
      const instance = new Instance(this, `hikyd${i + 1}`);
      await instance.prepare();
      this.instances.push(instance);
      if (!(await instance.start())) throw new Error(`${hikyd} did not start`);
    }
    let turn = 0;
    // One door to all instances that welcome people.
    this.balancer = await Gate.open(() => {
      const open = this.instances.filter((each) => each.welcomes);
      return open.length > 0 ? { host: '127.0.0.1', port: open[(turn += 1) % open.length].clients.port } : undefined;
    });
  }

  async befriend() {
    const directory = await Redis.connect(this.socket, 0);
    for (const [user, others] of Object.entries(this.friends)) await directory.command('SADD', `hiky:user_friends:${user}`, ...others);
    directory.close();
  }

  async startRedis() {
    let last = '';
    const child = start(
      'redis-server',
      ['--port', String(this.redisPort), '--bind', '127.0.0.1', '--unixsocket', this.socket, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.folder, '--logfile', ''],
      (_, line) => (last = line),
    );
    this.redis = child;
    await until('Redis to answer', async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${last}`);
      if (!existsSync(this.socket)) return false;
      const look = await Redis.connect(this.socket).catch(() => undefined);
      if (!look) return false;
      await look.command('GET', 'ws:nothing').then(() => (this.look = look), () => look.close());
      return this.look === look;
    }, 30_000);
    await this.befriend();
    this.redisUp = true;
  }

  async killRedis(loseData) {
    this.redisUp = false;
    this.look.close();
    this.redis.kill('SIGKILL');
    await this.redis.ended;
    await rm(this.socket, { force: true });
    if (loseData) await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
  }

  // Nothing is in anybody's way any more, and everything runs.
  async heal() {
    if (!this.redisUp) await this.startRedis();
    for (const instance of this.instances) {
      instance.child?.kill('SIGCONT');
      instance.clients.heal();
      instance.redis.heal();
      await pause(50);
      while (!instance.up && !(await instance.start(false))) await pause(200);
    }
  }

  async close() {
    for (const instance of this.instances) {
      instance.child?.kill('SIGCONT');
      await instance.drain();
      await instance.clients.close();
      await instance.redis.close();
    }
    await this.balancer.close();
    this.look.close();
    this.redis.kill('SIGKILL');
    await this.redis.ended;
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  // What Redis holds under ws:, for the checker.
  async snapshot() {
    const { look } = this;
    const out = { sets: {}, hashes: {}, lists: {}, strings: {}, zsets: {}, logs: {} };
    let cursor = '0';
    const keys = new Set();
    do {
      const [next, page] = await look.command('SCAN', cursor, 'MATCH', 'ws:*', 'COUNT', 500);
      cursor = next;
      for (const key of page) keys.add(key);
    } while (cursor !== '0');
    const pairs = (flat) => Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]));
    for (const key of keys) {
      if (key.startsWith('ws:dedup:')) continue;
      switch (await look.command('TYPE', key)) {
        case 'set': out.sets[key] = await look.command('SMEMBERS', key); break;
        case 'hash': out.hashes[key] = pairs(await look.command('HGETALL', key)); break;
        case 'list': out.lists[key] = await look.command('LRANGE', key, 0, -1); break;
        case 'string': out.strings[key] = await look.command('GET', key); break;
        case 'zset': out.zsets[key] = pairs(await look.command('ZRANGE', key, 0, -1, 'WITHSCORES')); break;
        case 'stream': {
          out.logs[key] = (await look.command('XRANGE', key, '-', '+')).map(([id, fields]) => ({ seq: Number(id.split('-')[0]), ...pairs(fields) }));
          break;
        }
        default: break;
      }
    }
    return out;
  }
}

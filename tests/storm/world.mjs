// SPDX-License-Identifier: Apache-2.0
// The servers of a storm: a redis-server on a file that outlives it, replicas that take its place, some hikyd, and the
// doors between them.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api, keyFile } from '../system/support/api.mjs';
import { pause, program, until } from '../system/support/processes.mjs';
import { Redis, freePort } from '../system/support/redis.mjs';
import { Gate } from '../system/support/gate.mjs';
import { Issuer } from './tokens.mjs';

const hikyd = program('HIKYD', 'hikyd');
export const lease = 4;
export const grace = 1;
const distance = 200; // ms each way, behind the far door

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function start(executable, args, onLine, env) {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
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
    this.far = await Gate.open(() => (this.clients.shut ? undefined : this.clients.target));
    this.far.delay = distance;
    this.redis = await Gate.open(() => ({ host: '127.0.0.1', port: this.world.redisPort }));
  }
  // The doors that clients come by.
  get doors() {
    return [this.clients, this.far];
  }
  get api() {
    return new Api({ url: `http://127.0.0.1:${this.clients.target.port}` });
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
      [
        '--listen',
        '127.0.0.1:0',
        '--workers',
        '2',
        '--instance-id',
        id,
        '--redis',
        `redis://127.0.0.1:${this.redis.port}`,
        '--lease',
        String(lease),
        '--grace',
        String(this.world.grace),
        '--drain',
        '1',
        '--redis-wait',
        '60',
        '--rate-messages',
        '200:400',
        '--auth',
        'jwt',
        '--auth',
        'open',
        ...this.world.secrets,
      ],
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

// One redis-server, with a folder of its own. `step`: seconds by which its clock is off.
class Node {
  constructor(world, number, port, step) {
    const folder = join(world.folder, `redis-${number}`);
    Object.assign(this, { world, folder, port, step, socket: join(folder, 'redis.sock') });
  }

  // Resolves once it answers, with a connection to look at it.
  async start(...flags) {
    await mkdir(this.folder, { recursive: true });
    await rm(this.socket, { force: true });
    let last = '';
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--unixsocket',
      this.socket,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    const more = [
      '--appendfsync',
      'always',
      '--repl-diskless-sync-delay',
      '0',
      '--dir',
      this.folder,
      '--logfile',
      '',
      ...flags,
    ];
    const env = this.step && { LD_PRELOAD: this.world.clock, CLOCK_STEP: String(this.step) };
    const child = (this.child = start('redis-server', [...args, ...more], (_, line) => (last = line), env));
    return until('Redis to answer', async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${last}`);
      if (!existsSync(this.socket)) return false;
      const look = await Redis.connect(this.socket).catch(() => undefined);
      return look?.command('GET', 'ws:nothing').then(() => look, () => (look.close(), false));
    }, 30_000);
  }
  async kill() {
    this.child.kill('SIGKILL');
    await this.child.ended;
    await rm(this.socket, { force: true });
  }
}

export class World {
  instances = [];
  redisUp = false;
  friends = {}; // user → [user]; told to Redis whenever it starts without data
  issuer = new Issuer();
  leftOut = new Set(); // what this machine lacks
  #nodes = 0;

  constructor(record, seconds) {
    Object.assign(this, { record, grace: seconds });
  }
  get redisPort() {
    return this.node.port;
  }

  async open(count, { clocks = false } = {}) {
    this.folder = await mkdtemp(join(tmpdir(), 'hiky-storm-'));
    if (clocks) this.#buildClock();
    await writeFile(join(this.folder, 'jwt.key'), `${this.issuer.secret}\n`, { mode: 0o600 });
    this.secrets = ['--jwt-key', join(this.folder, 'jwt.key'), ...(await keyFile(this.folder))];
    this.node = await this.#newNode(0);
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

  async #newNode(step) {
    return new Node(this, (this.#nodes += 1), await freePort(), step);
  }
  #buildClock() {
    const source = fileURLToPath(new URL('clock.c', import.meta.url));
    const library = join(this.folder, 'clock.so');
    const failed = ['cc', 'clang', 'clang-19'].every((compiler) => {
      try {
        execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-o', library, source], { stdio: 'ignore' });
        this.clock = library;
        return false;
      } catch {
        return true;
      }
    });
    if (failed) this.leftOut.add('clock (no C compiler)');
  }

  async befriend() {
    const directory = await Redis.connect(this.node.socket, 0);
    for (const [user, others] of Object.entries(this.friends)) await directory.command('SADD', `hiky:user_friends:${user}`, ...others);
    directory.close();
  }

  async startRedis() {
    this.look = await this.node.start();
    await this.befriend();
    this.redisUp = true;
  }

  async killRedis(loseData) {
    this.redisUp = false;
    this.look.close();
    await this.node.kill();
    if (loseData) await rm(join(this.node.folder, 'appendonlydir'), { recursive: true, force: true });
  }

  // A replica takes the master's place, and the old one is gone with its file. `step`: the new one's clock is off
  // by so many seconds. `lag`: from when it is called until it resolves, the replica hears nothing of what the
  // master is told; without it nothing is lost. False when the replica did not get ready, and all is as before.
  async failover({ step = this.node.step, lag } = {}) {
    const old = this.node;
    const link = await Gate.open({ host: '127.0.0.1', port: old.port });
    const next = await this.#newNode(step);
    const look = await next.start('--replicaof', `127.0.0.1 ${link.port}`);
    const info = async (redis, section, name) =>
      new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(await redis.command('INFO', section))?.[1];
    const hasAll = async () => {
      const goal = Number(await info(this.look, 'replication', 'master_repl_offset'));
      if ((await info(look, 'replication', 'master_link_status')) !== 'up') return false;
      if (Number(await info(look, 'replication', 'slave_repl_offset')) < goal) return false;
      // Its own file holds nothing before this is over.
      return (
        (await info(look, 'persistence', 'aof_rewrite_in_progress')) === '0' &&
        (await info(look, 'persistence', 'aof_rewrite_scheduled')) === '0'
      );
    };
    try {
      await until('the replica to have everything', hasAll, 15_000);
      if (step !== 0) {
        const [seconds] = await look.command('EVAL', "return redis.call('TIME')", 0);
        const off = Number(seconds) - Date.now() / 1000;
        if (Math.abs(off - step) > 5) throw new Error(`the clock of a redis-server is ${off} s off, expected ${step}`);
      }
      if (lag) {
        link.stall(true);
        await lag();
      } else {
        await this.look.command('CLIENT', 'PAUSE', 5_000, 'WRITE');
        await until('the replica to have everything', hasAll, 4_000);
      }
    } catch (failure) {
      this.record({ e: 'no_failover', reason: failure.message });
      look.close();
      await next.kill();
      await link.close();
      return false;
    }
    this.redisUp = false;
    this.look.close();
    await old.kill();
    await look.command('REPLICAOF', 'NO', 'ONE');
    this.node = next;
    this.look = look;
    this.redisUp = true;
    await link.close();
    await rm(old.folder, { recursive: true, force: true, maxRetries: 5 });
    return true;
  }

  // Nothing is in anybody's way any more, and everything runs.
  async heal() {
    if (!this.redisUp) await this.startRedis();
    this.node.child.kill('SIGCONT');
    for (const instance of this.instances) {
      instance.child?.kill('SIGCONT');
      for (const door of [...instance.doors, instance.redis]) door.heal();
      await pause(50);
      while (!instance.up && !(await instance.start(false))) await pause(200);
    }
  }

  async close() {
    for (const instance of this.instances) {
      instance.child?.kill('SIGCONT');
      await instance.drain();
      for (const door of [...instance.doors, instance.redis]) await door.close();
    }
    await this.balancer.close();
    this.look.close();
    await this.node.kill();
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

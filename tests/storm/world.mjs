// SPDX-License-Identifier: Apache-2.0
// The servers of a storm: a redis-server, replicas that take its place, some hikyd, and the doors between them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyFile } from '../system/support/api.mjs';
import { Gate } from '../system/support/gate.mjs';
import { pause, until } from '../system/support/processes.mjs';
import { Redis, freePort } from '../system/support/redis.mjs';
import { Issuer } from './tokens.mjs';
import { Instance, hikyd } from './world/instance.mjs';
import { RedisNode } from './world/redis_node.mjs';
import { snapshotOf } from './world/snapshot.mjs';

export class World {
  instances = [];
  redisUp = false;
  friends = {}; // user → [user]; told to Redis whenever it starts without data
  issuer = new Issuer();
  leftOut = new Set(); // faults that this machine cannot make
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
    return new RedisNode(this, (this.#nodes += 1), await freePort(), step);
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
    for (const [user, others] of Object.entries(this.friends))
      await directory.command('SADD', `hiky:user_friends:${user}`, ...others);
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
  // by so many seconds. `lag`: from the call until it resolves, the replica gets no command of the master; without it
  // nothing is lost. False when the replica did not get ready; then nothing has changed.
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
      // The new master's own file is empty until this is over.
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

  // No fault is in the way any more, and everything runs.
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

  // All keys of Redis under ws:, for the checker.
  snapshot() {
    return snapshotOf(this.look);
  }
}

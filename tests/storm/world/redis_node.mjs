// SPDX-License-Identifier: Apache-2.0
// A redis-server of a storm, on a file that outlives it.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../system/support/processes.mjs';
import { Redis } from '../../system/support/redis.mjs';
import { start } from './children.mjs';

// One redis-server, with a folder of its own. `step`: seconds by which its clock is off.
export class RedisNode {
  constructor(world, number, port, step) {
    const folder = join(world.folder, `redis-${number}`);
    Object.assign(this, { world, folder, port, step, socket: join(folder, 'redis.sock') });
  }

  // Resolves once it answers, with a connection to look at it.
  async start(...flags) {
    await mkdir(this.folder, { recursive: true });
    await rm(this.socket, { force: true });
    let last = '';
    const pairs = [
      ['--port', String(this.port)],
      ['--bind', '127.0.0.1'],
      ['--unixsocket', this.socket],
      ['--save', ''],
      ['--appendonly', 'yes'],
      ['--appendfsync', 'always'],
      ['--repl-diskless-sync-delay', '0'],
      ['--dir', this.folder],
      ['--logfile', ''],
    ];
    const env = this.step && { LD_PRELOAD: this.world.clock, CLOCK_STEP: String(this.step) };
    const child = (this.child = start('redis-server', [...pairs.flat(), ...flags], (_, line) => (last = line), env));
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

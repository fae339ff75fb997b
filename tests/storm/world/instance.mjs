// SPDX-License-Identifier: Apache-2.0
// One hikyd of a storm, with the doors that clients come by and the door to its Redis. A hikyd that is started anew is
// another instance of the same name.
import { Api } from '../../system/support/api.mjs';
import { Gate } from '../../system/support/gate.mjs';
import { program } from '../../system/support/processes.mjs';
import { start } from './children.mjs';

export const hikyd = program('HIKYD', 'hikyd');
export const lease = 4;
export const grace = 1;
const distance = 200; // ms each way, behind the far door

export class Instance {
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

  #flags(id) {
    const pairs = [
      ['--listen', '127.0.0.1:0'],
      ['--workers', '2'],
      ['--instance-id', id],
      ['--redis', `redis://127.0.0.1:${this.redis.port}`],
      ['--lease', String(lease)],
      ['--grace', String(this.world.grace)],
      ['--drain', '1'],
      ['--redis-wait', '60'],
      ['--rate-messages', '200:400'],
      ['--auth', 'jwt'],
      ['--auth', 'open'],
    ];
    return [...pairs.flat(), ...this.world.secrets];
  }

  // False when hikyd ended before it was ready.
  async start(sameName) {
    if (!sameName) this.generation += 1;
    const id = `${this.name}-${this.generation}`;
    let ready;
    const said = new Promise((resolve) => (ready = resolve));
    const child = start(hikyd, this.#flags(id), (stream, line) => {
      const found = /^hikyd ready on http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (found) ready(Number(found[1]));
      if (stream === 'stderr') this.world.record({ e: 'log', instance: id, line });
    });
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

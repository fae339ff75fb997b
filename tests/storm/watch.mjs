// SPDX-License-Identifier: Apache-2.0
// Looks at Redis while a storm goes on, and at this process: if it is kept from running, it sees events late and cannot
// judge them.
import { pause } from '../system/support/processes.mjs';

export class Watch {
  #running;
  #over = false;

  constructor(storm) {
    this.storm = storm;
  }

  begin() {
    this.#running = Promise.all([this.#look(), this.#notice()]);
  }
  async end() {
    this.#over = true;
    await this.#running;
  }

  // The times when this process was kept from running.
  async #notice() {
    while (!this.#over) {
      const before = Date.now();
      await pause(100);
      const late = Date.now() - before - 100;
      if (late > 150) this.storm.record({ e: 'late', ms: late });
    }
  }

  // The users who are online and who type, as Redis has them; and each second time, the users for whom mail waits.
  async #look() {
    const { storm } = this;
    for (let turn = 0; !this.#over;) {
      await pause(500);
      if (!storm.world.redisUp) continue;
      const { look } = storm.world;
      const [users, marks] = await Promise.all([
        look.command('SMEMBERS', 'ws:online_users'),
        look.command('HGETALL', 'ws:typing_users'),
      ]).catch(() => []);
      if (users) storm.record({ e: 'online', users });
      if (users && (turn += 1) % 2 === 0) await this.lookForMail(false);
      if (marks?.length > 0) storm.record({ e: 'marks', users: marks.filter((_, i) => i % 2 === 0) });
    }
  }

  // The users for whom mail waits: in the mailbox, or claimed for a connection that lives and has not confirmed it.
  async lookForMail(final) {
    const { people, record, world } = this.storm;
    const lists = people.flatMap(({ user, devices }) => [
      { user, key: `ws:offline_messages:${user}` },
      ...devices
        .filter((d) => d.ready)
        .map((d) => ({ user, key: `ws:offline_inflight:${user}:${d.visit.connection}` })),
    ]);
    const counts = await Promise.all(lists.map(({ key }) => world.look.command('LLEN', key))).catch(() => undefined);
    if (!counts) return;
    const users = {};
    for (const [i, { user }] of lists.entries()) if (counts[i] > 0) users[user] = (users[user] ?? 0) + counts[i];
    record({ e: 'waiting', final, users });
  }
}

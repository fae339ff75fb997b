// SPDX-License-Identifier: Apache-2.0
// Faults of the servers of a storm and of the links between them. Each act gets { world, instance, devices, random,
// storm, length, flip, number }, of which `length` and `flip` are drawn with the schedule, and returns when it is over.
import { pause } from '../../system/support/processes.mjs';
import { lease } from '../world/instance.mjs';

export const acts = {
  async kill({ instance, length, flip }) {
    await instance.kill();
    await pause(200 + 5_000 * length);
    await instance.start(flip);
  },
  async term({ instance, length }) {
    await instance.drain();
    await pause(100 + 1_000 * length);
    await instance.start(false);
  },
  // All instances one after the other, as when a new version is put in place.
  async roll({ world, length }) {
    for (const each of world.instances) {
      if (each.struck || !each.up) continue;
      each.struck = true;
      await each.drain();
      await pause(500 * length);
      await each.start(false);
      each.struck = false;
    }
  },
  async stop({ instance, length }) {
    const { child } = instance;
    child?.kill('SIGSTOP');
    await pause(lease * 1000 + 4_000 * length);
    child?.kill('SIGCONT');
    await pause(2_000); // the instance recovers before the next fault
  },
  async redis_restart({ world, length }) {
    await world.killRedis(false);
    await pause(3_000 * length);
    await world.startRedis();
  },
  // With a restart, or without one, so that no connection notices it.
  async redis_lose({ world, length, flip }) {
    if (flip) {
      await world.look.command('FLUSHDB');
      return pause(2_000);
    }
    await world.killRedis(true);
    await pause(2_000 * length);
    return world.startRedis();
  },
  kill_pubsub: async ({ world }) => void (await world.look.command('CLIENT', 'KILL', 'TYPE', 'pubsub')),
  kill_normal: async ({ world }) =>
    void (await world.look.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
  redis_stall: ({ instance, length }) => whileGates([instance.redis], 'stall', 500 + 6_000 * length),
  redis_drip: ({ instance, length }) => whileGates([instance.redis], 'drip', 500 + 4_000 * length),
  redis_cut: ({ instance, length }) => shut([instance.redis], true, 3_000 * length),
  redis_reset: ({ instance, length }) => shut([instance.redis], false, 1_000 * length),
  client_stall: ({ instance, length }) => whileGates(instance.doors, 'stall', 500 + 4_000 * length),
  client_drip: ({ instance, length }) => whileGates(instance.doors, 'drip', 500 + 3_000 * length),
  client_cut: ({ instance, length }) => shut(instance.doors, true, 2_000 * length),
  client_reset: ({ instance, length }) => shut(instance.doors, false, 1_000 * length),
  // An instance is away from Redis for less than a lease. Meanwhile people who are connected to it are put into
  // rooms and out.
  async blip({ instance, random, storm, length, flip }) {
    const changing = pause(30).then(() => storm.members.changes(random, 4, instance));
    await shut([instance.redis], flip, 300 + 1_700 * length);
    await changing;
  },
  // An instance gets SIGTERM while Redis is away, for this instance or for all. Redis is back before the instance has
  // ended: soon, or when the instance has given up its goodbyes (spread over 1 s, waited for 5 s) and not yet its
  // lease.
  async term_outage({ world, instance, random, length, flip }) {
    const all = random.chance(0.6);
    const gates = (all ? world.instances : [instance]).map((each) => each.redis);
    for (const gate of gates) {
      gate.shut = true;
      gate.cut(flip);
    }
    await pause(300 * random.real());
    const drained = instance.drain();
    await pause(random.chance(all ? 0.25 : 0.7) ? 200 + 1_000 * length : 4_900 + 1_300 * length);
    for (const gate of gates) gate.heal();
    await drained;
    await pause(300);
    await instance.start(false);
  },
  // A replica that was behind becomes the master. Some people go, come and speak in the time that the replica never
  // learns of.
  async failover({ world, devices, random, storm, length, number }) {
    const done = await world.failover({
      lag: async () => {
        storm.record({ e: 'lag', number });
        await pause(50);
        for (const d of random.some(devices.filter((each) => each.ready && !each.person.busy), 0.2)) {
          d.park();
          d.leave();
          setTimeout(() => d.unpark(), random.between(3_000, 9_000));
        }
        await pause(300 + 900 * length);
      },
    });
    if (!done) return;
    await pause(1_500); // it settles before the next fault
  },
  // A replica becomes the master that has everything, and whose clock is another. An instance dies just before.
  async clock({ world, random, storm, length, devices }) {
    const step = random.pick([-90, 90, -3_600].filter((each) => each !== world.node.step));
    const victim = random.pick(world.instances.filter((each) => each.up && !each.struck));
    if (victim) victim.struck = true;
    const number = victim && random.chance(0.8) ? (storm.struck += 1) : undefined;
    if (number) {
      storm.record({ e: 'fault', kind: 'kill', number, instance: victim.name });
      await victim.kill();
    }
    for (const d of random.some(devices.filter((each) => each.ready), 0.1)) {
      d.park();
      d.leave();
      setTimeout(() => d.unpark(), 4_000 + 4_000 * length);
    }
    await world.failover({ step });
    await pause(2_000);
    if (victim && !victim.up) await victim.start(false);
    if (number) storm.record({ e: 'healed', kind: 'kill', number });
    if (victim) victim.struck = false;
  },
};

async function whileGates(gates, how, ms) {
  for (const gate of gates) gate[how](true);
  await pause(ms);
  for (const gate of gates) gate[how](false);
}
async function shut(gates, politely, ms) {
  for (const gate of gates) {
    gate.shut = true;
    gate.cut(politely);
  }
  await pause(ms);
  for (const gate of gates) gate.shut = false;
}

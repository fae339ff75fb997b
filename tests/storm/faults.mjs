// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and when: the whole schedule is drawn from the seed before anything begins, so that it repeats.
import { pause } from '../system/support/processes.mjs';
import { lease } from './world.mjs';

const weights = {
  kill: 3, term: 2, stop: 1.5, redis_restart: 1.5, redis_lose: 0.7, kill_pubsub: 1.5, kill_normal: 1.5,
  redis_stall: 1.5, redis_cut: 1.5, redis_drip: 1, redis_reset: 1, client_stall: 1, client_cut: 1.5, client_drip: 0.7, client_reset: 1,
  vanish: 3, hole: 3, sleep: 1.5, roll: 1,
};

// Each kind comes once before any comes by weight, as far as the time goes. `only`: names of kinds, for who looks for something.
export function schedule(random, seconds, instances, only) {
  const out = [];
  const kinds = only ? Object.fromEntries(only.map((kind) => [kind, weights[kind] ?? 1])) : weights;
  const recovery = only ? 12 : 45; // seconds from one loss of all data to the next
  let bag = [];
  let lost = -60;
  for (let at = 2; at < seconds; at += random.between(1, 4)) {
    if (bag.length === 0 && out.length === 0) bag = Object.keys(kinds).map((kind) => ({ kind, key: random.real() })).sort((a, b) => a.key - b.key).map(({ kind }) => kind);
    let kind = bag.pop() ?? random.weighted(kinds);
    if (kind === 'redis_lose' && at - lost < recovery) kind = 'redis_restart';
    if (kind === 'redis_lose') lost = at;
    out.push({ at, kind, instance: random.below(instances), length: random.real(), seed: random.below(2 ** 31), flip: random.chance(0.5) });
  }
  return out;
}

const acts = {
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
    await pause(2_000); // it comes to itself before the next blow
  },
  async redis_restart({ world, length }) {
    await world.killRedis(false);
    await pause(3_000 * length);
    await world.startRedis();
  },
  async redis_lose({ world, length }) {
    await world.killRedis(true);
    await pause(2_000 * length);
    await world.startRedis();
  },
  kill_pubsub: async ({ world }) => void (await world.look.command('CLIENT', 'KILL', 'TYPE', 'pubsub')),
  kill_normal: async ({ world }) => void (await world.look.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
  redis_stall: ({ instance, length }) => whileGate(instance.redis, 'stall', 500 + 6_000 * length),
  redis_drip: ({ instance, length }) => whileGate(instance.redis, 'drip', 500 + 4_000 * length),
  redis_cut: ({ instance, length }) => shut(instance.redis, true, 3_000 * length),
  redis_reset: ({ instance, length }) => shut(instance.redis, false, 1_000 * length),
  client_stall: ({ instance, length }) => whileGate(instance.clients, 'stall', 500 + 4_000 * length),
  client_drip: ({ instance, length }) => whileGate(instance.clients, 'drip', 500 + 3_000 * length),
  client_cut: ({ instance, length }) => shut(instance.clients, true, 2_000 * length),
  client_reset: ({ instance, length }) => shut(instance.clients, false, 1_000 * length),
  vanish: async ({ devices, random }) => random.some(devices, 0.15).forEach((d) => d.vanish(false)),
  hole: async ({ devices, random, length }) => random.some(devices, 0.1).forEach((d) => d.vanish(true, 1_000 + 5_000 * length)),
  async sleep({ devices, random, length, storm }) {
    random.some(devices, 0.08).forEach((d) => d.sleep(1_000 + 4_000 * length));
    for (const d of random.some(devices.filter((each) => each.kind !== 'plain'), 0.02)) {
      for (let i = 0; i < 25; i += 1) d.speak(d.rooms[0], storm.padding);
    }
  },
};

async function whileGate(gate, how, ms) {
  gate[how](true);
  await pause(ms);
  gate[how](false);
}
async function shut(gate, politely, ms) {
  gate.shut = true;
  gate.cut(politely);
  await pause(ms);
  gate.shut = false;
}

const ofInstance = new Set(['kill', 'term', 'stop']);
const ofRedis = new Set(['redis_restart', 'redis_lose', 'kill_pubsub', 'kill_normal']);

// Returns when it is over. A fault that has no object at the moment (the instance is down already) is left out, which is recorded.
export async function strike(storm, fault, forked) {
  const { world } = storm;
  const instance = world.instances[fault.instance];
  const gate = fault.kind.startsWith('redis_') && !ofRedis.has(fault.kind) ? instance.redis : fault.kind.startsWith('client_') ? instance.clients : undefined;
  const lock = ofInstance.has(fault.kind) ? instance : ofRedis.has(fault.kind) ? world : gate;
  if (lock?.struck || (ofInstance.has(fault.kind) && !instance.up) || (ofRedis.has(fault.kind) && !world.redisUp)) {
    return storm.record({ e: 'fault', kind: fault.kind, skipped: true });
  }
  if (lock) lock.struck = true;
  const number = (storm.struck += 1);
  storm.record({ e: 'fault', kind: fault.kind, number, instance: instance.name });
  try {
    await acts[fault.kind]({ ...fault, instance, world, devices: storm.devices, random: forked, storm });
  } finally {
    if (lock) lock.struck = false;
    storm.record({ e: 'healed', kind: fault.kind, number });
  }
}

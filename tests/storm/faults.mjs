// SPDX-License-Identifier: Apache-2.0
// The faults of a storm and their times: the whole schedule is drawn from the seed before anything begins, so that it
// repeats.
import { pause } from '../system/support/processes.mjs';
import { acts as ofPeople } from './faults/people.mjs';
import { acts as ofServers } from './faults/servers.mjs';

const weights = {
  kill: 3,
  term: 2,
  stop: 1.5,
  redis_restart: 1.5,
  redis_lose: 0.7,
  kill_pubsub: 1.5,
  kill_normal: 1.5,
  redis_stall: 1.5,
  redis_cut: 1.5,
  redis_drip: 1,
  redis_reset: 1,
  client_stall: 1,
  client_cut: 1.5,
  client_drip: 0.7,
  client_reset: 1,
  vanish: 3,
  hole: 3,
  sleep: 1.5,
  roll: 1,
  reload: 2,
  silent: 2,
  blip: 2.5,
  members: 1.5,
  hang: 1.5,
  tokens: 1.5,
  typing: 1.5,
  oom: 1,
  term_outage: 1.5,
  failover: 1,
  clock: 0.7,
};
export const kinds = Object.keys(weights);

// Each kind comes once before any comes by weight, as far as the time goes. `only`: names of kinds, for a storm with a
// purpose; `first`: the kinds that come first. `every`: seconds from one fault to the next, the least and the most.
export function schedule(random, seconds, instances, { only, first = only ?? kinds, every = [1, 4] } = {}) {
  const out = [];
  const unknown = only?.find((kind) => !(kind in weights));
  if (unknown !== undefined)
    throw new Error(`--only: there is no fault ${unknown}; expected some of ${kinds.join(', ')}`);
  const chosen = only ? Object.fromEntries(only.map((kind) => [kind, weights[kind]])) : weights;
  const recovery = only ? 12 : 45; // seconds from one loss of all data to the next
  let bag = [];
  let lost = -60;
  for (let at = 2; at < seconds; at += random.between(...every)) {
    if (bag.length === 0 && out.length === 0) {
      bag = first.map((kind) => ({ kind, key: random.real() })).sort((a, b) => a.key - b.key).map(({ kind }) => kind);
    }
    let kind = bag.pop() ?? random.weighted(chosen);
    if (kind === 'redis_lose' && at - lost < recovery) kind = 'redis_restart';
    if (kind === 'redis_lose') lost = at;
    out.push({
      at,
      kind,
      instance: random.below(instances),
      length: random.real(),
      seed: random.below(2 ** 31),
      flip: random.chance(0.5),
    });
  }
  return out;
}

const acts = { ...ofServers, ...ofPeople };
const ofInstance = new Set(['kill', 'term', 'stop', 'term_outage']);
const ofRedis = new Set([
  'redis_restart',
  'redis_lose',
  'kill_pubsub',
  'kill_normal',
  'hang',
  'typing',
  'oom',
  'failover',
  'clock',
]);
const ofLink = new Set(['redis_stall', 'redis_drip', 'redis_cut', 'redis_reset', 'blip', 'term_outage']);
const ofDoors = new Set(['client_stall', 'client_drip', 'client_cut', 'client_reset']);

// Returns when it is over. A fault that has no object at the moment (the instance is down already) is left out, and the
// record says so.
export async function strike(storm, fault, forked) {
  const { world } = storm;
  const { kind } = fault;
  const instance = world.instances[fault.instance];
  const locks = [
    ...(ofInstance.has(kind) ? [instance] : []),
    ...(ofRedis.has(kind) ? [world] : []),
    ...(kind === 'term_outage' ? world.instances.map(({ redis }) => redis) : ofLink.has(kind) ? [instance.redis] : []),
    ...(ofDoors.has(kind) ? [instance.clients] : []),
    // Some instances know the last messages of a master. No other fault strikes these instances meanwhile.
    ...(kind === 'failover' ? world.instances.flatMap((each) => [each, each.redis]) : []),
  ];
  // A fault that is under way is left time to end.
  const end = Date.now() + (kind === 'failover' ? 12_000 : 5_000);
  while (Date.now() < end && locks.some((lock) => lock.struck)) await pause(50);
  const away =
    (ofInstance.has(kind) && !instance.up) ||
    (ofRedis.has(kind) && !world.redisUp) ||
    (kind === 'clock' && !world.clock);
  if (away || locks.some((lock) => lock.struck)) return storm.record({ e: 'fault', kind, skipped: true });
  for (const lock of locks) lock.struck = true;
  const number = (storm.struck += 1);
  storm.record({ e: 'fault', kind, number, instance: instance.name });
  try {
    await acts[kind]({ ...fault, number, instance, world, devices: storm.devices, random: forked, storm });
  } finally {
    for (const lock of locks) lock.struck = false;
    storm.record({ e: 'healed', kind, number });
  }
}

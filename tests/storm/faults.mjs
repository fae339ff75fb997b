// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and when: the whole schedule is drawn from the seed before anything begins, so that it repeats.
import { pause, until } from '../system/support/processes.mjs';
import { lease } from './world.mjs';

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

// Each kind comes once before any comes by weight, as far as the time goes. `only`: names of kinds, for who looks
// for something; `first`: those that come first. `every`: seconds from one fault to the next, the least and the
// most.
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
  // With a restart or, unnoticed by anybody who is connected, without.
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
  kill_normal: async ({ world }) => void (await world.look.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
  redis_stall: ({ instance, length }) => whileGates([instance.redis], 'stall', 500 + 6_000 * length),
  redis_drip: ({ instance, length }) => whileGates([instance.redis], 'drip', 500 + 4_000 * length),
  redis_cut: ({ instance, length }) => shut([instance.redis], true, 3_000 * length),
  redis_reset: ({ instance, length }) => shut([instance.redis], false, 1_000 * length),
  client_stall: ({ instance, length }) => whileGates(instance.doors, 'stall', 500 + 4_000 * length),
  client_drip: ({ instance, length }) => whileGates(instance.doors, 'drip', 500 + 3_000 * length),
  client_cut: ({ instance, length }) => shut(instance.doors, true, 2_000 * length),
  client_reset: ({ instance, length }) => shut(instance.doors, false, 1_000 * length),
  vanish: async ({ devices, random }) => random.some(devices, 0.15).forEach((d) => d.vanish(false)),
  hole: async ({ devices, random, length }) => random.some(devices, 0.1).forEach((d) => d.vanish(true, 1_000 + 5_000 * length)),
  async sleep({ devices, random, length, storm }) {
    random.some(devices, 0.08).forEach((d) => d.sleep(1_000 + 4_000 * length));
    for (const d of random.some(devices.filter((each) => each.kind !== 'plain'), 0.02)) {
      for (let i = 0; i < 25; i += 1) d.speak(d.rooms[0], storm.padding);
    }
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

// A user's phone dies in silence: half of them with the mail in their hands, half while they listen. The user's
// other devices are there meanwhile, drop, and come back.
async function silence(person, { random, storm, length }) {
  person.busy = true;
  // The device to look at is one that says what came last.
  const says = (d) => Number(d.kind === 'resume' || d.kind === 'bare');
  const [laptop, phone, ...tablets] = few(random, person.devices, 9).sort((a, b) => says(b) - says(a));
  const others = [laptop, ...tablets];
  const ms = 1_500 + 4_500 * length;
  const rooms = few(random, person.rooms, 2);
  const speak = (count) => {
    for (let i = 0; i < count; i += 1) for (const room of rooms) storm.speakIn(random, room, person.user);
  };
  if (random.chance(0.6)) {
    for (const d of person.devices) {
      d.park();
      d.leave();
    }
    await pause(1_300);
    speak(3);
    await pause(500);
    laptop.forget();
    phone.doomed = ms;
    phone.unpark();
    await pause(1_400);
    for (const d of others) d.unpark();
  } else {
    phone.park();
    phone.vanish(true, ms);
    await pause(200);
  }
  await until('the other device to be there', () => laptop.ready, 3_000).catch(() => {});
  await pause(300);
  speak(1);
  await pause(600);
  for (const d of others) random.chance(0.7) ? d.vanish(false) : d.leave();
  await pause(Math.max(1_500, ms - 2_000));
  phone.doomed = undefined;
  phone.unpark();
  person.busy = false;
}

// Users whose only device has a token are away while their rooms speak. They come back with a token for some of the
// rooms, hear them, drop, come back, and are given more rooms and fewer.
async function narrow(person, { random, storm }) {
  person.busy = true;
  const [device] = person.devices;
  const speak = (count) => {
    for (let i = 0; i < count; i += 1)
      for (const room of person.rooms.slice(0, 4)) storm.speakIn(random, room, person.user);
  };
  device.park();
  device.leave();
  await pause(1_300);
  speak(1);
  await pause(400);
  device.claims = [random.pick(person.rooms)];
  device.unpark();
  await until('the device to be there', () => device.ready, 3_000).catch(() => {});
  await pause(300);
  speak(1);
  await pause(500);
  if (random.chance(0.5)) {
    device.vanish(false);
    await pause(1_500);
  }
  const more = random.some(person.rooms, 0.7);
  device.refresh(more.length > 1 ? more : undefined);
  await pause(300);
  speak(1);
  await pause(400);
  device.refresh([random.pick(person.rooms)]);
  await pause(300);
  speak(1);
  person.busy = false;
}

const freeze = async (child, ms) => {
  child.kill('SIGSTOP');
  await pause(ms);
  child.kill('SIGCONT');
};
const few = (random, items, count) => items.map((item) => ({ item, key: random.real() })).sort((a, b) => a.key - b.key)
  .slice(0, count).map(({ item }) => item);
const free = (storm, fits) =>
  storm.people.filter((p) => !p.busy && p.devices.every((d) => d.ready && !d.parked) && fits(p));

Object.assign(acts, {
  // Pages are loaded anew while somebody speaks.
  async reload({ devices, random, storm }) {
    for (const d of random.some(devices.filter((each) => each.browser && each.ready), 0.4)) {
      d.leave();
      for (const room of few(random, d.rooms, 2)) {
        setTimeout(() => storm.over || storm.speakIn(random, room, d.user), random.between(10, 180));
      }
      await pause(30);
    }
  },
  async silent(story) {
    const several = free(story.storm, (p) => p.devices.length > 1);
    await Promise.all(few(story.random, several, 6).map((person) => silence(person, story)));
  },
  async tokens(story) {
    const alone = free(story.storm, (p) => p.devices.length === 1 && p.devices[0].token && p.rooms.length > 1);
    await Promise.all(few(story.random, alone, 8).map((person) => narrow(person, story)));
  },
  members: ({ random, storm }) => storm.changes(random, 4),
  // An instance is away from Redis for less than a lease. Meanwhile people who are connected to it are put into
  // rooms and out.
  async blip({ instance, random, storm, length, flip }) {
    const changing = pause(30).then(() => storm.changes(random, 4, instance));
    await shut([instance.redis], flip, 300 + 1_700 * length);
    await changing;
  },
  // Redis says nothing while many come back to their mail, or right after people were put out of rooms.
  async hang({ world, devices, random, storm, length, flip }) {
    const coming = random.some(devices.filter((d) => d.ready && !d.parked && !d.person.busy), 0.75);
    for (const d of coming) {
      d.park();
      random.chance(0.5) ? d.leave() : d.vanish(false);
    }
    await pause(1_200);
    for (const d of coming) for (const room of few(random, d.rooms, 1)) storm.speakIn(random, room, d.user);
    await pause(200);
    const changing = random.chance(0.4) ? storm.changes(random, 3) : undefined;
    for (const d of coming) d.unpark();
    const share = random.real() * 0.8;
    for (
      const end = Date.now() + 500;
      Date.now() < end && coming.filter((d) => d.ready).length < share * coming.length;
    ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ms = Math.round(1_000 + 2_300 * length);
    if (flip) {
      await freeze(world.node.child, ms);
    } else {
      await world.look.command('CLIENT', 'PAUSE', ms, 'ALL');
      await pause(ms);
    }
    await changing;
  },
  // Redis is slow for a moment just before people type, in one room and in two; some are out of the first soon after.
  async typing({ world, random, storm, length }) {
    const people = few(random, free(storm, (p) => p.rooms.length > 2), 12);
    const paused = world.look.command('CLIENT', 'PAUSE', Math.round(40 + 160 * length), 'ALL');
    await pause(5);
    const running = [paused];
    for (const [i, person] of people.entries()) {
      const [first, second] = few(random, person.rooms, 2);
      const device = random.pick(person.devices);
      device.type(first, true);
      if (i % 3 === 0) continue;
      setTimeout(() => device.type(second, true), 300);
      const other = random.pick(person.devices);
      if (i % 3 === 1) running.push(pause(600).then(() => storm.change(random, person, first, false)));
      else if (random.chance(0.5)) running.push(pause(600).then(() => other.quit(first)));
      else running.push(pause(600).then(() => other !== device && device.vanish(false)));
    }
    await Promise.all(running);
  },
  // Redis takes nothing more for a while. Some have mail that they have not confirmed, and end meanwhile.
  async oom({ world, devices, random, storm, length }) {
    const holding = random.some(
      devices.filter((d) => d.ready && !d.parked && !d.person.busy && d.kind !== 'plain'),
      0.2,
    );
    for (const d of holding) {
      d.park();
      d.leave();
      d.withholds = true;
    }
    await pause(1_300);
    for (const d of holding) for (const room of few(random, d.rooms, 2)) storm.speakIn(random, room, d.user);
    await pause(300);
    for (const d of holding) d.unpark();
    await pause(900);
    await world.look.command('CONFIG', 'SET', 'maxmemory', 1_000_000);
    try {
      for (const d of holding) {
        d.withholds = false;
        random.chance(0.5) ? d.vanish(false) : d.leave();
      }
      for (let left = 4 + Math.round(8 * length); left > 0; left -= 1) {
        random
          .some(
            devices.filter((d) => d.ready),
            0.03,
          )
          .forEach((d) => (random.chance(0.5) ? d.vanish(false) : d.leave()));
        await pause(400);
      }
    } finally {
      await world.look.command('CONFIG', 'SET', 'maxmemory', 0);
    }
  },
  // An instance is told to go while Redis is away, from it or from all. Redis is back before it has gone: soon, or
  // when it has given up its goodbyes (spread over 1 s, waited for 5 s) and not yet its lease.
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
  // A replica that was behind becomes the master. Some end, come and speak in what it never hears of.
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
    await pause(1_500); // it settles before the next blow
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
});

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

// Returns when it is over. A fault that has no object at the moment (the instance is down already) is left out, which is recorded.
export async function strike(storm, fault, forked) {
  const { world } = storm;
  const { kind } = fault;
  const instance = world.instances[fault.instance];
  const locks = [
    ...(ofInstance.has(kind) ? [instance] : []),
    ...(ofRedis.has(kind) ? [world] : []),
    ...(kind === 'term_outage' ? world.instances.map(({ redis }) => redis) : ofLink.has(kind) ? [instance.redis] : []),
    ...(ofDoors.has(kind) ? [instance.clients] : []),
    // What the last moments of a master were is known to the instances that heard them, so nothing else strikes these meanwhile.
    ...(kind === 'failover' ? world.instances.flatMap((each) => [each, each.redis]) : []),
  ];
  // What is under way is left time to end.
  for (const end = Date.now() + (kind === 'failover' ? 12_000 : 5_000); Date.now() < end && locks.some((lock) => lock.struck);) await pause(50);
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

// SPDX-License-Identifier: Apache-2.0
// Acts of people in a storm that are hard on servers, mostly while a fault is in the servers' way. They are called in
// the way of servers.mjs.
import { pause, until } from '../../system/support/processes.mjs';

const few = (random, items, count) =>
  items
    .map((item) => ({ item, key: random.real() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ item }) => item);
// People who are in no other fault's story, and who are there with all their devices.
const free = (storm, fits) =>
  storm.people.filter((p) => !p.busy && p.devices.every((d) => d.ready && !d.parked) && fits(p));

export const acts = {
  vanish: async ({ devices, random }) => random.some(devices, 0.15).forEach((d) => d.vanish(false)),
  hole: async ({ devices, random, length }) =>
    random.some(devices, 0.1).forEach((d) => d.vanish(true, 1_000 + 5_000 * length)),
  async sleep({ devices, random, length, storm }) {
    random.some(devices, 0.08).forEach((d) => d.sleep(1_000 + 4_000 * length));
    for (const d of random.some(devices.filter((each) => each.kind !== 'plain'), 0.02)) {
      for (let i = 0; i < 25; i += 1) d.speak(d.rooms[0], storm.padding);
    }
  },
  // Pages are loaded anew while other people speak.
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
  members: ({ random, storm }) => storm.members.changes(random, 4),
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
    const changing = random.chance(0.4) ? storm.members.changes(random, 3) : undefined;
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
      if (i % 3 === 1) running.push(pause(600).then(() => storm.members.change(random, person, first, false)));
      else if (random.chance(0.5)) running.push(pause(600).then(() => other.quit(first)));
      else running.push(pause(600).then(() => other !== device && device.vanish(false)));
    }
    await Promise.all(running);
  },
  // Redis takes nothing more for a while. Some people have unconfirmed mail, and their connections end meanwhile.
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
};

// A user's phone dies in silence: half of them with the mail in their hands, half while they listen. The user's
// other devices are there meanwhile, drop, and come back.
async function silence(person, { random, storm, length }) {
  person.busy = true;
  // The device to look at is one that names the latest message.
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

// SPDX-License-Identifier: Apache-2.0
// One storm, from its seed to its verdict: people come in, faults strike, the faults end, all people come back, all
// people go.
import { writeFile } from 'node:fs/promises';
import { pause, until } from '../system/support/processes.mjs';
import { cast } from './cast.mjs';
import { check } from './checker.mjs';
import { schedule, strike } from './faults.mjs';
import { Members } from './members.mjs';
import { Random } from './random.mjs';
import { Watch } from './watch.mjs';
import { World } from './world.mjs';
import { grace, lease } from './world/instance.mjs';

const browsers = 0.35; // the share of devices that hear nothing from their own close on
const tokens = 0.2; // the share of devices that show a token

export class Storm {
  events = [];
  devices = [];
  people = [];
  members = new Members(this); // as the HTTP API changes them
  struck = 0;
  calm = true;
  padding = 'x'.repeat(16_000);

  constructor({
    seed,
    seconds,
    users = 90,
    instances = 3,
    rooms = 20,
    pace = 60,
    every,
    only,
    first,
    balanced = false,
    obedient = false,
    graceSeconds = grace,
    progress = () => {},
  }) {
    const random = new Random(seed);
    // With `only`, people have only those behaviours that the chosen faults are about.
    const shows = (kind) => !obedient && (only?.includes(kind) ?? true);
    this.manners = {
      browsers: shows('reload') ? browsers : 0,
      tokens: shows('tokens') ? tokens : 0,
      members: shows('members'),
    };
    Object.assign(this, { seed, seconds, users, pace, balanced, obedient, grace: graceSeconds, progress, random });
    this.record = (event) => void this.events.push({ t: Date.now(), ...event });
    this.world = new World(this.record, this.grace);
    this.faults = schedule(this.random.fork('faults'), seconds, instances, { only, first, every });
    this.count = instances;
    this.rooms = Object.fromEntries(Array.from({ length: rooms }, (_, i) => [`room ${i + 1}`, []]));
  }

  // Some of the rooms, one at least.
  subset(random, rooms) {
    const some = random.some(rooms, 0.6);
    return some.length > 0 ? some : [random.pick(rooms)];
  }

  // Devices of others that can speak in the room.
  mates(room, user) {
    return this.devices.filter(
      (d) => d.user !== user && d.kind !== 'plain' && d.ready && d.rooms.includes(room) && d.may(room),
    );
  }
  speakIn(random, room, user) {
    const mates = this.mates(room, user);
    return mates.length > 0 && random.pick(mates).speak(room);
  }

  #phase(name) {
    this.record({ e: 'phase', name });
    this.progress(name);
  }

  async #chatter() {
    const random = this.random.fork('chatter');
    while (!this.over) {
      await pause(this.pace);
      const device = random.pick(this.devices);
      const room = random.pick(device.rooms);
      if (random.chance(0.08)) device.type(room, random.chance(0.7));
      else if (random.chance(0.02)) device.leave();
      else if (random.chance(0.01)) device.quit(room);
      else if (this.manners.members && random.chance(0.003)) this.#background(this.members.changes(random, 1));
      else if (device.token && random.chance(0.02))
        device.refresh(random.chance(0.3) ? undefined : this.subset(random, device.rooms));
      else device.speak(room);
    }
    await Promise.all(this.#changes);
  }
  #changes = new Set();
  #background(running) {
    const one = running.finally(() => this.#changes.delete(one));
    this.#changes.add(one);
  }

  async #strikes() {
    const begin = Date.now();
    const running = [];
    for (const fault of this.faults) {
      await pause(Math.max(0, begin + fault.at * 1000 - Date.now()));
      running.push(strike(this, fault, new Random(fault.seed)));
    }
    await pause(Math.max(0, begin + this.seconds * 1000 - Date.now()));
    await Promise.all(running);
  }

  async #patiently(what, probe, seconds) {
    await until(what, probe, seconds * 1000).catch(() => {});
  }

  async run() {
    cast(this);
    await this.world.open(this.count, { clocks: this.faults.some(({ kind }) => kind === 'clock') });
    const lives = this.devices.map((device) => device.run());
    await this.#begin();
    const watch = new Watch(this);
    await this.#rage(watch);
    await this.#heal();
    await pause(1000 * (lease + 3));
    await watch.lookForMail(true);
    await this.#settle();
    await this.#empty(lives, watch);
    await this.world.close();
    return this.verdict();
  }

  // All people come in.
  async #begin() {
    await until('everybody to be there', () => this.devices.every((d) => d.ready), 30_000);
    await pause(1_000);
    for (const [room, users] of Object.entries(this.rooms))
      this.devices.some((d) => users.includes(d.user) && d.speak(room));
    await pause(500);

    // Now all people are members.
    for (const d of this.devices) if (d.token && this.random.chance(0.6)) d.refresh(this.subset(this.random, d.rooms));
    await pause(100);
  }

  async #rage(watch) {
    this.#phase('storm');
    this.calm = false;
    watch.begin();
    const chatter = this.#chatter();
    await this.#strikes();
    this.#phase('healing');
    this.calm = this.over = true;
    await chatter;
  }

  async #heal() {
    await this.world.heal();
    // From here on all devices read and confirm, and each token is for all rooms.
    for (const device of this.devices) {
      device.withholds = false;
      device.unpark();
      if (device.claims) device.refresh(undefined);
    }
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready && d.waiting === 0), 30);
    for (const d of this.devices.filter((each) => !each.ready || each.waiting > 0)) {
      const what = d.ready ? `${d.waiting} messages are not acknowledged` : 'not connected again';
      this.record({ e: 'unfinished', d: d.name, what: `after the storm ${what}` });
    }
  }

  // All people come once more, politely: now no fault is in the way of the mail.
  async #settle() {
    for (const device of this.devices) device.leave();
    await pause(1_000);
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready), 20);
    const noMail = async () => Object.keys((await this.world.snapshot()).lists).length === 0;
    await this.#patiently('the mailboxes to be empty', noMail, 10);
    await pause(13_000); // no typing mark lives longer, also of an instance that is gone
    this.#phase('settled');
    this.settled = await this.world.snapshot();
  }

  // All people go, half of the devices without a goodbye.
  async #empty(lives, watch) {
    for (const device of this.devices)
      this.random.chance(0.5) ? device.stop() : ((device.stopped = true), device.vanish(false));
    await Promise.all(lives);
    await watch.end();
    await pause(1000 * (this.grace + 3));
    this.#phase('empty');
    this.empty = await this.world.snapshot();
  }

  get recorded() {
    return {
      options: { lease, grace: this.grace },
      rooms: this.rooms,
      friends: this.world.friends,
      events: this.events,
      settled: this.settled,
      empty: this.empty,
    };
  }
  verdict() {
    return check(this.recorded);
  }
  // All events, one a line; the snapshots last.
  async write(path) {
    const { rooms, events, settled, empty } = this;
    const lines = [...events, { e: 'end', rooms, friends: this.world.friends, settled, empty }];
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

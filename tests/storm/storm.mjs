// SPDX-License-Identifier: Apache-2.0
// One storm, from its seed to its verdict: people come in, faults strike, all is healed, everybody comes back, everybody goes.
import { writeFile } from 'node:fs/promises';
import { pause, until } from '../system/support/processes.mjs';
import { check } from './checker.mjs';
import { schedule, strike } from './faults.mjs';
import { Device } from './people.mjs';
import { Random } from './random.mjs';
import { World, grace, lease } from './world.mjs';

const kinds = { plain: 1, ack: 1, resume: 1.5 };

export class Storm {
  events = [];
  devices = [];
  struck = 0;
  calm = true;
  padding = 'x'.repeat(16_000);

  constructor({ seed, seconds, users = 90, instances = 3, rooms = 20, pace = 60, only, balanced = false, obedient = false, graceSeconds = grace, progress = () => {} }) {
    Object.assign(this, { seed, seconds, users, pace, balanced, obedient, grace: graceSeconds, progress, random: new Random(seed) });
    this.record = (event) => void this.events.push({ t: Date.now(), ...event });
    this.world = new World(this.record, this.grace);
    this.faults = schedule(this.random.fork('faults'), seconds, instances, only);
    this.count = instances;
    this.rooms = Object.fromEntries(Array.from({ length: rooms }, (_, i) => [`room ${i + 1}`, []]));
  }

  #cast() {
    const random = this.random.fork('cast');
    const names = Object.keys(this.rooms);
    for (let i = 1; i <= this.users; i += 1) {
      const user = `u${i}`;
      const rooms = names.filter(() => random.chance(0.12));
      if (rooms.length === 0) rooms.push(random.pick(names));
      for (const room of rooms) this.rooms[room].push(user);
      const devices = random.chance(0.25) ? 2 : 1;
      for (let n = 1; n <= devices; n += 1) this.devices.push(new Device(this, user, n, random.weighted(kinds), rooms, random.fork(`${user}/${n}`)));
    }
    const befriended = this.random.fork('friends');
    const users = Array.from({ length: this.users }, (_, i) => `u${i + 1}`);
    for (const user of users) {
      const other = befriended.pick(users);
      if (other === user) continue;
      (this.world.friends[user] ??= []).push(other);
      (this.world.friends[other] ??= []).push(user);
    }
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
      else device.speak(room);
    }
  }

  // Who is online, as Redis says.
  async #watch() {
    while (!this.watched) {
      await pause(500);
      const users = this.world.redisUp ? await this.world.look.command('SMEMBERS', 'ws:online_users').catch(() => undefined) : undefined;
      if (users) this.record({ e: 'online', users });
    }
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
    this.#cast();
    await this.world.open(this.count);
    const lives = this.devices.map((device) => device.run());
    await until('everybody to be there', () => this.devices.every((d) => d.ready), 30_000);
    await pause(1_000);
    for (const [room, users] of Object.entries(this.rooms)) this.devices.find((d) => users.includes(d.user))?.speak(room);
    await pause(500);

    this.#phase('storm');
    this.calm = false;
    const watching = this.#watch();
    const chatter = this.#chatter();
    await this.#strikes();

    this.#phase('healing');
    this.calm = this.over = true;
    await chatter;
    await this.world.heal();
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready && d.waiting === 0), 30);
    for (const d of this.devices.filter((each) => !each.ready || each.waiting > 0)) {
      this.record({ e: 'unfinished', d: d.name, what: `after the storm ${d.ready ? `${d.waiting} messages are not acknowledged` : 'not connected again'}` });
    }
    await pause(1000 * (lease + 3));
    // Once more, politely: now nothing is in the way of the mail.
    for (const device of this.devices) device.leave();
    await pause(1_000);
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready), 20);
    await this.#patiently('the mailboxes to be empty', async () => {
      const { lists } = await this.world.snapshot();
      return Object.keys(lists).length === 0;
    }, 10);
    await pause(13_000); // no typing mark lives longer, also of an instance that is gone
    this.#phase('settled');
    this.settled = await this.world.snapshot();

    for (const device of this.devices) this.random.chance(0.5) ? device.stop() : ((device.stopped = true), device.vanish(false));
    await Promise.all(lives);
    this.watched = true;
    await watching;
    await pause(1000 * (this.grace + 3));
    this.#phase('empty');
    this.empty = await this.world.snapshot();
    await this.world.close();
    return this.verdict();
  }

  get recorded() {
    return { options: { lease, grace: this.grace }, rooms: this.rooms, friends: this.world.friends, events: this.events, settled: this.settled, empty: this.empty };
  }
  verdict() {
    return check(this.recorded);
  }
  // What happened, one event a line; the snapshots last.
  async write(path) {
    const lines = this.events.map((event) => JSON.stringify(event));
    await writeFile(path, [...lines, JSON.stringify({ e: 'end', rooms: this.rooms, friends: this.world.friends, settled: this.settled, empty: this.empty })].join('\n') + '\n');
  }
}

export function summary(storm, { violations, figures }) {
  const faults = Object.entries(figures.faults).sort(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => `${kind} ${count}`);
  return [
    `seed ${storm.seed}, ${storm.seconds} s, ${storm.devices.length} clients of ${storm.users} users, ${storm.count} instances`,
    `faults: ${Object.values(figures.faults).reduce((sum, n) => sum + n, 0)} (${faults.join(', ')})`,
    `connections: ${figures.connections}`,
    `acknowledged: ${figures.acked} (${figures.duplicate_acks} of them retried and stored once)`,
    `delivered: ${figures.deliveries} live or replayed, ${figures.by_mail} as mail; ${figures.repeats} repeated on one connection; ${figures.dropped} counted as dropped; ${figures.gaps} gaps said`,
    `longest ghost: ${figures.longest_ghost_ms} ms; under faults that hinder sweeping: ${figures.longest_ghost_under_faults_ms ?? 0} ms`,
    `verdict: ${violations.length === 0 ? 'kept' : `${violations.length} violations`}`,
  ].join('\n');
}

// SPDX-License-Identifier: Apache-2.0
// One storm, from its seed to its verdict: people come in, faults strike, all is healed, everybody comes back, everybody goes.
import { writeFile } from 'node:fs/promises';
import { pause, until } from '../system/support/processes.mjs';
import { check } from './checker.mjs';
import { schedule, strike } from './faults.mjs';
import { Device, Person } from './people.mjs';
import { Random } from './random.mjs';
import { World, grace, lease } from './world.mjs';

const kinds = { plain: 1, ack: 1, resume: 1.5, bare: 0.7 };
const browsers = 0.35; // the share of devices that hear nothing from their own close on
const tokens = 0.2; // the share of devices that show a token

export class Storm {
  events = [];
  devices = [];
  people = [];
  changing = new Set(); // `room user`, while the HTTP API puts the user in or out
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
    // Of somebody who looks for something, only those behaviours that the chosen faults are about.
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

  #cast() {
    const random = this.random.fork('cast');
    const manners = this.random.fork('manners');
    const names = Object.keys(this.rooms);
    for (let i = 1; i <= this.users; i += 1) {
      const user = `u${i}`;
      const rooms = names.filter(() => random.chance(0.12));
      if (rooms.length === 0) rooms.push(random.pick(names));
      for (const room of rooms) this.rooms[room].push(user);
      const devices = random.chance(0.25) ? (manners.chance(0.4) ? 3 : 2) : 1;
      const person = new Person(user, rooms.slice());
      this.people.push(person);
      for (let n = 1; n <= devices; n += 1) {
        const kind = random.weighted(kinds);
        const how = { browser: manners.chance(this.manners.browsers), token: manners.chance(this.manners.tokens) };
        this.devices.push(new Device(this, person, n, kind, random.fork(`${user}/${n}`), how));
      }
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

  // The HTTP API puts the user in or out, until it says that it did. Others speak in the room then.
  async change(random, person, room, into, avoided) {
    const { user } = person;
    const key = `${room} ${user}`;
    if (this.changing.has(key) || person.rooms.includes(room) === into || person.quitted.has(room)) return;
    // A request to join that is still on its way would undo it.
    if (Date.now() - (person.asked[room] ?? 0) < 10_000) return;
    this.changing.add(key);
    if (!into) {
      person.rooms.splice(person.rooms.indexOf(room), 1);
      person.removed.add(room);
    }
    this.record({ e: into ? 'adding' : 'removing', room, user });
    const path = `/rooms/${encodeURIComponent(room)}/members/${encodeURIComponent(user)}`;
    let done = false;
    for (const end = Date.now() + 30_000; !done && Date.now() < end;) {
      const up = this.world.instances.filter((each) => each.up && (each !== avoided || Date.now() > end - 25_000));
      const answer =
        up.length > 0 &&
        (await random
          .pick(up)
          .api.call(into ? 'PUT' : 'DELETE', path)
          .catch(() => undefined));
      done = answer?.status === 200;
      if (!done) await pause(150);
    }
    if (done) this.record({ e: into ? 'added' : 'removed', room, user });
    if (into && done) {
      person.removed.delete(room);
      person.rooms.push(room);
    }
    this.changing.delete(key);
    if (!done) return;
    const when = into ? [0, 100, 400, 1_500] : [1_050, 1_300, 1_800, 3_000];
    for (const ms of when) setTimeout(() => this.over || this.speakIn(random, room, user), ms);
    if (!into) setTimeout(() => person.devices.forEach((d) => d.pry()), 3_500);
    await pause(into ? 500 : 2_000);
  }
  // Puts `count` people in and as many out, those of `instance` if there is one, by way of another instance.
  async changes(random, count, instance) {
    const here = this.people.filter(
      (p) => !p.busy && p.devices.some((d) => d.ready && (!instance || d.instance === instance)),
    );
    const running = [];
    for (let i = 0; i < 2 * count && here.length > 0; i += 1) {
      const into = i % 2 === 0;
      const person = random.pick(here);
      const rooms = into ? Object.keys(this.rooms).filter((room) => !person.rooms.includes(room)) : person.rooms;
      if (into ? rooms.length > 0 : rooms.length > 1)
        running.push(this.change(random, person, random.pick(rooms), into, instance));
    }
    await Promise.all(running);
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
      else if (this.manners.members && random.chance(0.003)) this.#background(this.changes(random, 1));
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

  // What it cannot see in time it cannot judge: when this process was kept from running.
  async #notice() {
    while (!this.watched) {
      const before = Date.now();
      await pause(100);
      const late = Date.now() - before - 100;
      if (late > 150) this.record({ e: 'late', ms: late });
    }
  }
  // Who is online, as Redis says.
  async #watch() {
    let turn = 0;
    while (!this.watched) {
      await pause(500);
      if (!this.world.redisUp) continue;
      const { look } = this.world;
      const [users, marks] = await Promise.all([
        look.command('SMEMBERS', 'ws:online_users'),
        look.command('HGETALL', 'ws:typing_users'),
      ]).catch(() => []);
      if (users) this.record({ e: 'online', users });
      if (users && (turn += 1) % 2 === 0) await this.#lookForMail(false);
      if (marks?.length > 0) this.record({ e: 'marks', users: marks.filter((_, i) => i % 2 === 0) });
    }
  }
  // For whom something waits: in the mailbox, or claimed for a connection that lives and has not confirmed it.
  async #lookForMail(final) {
    const { look } = this.world;
    const lists = this.people.flatMap(({ user, devices }) => [
      { user, key: `ws:offline_messages:${user}` },
      ...devices
        .filter((d) => d.ready)
        .map((d) => ({ user, key: `ws:offline_inflight:${user}:${d.visit.connection}` })),
    ]);
    const counts = await Promise.all(lists.map(({ key }) => look.command('LLEN', key))).catch(() => undefined);
    if (!counts) return;
    const users = {};
    for (const [i, { user }] of lists.entries()) if (counts[i] > 0) users[user] = (users[user] ?? 0) + counts[i];
    this.record({ e: 'waiting', final, users });
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
    await this.world.open(this.count, { clocks: this.faults.some(({ kind }) => kind === 'clock') });
    const lives = this.devices.map((device) => device.run());
    await until('everybody to be there', () => this.devices.every((d) => d.ready), 30_000);
    await pause(1_000);
    for (const [room, users] of Object.entries(this.rooms))
      this.devices.some((d) => users.includes(d.user) && d.speak(room));
    await pause(500);

    // Now that all are members.
    for (const d of this.devices) if (d.token && this.random.chance(0.6)) d.refresh(this.subset(this.random, d.rooms));
    await pause(100);

    this.#phase('storm');
    this.calm = false;
    const watching = Promise.all([this.#watch(), this.#notice()]);
    const chatter = this.#chatter();
    await this.#strikes();

    this.#phase('healing');
    this.calm = this.over = true;
    await chatter;
    await this.world.heal();
    // From here on nothing is withheld from anybody.
    for (const device of this.devices) {
      device.withholds = false;
      device.unpark();
      if (device.claims) device.refresh(undefined);
    }
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready && d.waiting === 0), 30);
    for (const d of this.devices.filter((each) => !each.ready || each.waiting > 0)) {
      this.record({
        e: 'unfinished',
        d: d.name,
        what: `after the storm ${d.ready ? `${d.waiting} messages are not acknowledged` : 'not connected again'}`,
      });
    }
    await pause(1000 * (lease + 3));
    await this.#lookForMail(true);
    // Once more, politely: now nothing is in the way of the mail.
    for (const device of this.devices) device.leave();
    await pause(1_000);
    await this.#patiently('everybody to be back', () => this.devices.every((d) => d.ready), 20);
    await this.#patiently(
      'the mailboxes to be empty',
      async () => {
        const { lists } = await this.world.snapshot();
        return Object.keys(lists).length === 0;
      },
      10,
    );
    await pause(13_000); // no typing mark lives longer, also of an instance that is gone
    this.#phase('settled');
    this.settled = await this.world.snapshot();

    for (const device of this.devices)
      this.random.chance(0.5) ? device.stop() : ((device.stopped = true), device.vanish(false));
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
  // What happened, one event a line; the snapshots last.
  async write(path) {
    const lines = this.events.map((event) => JSON.stringify(event));
    await writeFile(
      path,
      [
        ...lines,
        JSON.stringify({
          e: 'end',
          rooms: this.rooms,
          friends: this.world.friends,
          settled: this.settled,
          empty: this.empty,
        }),
      ].join('\n') + '\n',
    );
  }
}

export function summary(storm, { violations, figures }) {
  const faults = Object.entries(figures.faults).sort(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => `${kind} ${count}`);
  return [
    `seed ${storm.seed}, ${storm.seconds} s, ${storm.devices.length} clients of ${storm.users} users, ${storm.count} instances`,
    `faults: ${Object.values(figures.faults).reduce((sum, n) => sum + n, 0)} (${faults.join(', ')})`,
    ...(storm.world.leftOut.size > 0 ? [`left out: ${[...storm.world.leftOut].join(', ')}`] : []),
    `connections: ${figures.connections}; tokens refreshed ${figures.refreshed}`,
    `members: ${figures.added} added by the API, ${figures.removed} removed`,
    `acknowledged: ${figures.acked} (${figures.duplicate_acks} of them retried and stored once)`,
    `delivered: ${figures.deliveries} live or replayed, ${figures.by_mail} as mail; ${figures.gaps} gaps said`,
    `repeated: ${figures.repeats} on one connection, ${figures.repeated_after_crashes} after a crash; dropped: ${figures.dropped}`,
    `longest ghost: ${figures.longest_ghost_ms} ms; under faults that hinder sweeping: ${figures.longest_ghost_under_faults_ms ?? 0} ms`,
    `verdict: ${violations.length === 0 ? 'kept' : `${violations.length} violations`}`,
  ].join('\n');
}

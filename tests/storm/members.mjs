// SPDX-License-Identifier: Apache-2.0
// The HTTP API puts users into rooms and out of them while a storm goes on. Meanwhile other users speak in the room.
import { pause } from '../system/support/processes.mjs';

export class Members {
  #changing = new Set(); // `room user`, while the API puts the user in or out

  constructor(storm) {
    this.storm = storm;
  }

  isChanging(room, user) {
    return this.#changing.has(`${room} ${user}`);
  }

  // Puts the user in or out, and tries until the API confirms it; not by way of the instance `avoided` if there is
  // another one.
  async change(random, person, room, into, avoided) {
    const { storm } = this;
    const { user } = person;
    const key = `${room} ${user}`;
    if (this.#changing.has(key) || person.rooms.includes(room) === into || person.quitted.has(room)) return;
    // A request to join that is still on its way would undo the change.
    if (Date.now() - (person.asked[room] ?? 0) < 10_000) return;
    this.#changing.add(key);
    if (!into) {
      person.rooms.splice(person.rooms.indexOf(room), 1);
      person.removed.add(room);
    }
    storm.record({ e: into ? 'adding' : 'removing', room, user });
    const done = await this.#ask(random, room, user, into, avoided);
    if (done) storm.record({ e: into ? 'added' : 'removed', room, user });
    if (into && done) {
      person.removed.delete(room);
      person.rooms.push(room);
    }
    this.#changing.delete(key);
    if (!done) return;
    const when = into ? [0, 100, 400, 1_500] : [1_050, 1_300, 1_800, 3_000];
    for (const ms of when) setTimeout(() => storm.over || storm.speakIn(random, room, user), ms);
    if (!into) setTimeout(() => person.devices.forEach((d) => d.pry()), 3_500);
    await pause(into ? 500 : 2_000);
  }

  async #ask(random, room, user, into, avoided) {
    const path = `/rooms/${encodeURIComponent(room)}/members/${encodeURIComponent(user)}`;
    let done = false;
    for (const end = Date.now() + 30_000; !done && Date.now() < end;) {
      const fits = (each) => each.up && (each !== avoided || Date.now() > end - 25_000);
      const up = this.storm.world.instances.filter(fits);
      const ask = () => random.pick(up).api.call(into ? 'PUT' : 'DELETE', path);
      const answer = up.length > 0 && (await ask().catch(() => undefined));
      done = answer?.status === 200;
      if (!done) await pause(150);
    }
    return done;
  }

  // Puts `count` people in and as many out: people of `instance` if it is given, by way of another instance.
  async changes(random, count, instance) {
    const fits = (d) => d.ready && (!instance || d.instance === instance);
    const here = this.storm.people.filter((p) => !p.busy && p.devices.some(fits));
    const running = [];
    for (let i = 0; i < 2 * count && here.length > 0; i += 1) {
      const into = i % 2 === 0;
      const person = random.pick(here);
      const others = () => Object.keys(this.storm.rooms).filter((room) => !person.rooms.includes(room));
      const rooms = into ? others() : person.rooms;
      if (into ? rooms.length > 0 : rooms.length > 1)
        running.push(this.change(random, person, random.pick(rooms), into, instance));
    }
    await Promise.all(running);
  }
}

// SPDX-License-Identifier: Apache-2.0
// The people of a storm, drawn from its seed: each one's rooms, devices and friends.
import { Device, Person } from './people.mjs';

const kinds = { plain: 1, ack: 1, resume: 1.5, bare: 0.7 };

export function cast(storm) {
  people(storm);
  friends(storm);
}

function people(storm) {
  const random = storm.random.fork('cast');
  const manners = storm.random.fork('manners');
  const names = Object.keys(storm.rooms);
  for (let i = 1; i <= storm.users; i += 1) {
    const user = `u${i}`;
    const rooms = names.filter(() => random.chance(0.12));
    if (rooms.length === 0) rooms.push(random.pick(names));
    for (const room of rooms) storm.rooms[room].push(user);
    const devices = random.chance(0.25) ? (manners.chance(0.4) ? 3 : 2) : 1;
    const person = new Person(user, rooms.slice());
    storm.people.push(person);
    for (let n = 1; n <= devices; n += 1) {
      const kind = random.weighted(kinds);
      const how = { browser: manners.chance(storm.manners.browsers), token: manners.chance(storm.manners.tokens) };
      storm.devices.push(new Device(storm, person, n, kind, random.fork(`${user}/${n}`), how));
    }
  }
}

function friends(storm) {
  const befriended = storm.random.fork('friends');
  const users = Array.from({ length: storm.users }, (_, i) => `u${i + 1}`);
  for (const user of users) {
    const other = befriended.pick(users);
    if (other === user) continue;
    (storm.world.friends[user] ??= []).push(other);
    (storm.world.friends[other] ??= []).push(user);
  }
}

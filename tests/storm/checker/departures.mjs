// SPDX-License-Identifier: Apache-2.0
// A user who has left a room stays out, also through faults. Only a loss of Redis's data may bring back a membership
// whose end an instance did not know of yet.
export function departures({ events, connections, losses, settled, fail, at }) {
  const left = new Map(); // `room user` → when it was answered, while nobody joined again
  const back = events.filter((e) => e.e === 'joined');
  for (const e of events) if (e.e === 'left') left.set(`${e.room} ${e.user}`, e);
  for (const { room, user, t } of left.values()) {
    if (losses.some((l) => l.to > t - 15_000)) continue;
    const joined = back.some((e) => e.room === room && e.user === user && e.t > t - 15_000);
    for (const c of connections) {
      if (c.user === user && c.from > t && c.rooms?.has(room) && !joined)
        fail(`${c.key} was told that it is in ${room}, which ${user} had left, ${at(c.registered)}`);
    }
    if (settled.sets[`ws:room_members:${room}`]?.includes(user))
      fail(`settled: ${user} has left ${room} and is a member`);
  }
}

// SPDX-License-Identifier: Apache-2.0
// The keys of Redis when the storm is over: with all clients back (`settled`), and with all clients gone (`empty`).
import { family, groups } from './items.mjs';

export function stateWhenSettled({ settled, connections, events, fail }) {
  const say = (text) => fail(`settled: ${text}`);
  const when = events.find((e) => e.e === 'phase' && e.name === 'settled')?.t ?? Infinity;
  const live = connections.filter((c) => c.registered && c.registered <= when && c.to > when);
  const byUser = groups(live, (c) => c.user);
  onlineUsers(settled, live, byUser, say);
  clients(settled, byUser, say);
  instances(settled, runningAt(when, events), say);
  const mailboxes = family(settled, 'lists', 'ws:offline_messages:');
  for (const [user, list] of mailboxes)
    if (byUser.has(user)) say(`${user} is online and ${list.length} messages wait in the mailbox`);
  for (const user of byUser.keys()) {
    const rooms = settled.sets[`ws:user_rooms:${user}`] ?? [];
    for (const room of settled.sets[`ws:member_rooms:${user}`] ?? [])
      if (!rooms.includes(room)) say(`${user} is online, a member of ${room}, and takes no part in it`);
  }
  mirrors(settled, fail);
  leftovers(settled, fail);
}

export function stateWhenEmpty({ empty, fail }) {
  const gone = new RegExp(
    '^ws:(online_users$|clients$|user_rooms:|room_participants:|joined_room_participants:|' +
      'user_connections:|instance_connections:)',
  );
  for (const kind of ['sets', 'hashes']) {
    for (const [key, value] of Object.entries(empty[kind]))
      if (gone.test(key)) fail(`empty: ${key} is left, with ${Object.keys(value).length} entries`);
  }
  mirrors(empty, fail);
  leftovers(empty, fail);
}

// The instances that run at that time.
function runningAt(when, events) {
  const out = new Set(events.filter((e) => e.e === 'up' && e.t <= when).map((e) => e.instance));
  for (const e of events) {
    if (e.e !== 'ended' || e.t > when) continue;
    const again = (up) => up.e === 'up' && up.instance === e.instance && up.t > e.t && up.t <= when;
    if (!events.some(again)) out.delete(e.instance);
  }
  return out;
}

// online_users and user_connections: the users who have a connection, and no others.
function onlineUsers(snapshot, live, byUser, say) {
  const online = new Set(snapshot.sets['ws:online_users'] ?? []);
  for (const user of byUser.keys()) if (!online.has(user)) say(`${user} has a connection and is not online`);
  for (const user of online) if (!byUser.has(user)) say(`${user} is online without a connection`);
  const kept = new Map(family(snapshot, 'hashes', 'ws:user_connections:'));
  for (const [user, held] of kept) {
    const ids = new Set((byUser.get(user) ?? []).map((c) => c.id));
    for (const id of Object.keys(held))
      if (!ids.has(id)) say(`user_connections of ${user} has ${id}, which has ended`);
  }
  for (const c of live)
    if (!(c.id in (kept.get(c.user) ?? {}))) say(`user_connections of ${c.user} lacks ${c.id}`);
}

function clients(snapshot, byUser, say) {
  const kept = snapshot.hashes['ws:clients'] ?? {};
  for (const [user, json] of Object.entries(kept)) {
    const { connections } = byUser.has(user) ? JSON.parse(json) : {};
    if (!byUser.has(user)) say(`ws:clients has ${user}, who is gone`);
    else if (connections !== byUser.get(user).length)
      say(`ws:clients counts ${connections} connections of ${user}, there are ${byUser.get(user).length}`);
  }
  for (const user of byUser.keys()) if (!(user in kept)) say(`ws:clients lacks ${user}`);
}

function instances(snapshot, running, say) {
  const held = family(snapshot, 'hashes', 'ws:instance_connections:');
  for (const [instance, ids] of held) {
    if (!running.has(instance))
      say(`instance_connections of ${instance} is left, with ${Object.keys(ids).length} connections`);
  }
  const ids = held.flatMap(([, each]) => Object.keys(each));
  if (new Set(ids).size < ids.length) say('a connection belongs to two instances');
  const leases = snapshot.zsets['ws:instances'] ?? {};
  for (const instance of Object.keys(leases))
    if (!running.has(instance)) say(`${instance} has a lease and does not run`);
  for (const instance of running) if (!(instance in leases)) say(`${instance} runs without a lease`);
}

// Sets that are kept in both directions hold the same in both.
function mirrors(snapshot, fail) {
  const byUser = (prefix) =>
    new Set(family(snapshot, 'sets', prefix).flatMap(([user, rooms]) => rooms.map((room) => `${user} in ${room}`)));
  const byRoom = (prefix) =>
    new Set(family(snapshot, 'sets', prefix).flatMap(([room, users]) => users.map((user) => `${user} in ${room}`)));
  const here = byUser('ws:user_rooms:');
  const there = byRoom('ws:room_participants:');
  for (const each of here) if (!there.has(each)) fail(`user_rooms has ${each}, room_participants has not`);
  for (const each of there) if (!here.has(each)) fail(`room_participants has ${each}, user_rooms has not`);
  const lasting = byUser('ws:member_rooms:');
  const members = byRoom('ws:room_members:');
  for (const each of lasting) if (!members.has(each)) fail(`member_rooms has ${each}, room_members has not`);
  for (const each of members) if (!lasting.has(each)) fail(`room_members has ${each}, member_rooms has not`);
  for (const [room, list] of family(snapshot, 'sets', 'ws:joined_room_participants:')) {
    for (const user of list)
      if (!there.has(`${user} in ${room}`)) fail(`${user} has ${room} open without taking part in it`);
  }
}

const typing = new Set(['ws:typing_users', 'ws:typing_marks']);

// Keys that nothing may leave behind.
function leftovers(snapshot, fail) {
  for (const kind of ['lists', 'strings', 'zsets', 'hashes']) {
    for (const [key, value] of Object.entries(snapshot[kind])) {
      if (key.startsWith('ws:offline_inflight:')) fail(`${key} is left, with ${value.length} messages`);
      if (key === 'ws:sweeps') fail(`a sweep is left: ${JSON.stringify(value)}`);
      if (key === 'ws:pending_offline') fail(`announcements are left: ${JSON.stringify(value)}`);
      if (typing.has(key)) fail(`somebody types for ever: ${JSON.stringify(value)}`);
    }
  }
  for (const [user, list] of family(snapshot, 'lists', 'ws:offline_messages:'))
    if (list.length > 100) fail(`${user} has ${list.length} messages in the mailbox`);
}

// SPDX-License-Identifier: Apache-2.0
// Judges a storm: a pure function of what was recorded and of what Redis held at the end. Knows no process and no clock.
//   record = { options: { lease, grace }, rooms: { room: [user] } as it was at first, friends: { user: [user] },
//     events: [...], settled: snapshot, empty: snapshot }
// `settled` was taken when all faults were over and everybody was back with an empty mailbox; `empty` when everybody had gone.
// Times (`t`) are milliseconds. Returns { violations: [text], figures: {…} }; nothing is left out, the caller shows the first few.

const place = (id) => {
  const colon = id.lastIndexOf(':');
  return { epoch: id.slice(0, colon), seq: Number(id.slice(colon + 1)) };
};
const groups = (items, key) => {
  const out = new Map();
  for (const item of items) out.has(key(item)) ? out.get(key(item)).push(item) : out.set(key(item), [item]);
  return out;
};

// Kinds of faults after which a line of the log at warn or above is expected, with how long they echo. What is not here is never expected.
const redisFaults = [
  'redis_restart',
  'redis_lose',
  'kill_pubsub',
  'kill_normal',
  'redis_stall',
  'redis_drip',
  'redis_cut',
  'redis_reset',
  'stop',
  'blip',
  'hang',
  'oom',
  'term_outage',
  'failover',
  'clock',
];
const expectedLines = {
  'redis.lost': redisFaults,
  'redis.unreachable': redisFaults,
  'lease.lost': redisFaults,
  'lease.not_given_up': redisFaults,
  'lease.given_up_early': redisFaults,
  'instance.not_swept': redisFaults,
  'session.half_heard': redisFaults,
  'connections.undone': [...redisFaults, 'kill'],
  'connections.not_compared': redisFaults,
  'typing.not_swept': redisFaults,
  'session.not_asserted': redisFaults,
  'mail.unclaimed': redisFaults,
  'mail.unconfirmed': redisFaults,
  'announcement.failed': redisFaults,
  'typing.not_ended': redisFaults,
  'room.not_filled': redisFaults,
  'bus.deaf': redisFaults,
  'bans.unknown': redisFaults,
  'drain.incomplete': redisFaults,
  'redis.refuses_writes': ['oom', 'failover'],
  'redis.takes_writes': ['oom', 'failover'],
  'log.left_out': redisFaults,
  'room.epoch_changed': ['redis_lose', 'failover'],
  'room.went_back': ['redis_lose', 'failover'],
};
// Faults by which others take an instance for dead, if they are long enough; and those by which they take any.
const silenced = new Set(['stop', 'redis_stall', 'redis_drip', 'redis_cut', 'redis_reset', 'blip', 'redis_restart', 'hang', 'failover', 'term_outage', 'clock']);
// For so long an instance goes on trying to reach Redis when it is there again (ms).
const backoff = 2_000;
const sweeping = new Set(['term_outage', 'clock', 'redis_restart', 'hang', 'failover']);
const echo = 25_000;
// What strikes all instances.
const globally = new Set([
  'redis_restart',
  'redis_lose',
  'kill_pubsub',
  'kill_normal',
  'hang',
  'oom',
  'term_outage',
  'failover',
  'clock',
]);
// By these an instance may lose what it was told by Redis, or what it had to tell.
const deafening = new Set([
  'redis_restart', 'redis_lose', 'kill_pubsub', 'redis_stall', 'redis_drip', 'redis_cut', 'redis_reset', 'stop', 'blip',
  'kill', 'term', 'roll', 'term_outage', 'failover', 'clock', 'oom',
]);
const delaying = new Set(['client_stall', 'client_drip', 'stop']);
const deadly = new Set(['kill', 'term', 'roll', 'term_outage']);
const silencing = new Set([...redisFaults, 'kill', 'term']); // faults under which instances can't do what they owe for a while

export function check({ options, rooms, friends = {}, events, settled, empty }) {
  const violations = [];
  const figures = {
    acked: 0,
    duplicate_acks: 0,
    deliveries: 0,
    repeats: 0,
    repeated_after_crashes: 0,
    by_mail: 0,
    dropped: 0,
    gaps: 0,
    longest_ghost_ms: 0,
    connections: 0,
    added: 0,
    removed: 0,
    refreshed: 0,
    faults: {},
  };
  const fail = (text) => violations.push(text);
  const at = (t) => `at ${((t - (events[0]?.t ?? 0)) / 1000).toFixed(2)} s`;

  const faults = faultsOf(events, figures);
  // A replica that was behind has lost what came after its last word, from a moment before it was cut off.
  const losses = faults.filter((f) => f.kind === 'redis_lose' || f.lag !== undefined)
    .map((f) => (f.lag === undefined ? f : { ...f, from: f.lag - 300 })).sort((a, b) => a.from - b.from);
  const struck = (kinds, from, to) => faults.some((f) => kinds.has(f.kind) && f.from <= to && f.to + echo >= from);
  const connections = connectionsOf(events);
  figures.connections = connections.length;
  const messages = identities({ events, settled, empty, fail, at });
  const lastEpoch = new Map(Object.keys(rooms).map((room) => [room, (empty.hashes[`ws:room_head:${room}`] ?? settled.hashes[`ws:room_head:${room}`])?.epoch]));

  const leavings = new Map(); // `room user` → when the user first wanted to be out for good
  for (const e of events) if (e.e === 'leaving' && !leavings.has(`${e.room} ${e.user}`)) leavings.set(`${e.room} ${e.user}`, e.t);

  const changes = changesOf(events, figures);
  const said = new Map(); // content → when it was first sent
  for (const e of events) if (e.e === 'sent' && !said.has(e.n)) said.set(e.n, e.t);
  const crashes = crashesOf(faults, losses, options.lease);
  const byId = new Map(connections.filter((c) => c.id !== undefined).map((c) => [c.id, c]));
  for (const c of connections)
    streamOf(c, { messages, leavings, changes, before: byId.get(c.previous), faults, struck, crashes, fail, at, figures });
  epochsOf(events, connections, { fail, at });
  deliveries({
    events,
    rooms,
    connections,
    faults,
    losses,
    leavings,
    changes,
    said,
    lastEpoch,
    settled,
    empty,
    fail,
    at,
    figures,
  });
  removals({ events, connections, changes, said, losses, settled, empty, fail, at });
  mailThatWaits({ events, connections, faults, fail, at });
  typing({ events, connections, faults, leavings, changes, options, fail, at });
  absences({ events, connections, friends, faults, struck, options, fail, at, figures });
  departures({ events, connections, losses, settled, fail, at });
  stateWhenSettled({ snapshot: settled, connections, events, fail });
  stateWhenEmpty({ snapshot: empty, fail });
  talk({ events, struck, losses, fail, at });
  return { violations, figures };
}

function faultsOf(events, figures) {
  const open = new Map();
  for (const e of events) {
    if (e.e === 'fault' && !e.skipped) {
      open.set(e.number, { kind: e.kind, instance: e.instance, from: e.t, to: Infinity });
      figures.faults[e.kind] = (figures.faults[e.kind] ?? 0) + 1;
    }
    if (e.e === 'lag') open.get(e.number).lag = e.t;
    if (e.e === 'healed') open.get(e.number).to = e.t;
  }
  return [...open.values()];
}

const heardKinds = new Set([
  'message',
  'mail',
  'gap',
  'joined',
  'refreshing',
  'refreshed',
  'history',
  'typing',
  'sent',
  'acked',
]);

// `room user` → what the HTTP API did: adding, added, removing, removed, each with its time.
function changesOf(events, figures) {
  const out = new Map();
  for (const e of events) {
    if (!['adding', 'added', 'removing', 'removed'].includes(e.e)) continue;
    if (e.e in figures) figures[e.e] += 1;
    const key = `${e.room} ${e.user}`;
    (out.get(key) ?? out.set(key, []).get(key)).push({ t: e.t, what: e.e });
  }
  for (const e of events) if (e.e === 'refreshed') figures.refreshed += 1;
  return out;
}

// When an instance died, or was silent for so long that others took it for dead; and when Redis lost data: `all`.
function crashesOf(faults, losses, lease) {
  const dead = faults.filter((f) => f.kind === 'kill' || (silenced.has(f.kind) && f.to - f.from > lease * 750 - backoff));
  return [...dead.map((f) => ({ ...f, all: sweeping.has(f.kind) })), ...losses.map((f) => ({ ...f, all: true }))];
}

// One entry per attempt of a device to be connected, with all it heard, in order.
function connectionsOf(events) {
  const open = new Map();
  for (const e of events) {
    if (!e.d) continue;
    const key = `${e.d} ${e.c}`;
    if (e.e === 'register') {
      open.set(key, {
        key,
        device: e.d,
        user: e.user,
        kind: e.kind,
        distance: e.distance ?? 0,
        resume: e.resume ?? {},
        previous: e.previous,
        from: e.t,
        to: Infinity,
        deaf: Infinity,
        ghostTo: undefined,
        heard: [],
      });
    }
    const c = open.get(key);
    if (!c) continue;
    if (e.e === 'registered')
      Object.assign(c, {
        id: e.connection,
        instance: e.instance,
        registered: e.t,
        resumed: e.resumed ?? {},
        rooms: new Set(e.rooms),
        granted: e.granted,
      });
    if (e.e === 'deaf') c.deaf = e.t;
    if (e.e === 'hole') c.ghostTo = e.t + e.ms;
    if (e.e === 'closed') Object.assign(c, { to: e.t, hurt: e.hurt, code: e.code });
    if (heardKinds.has(e.e)) c.heard.push(e);
  }
  return [...open.values()];
}

// messageId ↔ content, one to one; except that a loss of Redis's data makes a retried message a new one, in another epoch. And what a master
// acknowledged, while the replica that took its place heard nothing of it, nobody but its sender knows: its number may be given again.
function identities({ events, settled, empty, fail, at }) {
  const byId = new Map();
  const epochsOfText = new Map();
  const meet = (room, id, n, t) => {
    if (n === undefined || n === null) return;
    const key = `${room} ${id}`;
    const known = byId.get(key);
    if (known === undefined) {
      byId.set(key, n);
      const { epoch } = place(id);
      const before = epochsOfText.get(n) ?? new Map();
      if (before.has(epoch)) fail(`${n} was stored twice in ${room}: as ${before.get(epoch)} and as ${id}`);
      before.set(epoch, id);
      epochsOfText.set(n, before);
    } else if (known !== n) {
      fail(`${id} in ${room} is ${known} for some and ${n} for others, ${t === undefined ? 'in the log' : at(t)}`);
    }
  };
  const lags = events.filter((e) => e.e === 'lag').map(({ t, number }) => ({ from: t, to: events.find((e) => e.e === 'healed' && e.number === number)?.t ?? Infinity }));
  const forgotten = [];
  for (const e of events) {
    if (e.e === 'acked' && lags.some(({ from, to }) => e.t >= from && e.t <= to)) forgotten.push(e);
    else if (e.e === 'message' || e.e === 'acked') meet(e.room, e.id, e.n, e.t);
    if (e.e === 'mail') for (const m of e.messages) meet(m.room, m.id, m.n, e.t);
  }
  for (const snapshot of [settled, empty]) {
    for (const entries of Object.values(snapshot.logs)) {
      for (const { m } of entries) {
        const frame = JSON.parse(m);
        meet(frame.roomId, frame.messageId, frame.content?.n);
      }
    }
  }
  const heard = new Set(byId.values());
  for (const e of forgotten) if (heard.has(e.n) || !byId.has(`${e.room} ${e.id}`)) meet(e.room, e.id, e.n, e.t);
  return byId;
}

// What one connection heard: ascending and without a hole per room; nothing twice; nothing that it said it had.
function streamOf(c, { messages, leavings, changes, before: earlier, faults, struck, crashes, fail, at, figures }) {
  const last = new Map(); // room → place
  const lastAt = new Map(); // room → when that was
  let granted = c.granted && new Set(c.granted); // the rooms that the token is for
  const exact = c.kind === 'resume' || c.kind === 'bare';
  // What a connection was given is known when it has ended; behind a hole the server takes it for alive yet.
  const shown = earlier && c.kind === 'resume' && !(earlier.ghostTo > c.from) ? shownBy(earlier, struck) : new Set();
  // With the instance of that connection, or with Redis's data, the knowledge of what it showed has gone.
  const forgotten = (t) =>
    crashes.some((f) => f.from <= t && f.to >= earlier.from && (f.all || f.instance === earlier.instance));
  // Or the instance could not yet tell Redis of its end.
  const untold = (t) =>
    faults.some(
      (f) =>
        silencing.has(f.kind) &&
        (f.instance === earlier.instance || globally.has(f.kind)) &&
        f.from <= t &&
        f.to + backoff >= Math.min(earlier.to, earlier.deaf),
    );
  const foreign = (room, id, t) => {
    if (granted && !granted.has(room)) fail(`${c.key} got ${id} of ${room}, which its token is not for, ${at(t)}`);
  };
  const got = new Set();
  const excused = new Map(); // room → [[epoch or nothing, from, to]], what was said to be lost
  const excuse = (room, from, to) => (excused.get(room) ?? excused.set(room, []).get(room)).push([from ?? 0, to ?? Infinity]);
  const own = (room, epoch, seq) => messages.get(`${room} ${epoch}:${seq}`)?.startsWith(`${c.device}#`);
  // The client says that it has this; what it lacks of earlier ones is mail.
  const named = (room, epoch, seq) => place(c.resume[room] ?? ':0').epoch === epoch && seq <= place(c.resume[room]).seq;
  for (const [room, id] of Object.entries(c.resume)) {
    if (c.resumed?.[room]) last.set(room, place(id));
    if (c.resumed?.[room]?.recovered === false) excuse(room);
  }
  for (const e of c.heard) {
    if (e.e === 'gap') {
      figures.gaps += 1;
      excuse(e.room, e.from, e.to);
    } else if (e.e === 'mail') {
      for (const { room, id } of e.messages) {
        figures.by_mail += 1;
        if (got.has(`${room} ${id}`)) {
          figures.repeats += 1;
          if (exact)
            fail(
              `${c.key} (${c.kind}) got ${id} of ${room} twice on one connection, the second time as mail ${at(e.t)}`,
            );
        }
        foreign(room, id, e.t);
        // Told that it is not recovered, the client knows that what it said counts for nothing.
        const had = c.resume[room] && c.resumed?.[room]?.recovered !== false && place(c.resume[room]);
        if (had && had.epoch === place(id).epoch && place(id).seq <= had.seq && shown.has(`${room} ${id}`)) {
          const text = `${c.key} said it has ${c.resume[room]} of ${room} from ${c.previous}, which had shown it ${id}`;
          if (forgotten(e.t) || untold(e.t)) figures.repeated_after_crashes += 1;
          else fail(`${text}, and got that as mail ${at(e.t)}`);
        }
        got.add(`${room} ${id}`);
      }
    } else if (e.e === 'refreshing') {
      // From here on both tokens may count. What was said while none was for the room may come as mail.
      const wanted = e.rooms && new Set(e.rooms);
      for (const room of [...last.keys()]) if (granted && !granted.has(room)) last.delete(room);
      granted = granted && wanted && new Set([...granted, ...wanted]);
    } else if (e.e === 'refreshed') {
      granted = e.granted && new Set(e.granted);
      for (const room of [...last.keys()]) if (granted && !granted.has(room)) last.delete(room);
    } else if (e.e === 'message') {
      foreign(e.room, e.id, e.t);
      if (leavings.get(`${e.room} ${c.user}`) < e.t) continue;
      const { epoch, seq } = place(e.id);
      // Put out and in again in between, the user has no right to what was said meanwhile.
      const changed = changes
        .get(`${e.room} ${c.user}`)
        ?.some(({ t }) => t <= e.t && t > (lastAt.get(e.room) ?? -Infinity));
      const before = last.get(e.room);
      if (got.has(`${e.room} ${e.id}`)) {
        figures.repeats += 1;
        if (exact) fail(`${c.key} (${c.kind}) got ${e.id} of ${e.room} twice on one connection, ${at(e.t)}`);
      }
      got.add(`${e.room} ${e.id}`);
      if (before?.epoch === epoch) {
        if (seq <= before.seq) fail(`${c.key} (${c.kind}) heard ${e.id} of ${e.room} after ${epoch}:${before.seq}, ${at(e.t)}`);
        for (let missed = before.seq + 1; missed < seq && !changed; missed += 1) {
          if (own(e.room, epoch, missed) || got.has(`${e.room} ${epoch}:${missed}`)) continue;
          if (named(e.room, epoch, missed)) continue;
          if (excused.get(e.room)?.some(([from, to]) => from <= missed && missed <= to)) continue;
          fail(`${c.key} (${c.kind}) heard ${e.id} of ${e.room} after ${epoch}:${before.seq}, and nobody said that ${epoch}:${missed} is lost, ${at(e.t)}`);
          break;
        }
      } else if (before && c.kind !== 'plain' && !excused.has(e.room)) {
        fail(`${c.key} (${c.kind}) heard ${e.id} of ${e.room} after ${before.epoch}:${before.seq}: a new epoch that nobody announced, ${at(e.t)}`);
      }
      last.set(e.room, { epoch, seq });
      lastAt.set(e.room, e.t);
    }
  }
}

// The messages of a connection that its server can know to be with the client: those that it showed; and mail, if it
// was confirmed for sure, that is if something which was sent behind the confirmation was answered, and nothing was
// in Redis's way.
function shownBy(c, struck) {
  const out = new Set();
  const sent = new Map();
  let mail = [];
  for (const e of c.heard) {
    if (e.e === 'message') out.add(`${e.room} ${e.id}`);
    if (e.e === 'mail') mail.push(e);
    if (e.e === 'sent') sent.set(e.n, e.t);
    if (e.e !== 'acked') continue;
    for (const one of mail.filter(({ t }) => sent.get(e.n) > t && !struck(silencing, t, e.t + 1_000))) {
      for (const { room, id } of one.messages) out.add(`${room} ${id}`);
    }
    mail = mail.filter(({ t }) => !(sent.get(e.n) > t));
  }
  return out;
}

// A room's epochs come one after the other for everybody: who has heard a later one never hears an earlier one live again.
function epochsOf(events, connections, { fail, at }) {
  const first = new Map(); // room → Map(epoch → when anybody knew of it: a far client hears late, its sender's answer may be sooner)
  const note = (e) => {
    const known = first.get(e.room) ?? first.set(e.room, new Map()).get(e.room);
    const { epoch } = place(e.id);
    known.set(epoch, Math.min(known.get(epoch) ?? Infinity, e.t));
  };
  for (const e of events) if (e.e === 'acked') note(e);
  for (const c of connections) for (const e of c.heard) if (e.e === 'message') note(e);
  for (const c of connections) {
    const latest = new Map();
    for (const e of c.heard) {
      if (e.e !== 'message') continue;
      const begun = first.get(e.room).get(place(e.id).epoch);
      if (begun < (latest.get(e.room) ?? 0)) fail(`${c.key} heard ${e.id} of ${e.room}, of an epoch that had ended for it, ${at(e.t)}`);
      latest.set(e.room, Math.max(latest.get(e.room) ?? 0, begun));
    }
  }
}

// Every acknowledged message reached every other member, or waits for them, or was counted as dropped, or was said to be lost.
function deliveries({
  events,
  rooms,
  connections,
  faults,
  losses,
  leavings,
  changes,
  said,
  lastEpoch,
  settled,
  empty,
  fail,
  at,
  figures,
}) {
  const stepped = faults.some((f) => f.kind === 'clock'); // then Redis's times can't be compared with others
  const reached = new Map(); // `room id` → Set of users
  const reach = (room, id, user) =>
    (reached.get(`${room} ${id}`) ?? reached.set(`${room} ${id}`, new Set()).get(`${room} ${id}`)).add(user);
  // The cap drops the oldest: a number that was told excuses what is older than the mail it came with, and no more messages than it counts.
  const dropped = new Map(); // user → { count, before }
  const drop = (user, count, before) => {
    const told = dropped.get(user) ?? { count: 0, before: 0 };
    dropped.set(user, { count: told.count + count, before: Math.max(told.before, before ?? Infinity) });
  };
  const userOf = (device) => device.slice(0, device.lastIndexOf('/'));
  const excused = new Map(); // `room user` → [[epoch?, from, to]]
  for (const e of events) {
    if (e.e === 'message') {
      figures.deliveries += 1;
      reach(e.room, e.id, userOf(e.d));
    }
    if (e.e === 'mail') {
      for (const m of e.messages) reach(m.room, m.id, userOf(e.d));
      if (e.dropped > 0) drop(userOf(e.d), e.dropped, stepped ? Infinity : e.newest);
      figures.dropped += e.dropped;
    }
    if (e.e === 'gap' && e.to) {
      const key = `${e.room} ${userOf(e.d)}`;
      (excused.get(key) ?? excused.set(key, []).get(key)).push([e.from, e.to, Infinity]);
    }
  }
  // A resume that was told `recovered: false` has not been promised what was said before it, up to what came next.
  for (const c of connections) {
    for (const [room, { recovered }] of Object.entries(c.resumed ?? {})) {
      if (recovered !== false || !c.resume[room]) continue;
      const had = place(c.resume[room]);
      const next = c.heard.find((e) => e.e === 'message' && e.room === room && place(e.id).epoch === had.epoch);
      const key = `${room} ${c.user}`;
      (excused.get(key) ?? excused.set(key, []).get(key)).push([
        had.seq + 1,
        next ? place(next.id).seq - 1 : Infinity,
        c.registered,
      ]);
    }
  }
  for (const snapshot of [settled, empty]) {
    for (const [key, list] of Object.entries(snapshot.lists)) {
      const user = key.startsWith('ws:offline_messages:') ? key.slice('ws:offline_messages:'.length) : undefined;
      if (user !== undefined) for (const text of list) reach(JSON.parse(text).roomId, JSON.parse(text).messageId, user);
    }
    for (const [key, count] of Object.entries(snapshot.strings)) {
      if (key.startsWith('ws:offline_dropped:')) drop(key.slice('ws:offline_dropped:'.length), Number(count), Infinity);
    }
  }

  // After a loss of Redis's data a user belongs to a room once it says so: with the answer to a register or join that was asked for after
  // the loss. And so do those who had a live connection when it struck: whether it lives on or ends, its instance puts the user back
  // within a while from when it can reach Redis, unless the instance itself ends before.
  const reassertion = 10_000;
  const back = groups(
    connections
      .flatMap((c) =>
        c.registered ? [...c.rooms].map((room) => ({ user: c.user, room, t: c.registered, asked: c.from })) : [],
      )
      .concat(events.filter((e) => e.e === 'joined')),
    (e) => `${e.room} ${e.user}`,
  );
  const heldOf = groups(
    connections.filter((c) => c.registered),
    (c) => c.user,
  );
  const joins = groups(
    events.filter((e) => e.e === 'joined'),
    (e) => `${e.d} ${e.c}`,
  );
  const reaches = (loss, instance) => {
    let free = loss.to;
    const hinders = (f) => f !== loss && silencing.has(f.kind) && (f.instance === instance || globally.has(f.kind));
    for (const f of faults.filter(hinders).sort((a, b) => a.from - b.from))
      if (f.from <= free + reassertion && f.to > free) free = f.to;
    return free + reassertion;
  };
  // Of a room that no token of the connection is for, its instance does not know.
  const mayHear = (c, room, from, to) => {
    const tokens = [{ t: -Infinity, granted: c.granted }];
    for (const e of c.heard) {
      if (e.e === 'refreshing') tokens.push({ t: e.t, granted: e.rooms });
      if (e.e === 'refreshed') tokens.push({ t: e.t, granted: e.granted });
    }
    const first = tokens.findLastIndex((token) => token.t < from);
    return tokens.every(({ t, granted }, i) => i < first || t > to || !granted || granted.includes(room));
  };
  const isMember = (user, room, t) => {
    const loss = losses.findLast((l) => l.from <= t);
    if (!loss) return true;
    if (t < loss.to) return false;
    const change = changes.get(`${room} ${user}`)?.findLast((each) => each.t <= t);
    if (change?.what === 'added' && change.t > loss.to) return true;
    if (back.get(`${room} ${user}`)?.some((e) => e.asked > loss.from && e.t > loss.to && e.t < t)) return true;
    return (
      heldOf.get(user)?.some((c) => {
        if (c.registered >= loss.from || c.to < loss.to) return false;
        // Behind a door that was shut for a while the client may have learnt of its end much later than the server.
        const late = faults.some(
          (f) => delaying.has(f.kind) && f.instance === c.instance && f.from <= c.to && f.to >= loss.from,
        );
        if (c.to < t && (c.hurt || late)) return false;
        if (!c.rooms.has(room) && !joins.get(c.key)?.some((e) => e.room === room && e.t < loss.from)) return false;
        const from = reaches(loss, c.instance);
        return (
          t > from &&
          mayHear(c, room, loss.from, from) &&
          !faults.some((f) => deadly.has(f.kind) && f.instance === c.instance && f.from < from && f.to > loss.from)
        );
      }) ?? false
    );
  };

  // Whether the API leaves no doubt that the user was in the room from `t` on. Out of the room, nobody is owed what
  // was said before.
  const belongs = (user, room, t) => {
    const mine = changes.get(`${room} ${user}`) ?? [];
    if (mine.some((each) => each.what === 'removing' && each.t >= t)) return false;
    const latest = mine.findLast((each) => each.t <= t);
    return latest ? latest.what === 'added' : rooms[room].includes(user);
  };
  const candidates = new Map(Object.entries(rooms).map(([room, users]) => [room, new Set(users)]));
  for (const key of changes.keys()) {
    const room = Object.keys(rooms).find((each) => key.startsWith(`${each} `));
    candidates.get(room)?.add(key.slice(room.length + 1));
  }

  const missing = new Map(); // user → [text]
  const seen = new Set();
  for (const e of events) {
    if (e.e !== 'acked') continue;
    figures.acked += 1;
    if (e.duplicate) figures.duplicate_acks += 1;
    const key = `${e.room} ${e.id}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const { epoch, seq } = place(e.id);
    if (epoch !== lastEpoch.get(e.room)) {
      if (losses.length === 0)
        fail(`${e.n} was acknowledged as ${e.id}, but ${e.room} has another epoch although Redis never lost its data`);
      continue;
    }
    const first = said.get(e.n) ?? e.at;
    // By a clock that has stepped, it was stored at any time between the first try and the answer.
    const known = !stepped && e.at >= first - 500 && e.at <= e.t + 500;
    const [when, until] = known ? [e.at, e.at] : [first, e.t];
    const lost = losses.filter((l) => l.to > when && l.to < until).map((l) => l.to + 1);
    for (const user of candidates.get(e.room)) {
      // What was on its way to a user who goes may be lost with them.
      if (leavings.get(`${e.room} ${user}`) < until + 10_000) continue;
      if (user === e.user || reached.get(key)?.has(user)) continue;
      if (!belongs(user, e.room, first) || [when, ...lost, until].some((t) => !isMember(user, e.room, t))) continue;
      if (excused.get(`${e.room} ${user}`)?.some(([from, to, end]) => from <= seq && seq <= to && when <= end))
        continue;
      (missing.get(user) ?? missing.set(user, []).get(user)).push({
        at: e.at,
        text: `${e.n}, acknowledged as ${e.id} in ${e.room} ${at(e.t)}, never reached ${user}`,
      });
    }
  }
  for (const [user, lost] of missing) {
    const { count, before } = dropped.get(user) ?? { count: 0, before: 0 };
    const excusable = lost.filter((each) => each.at < before).length <= count;
    for (const each of lost) if (!excusable || each.at >= before) fail(each.text);
  }
}

// A user whom the API has put out of a room hears nothing of it that was sent later than a second after the answer, until
// somebody puts the user in again, or the user joins. Only a loss of Redis's data may bring back what an instance
// had not heard of yet.
function removals({ events, connections, changes, said, losses, settled, empty, fail, at }) {
  const spans = new Map(); // `room user` → [[from, to]]
  const joins = groups(events.filter((e) => e.e === 'joined'), (e) => `${e.room} ${e.user}`);
  for (const [key, mine] of changes) {
    for (const [i, { t, what }] of mine.entries()) {
      if (what !== 'removed') continue;
      const begun = mine[i - 1]?.t ?? t;
      if (losses.some((l) => l.to > begun - 2_000)) continue;
      const joined = (joins.get(key) ?? []).filter((e) => e.t > begun - 100).map((e) => Math.min(e.asked ?? e.t, e.t));
      const to = Math.min(mine[i + 1]?.t ?? Infinity, ...joined);
      (spans.get(key) ?? spans.set(key, []).get(key)).push([t + 1_000, to]);
    }
  }
  const of = (user, room, n) =>
    spans.get(`${room} ${user}`)?.find(([from, to]) => said.get(n) > from && said.get(n) < to);
  const told = new Set();
  const once = (key, text) => {
    if (!told.has(key)) fail(text);
    told.add(key);
  };
  for (const c of connections) {
    for (const room of c.rooms ?? []) {
      const span = spans.get(`${room} ${c.user}`)?.find(([from, to]) => c.from > from && c.registered < to);
      if (span)
        once(
          `${c.key} ${room}`,
          `${c.key} was told ${at(c.registered)} that it is in ${room}, ` +
            `of which the API had put ${c.user} out ${at(span[0] - 1_000)}`,
        );
    }
    for (const e of c.heard) {
      const all =
        e.e === 'message'
          ? [e]
          : e.e === 'mail'
            ? e.messages
            : e.e === 'history'
              ? e.messages.map((m) => ({ ...m, room: e.room }))
              : [];
      for (const { room, id, n } of all) {
        const span = of(c.user, room, n);
        // Put in again, a user may look at what was said meanwhile. It is no mail.
        if (!span || (e.t >= span[1] && e.e !== 'mail')) continue;
        const how = { message: 'heard', mail: 'got as mail', history: 'found in the history' }[e.e];
        once(
          `${c.key} ${room} ${e.e}`,
          `${c.key} ${how} ${id} of ${room} ${at(e.t)}, sent ${at(said.get(n))}; ` +
            `the API had put ${c.user} out ${at(span[0] - 1_000)}`,
        );
      }
    }
  }
  for (const [user, list] of [settled, empty].flatMap((snapshot) =>
    family(snapshot, 'lists', 'ws:offline_messages:'),
  )) {
    for (const { roomId, messageId, content } of list.map((text) => JSON.parse(text))) {
      if (of(user, roomId, content?.n))
        once(`${user} ${messageId}`, `${messageId} of ${roomId} waits for ${user}, whom the API had put out before`);
    }
  }
}

// Mail does not wait for somebody who is here and may read all of it: not when all faults are over (`final`), and
// before that not for longer than it takes to ask again.
function mailThatWaits({ events, connections, faults, fail, at }) {
  const since = new Map(); // user → when something was first seen to wait, while it does in each look
  const told = new Set();
  for (const e of events) {
    if (e.e !== 'waiting') continue;
    for (const user of [...since.keys()]) if (!(user in e.users)) since.delete(user);
    for (const [user, count] of Object.entries(e.users)) {
      if (!since.has(user)) since.set(user, e.t);
      if (told.has(user)) continue;
      const from = e.t - 40_000;
      const hindered = faults.filter((f) => silencing.has(f.kind) || delaying.has(f.kind))
        .reduce((sum, f) => sum + Math.max(0, Math.min(f.to, e.t) - Math.max(f.from, from)), 0);
      const limit = e.final ? 6_000 : 10_000 + 2 * hindered;
      if (!e.final && since.get(user) > e.t - limit) continue;
      const here = connections.find(
        (c) =>
          c.user === user && c.registered < e.t - limit && Math.min(c.to, c.deaf) > e.t && !c.hurt && readsAll(c, e.t),
      );
      if (!here) continue;
      told.add(user);
      fail(
        `${count} messages wait for ${user} ${at(e.t)}, who has been here since ` +
          `${at(here.registered).slice(3)} (${here.key})`,
      );
    }
  }
}
const readsAll = (c, t) => {
  const latest = c.heard.findLast((e) => e.e === 'refreshed' && e.t < t - 6_000);
  return (latest ? latest.granted : c.granted) === undefined;
};

// A client that was shown that somebody types is shown the end within 10 s, and some more where faults delay it.
function typing({ events, connections, faults, leavings, changes, options, fail, at }) {
  const spoken = groups(events.filter((e) => e.e === 'types' && e.on), (e) => `${e.room} ${e.user}`);
  const over = events.find((e) => e.e === 'phase' && e.name === 'settled')?.t ?? Infinity;
  const strikes = (f, from, to) => f.from <= to && f.to + 2_000 >= from;
  for (const c of connections) {
    const shown = new Map(); // `room user` → when it was last shown that the user types
    const end = Math.min(c.to, c.deaf, over);
    const judge = (key, since, told) => {
      const latest = Math.max(since, ...(spoken.get(key) ?? []).filter(({ t }) => t < told).map(({ t }) => t));
      let limit = latest + 10_000 + 5_000;
      const hindering = faults.filter(
        (f) => (silencing.has(f.kind) || delaying.has(f.kind)) && strikes(f, latest, limit),
      );
      if (hindering.length > 0)
        limit += (options.lease + 5) * 1_000 + hindering.reduce((sum, f) => sum + f.to - f.from, 0);
      if (told <= limit || c.hurt) return;
      // An instance can't show what it did not hear, nor what the viewer may no longer hear.
      if (
        faults.some(
          (f) =>
            (deafening.has(f.kind) || delaying.has(f.kind)) &&
            (globally.has(f.kind) || f.kind === 'roll' || f.instance === c.instance) &&
            strikes(f, since, limit),
        )
      )
        return;
      const [room, user] = [key.slice(0, key.lastIndexOf(' ')), key.slice(key.lastIndexOf(' ') + 1)];
      const mine = `${room} ${c.user}`;
      if (leavings.get(mine) < limit || changes.get(mine)?.some(({ t }) => t > since - 1_000 && t < limit)) return;
      if (c.granted || c.heard.some((e) => e.e === 'refreshed')) return;
      fail(
        `${c.key} was shown that ${user} types in ${room} ${at(since)}, ` +
          `and not within ${((limit - latest) / 1000).toFixed(0)} s that it is over`,
      );
    };
    for (const e of c.heard) {
      if (e.e !== 'typing' || e.t > end) continue;
      const key = `${e.room} ${e.user}`;
      if (shown.has(key) && !e.on) judge(key, shown.get(key), e.t);
      e.on ? shown.set(key, e.t) : shown.delete(key);
    }
    for (const [key, since] of shown) judge(key, since, end);
  }
  // The same in Redis.
  const told = new Set();
  const bySpeaker = groups(events.filter((e) => e.e === 'types' && e.on), (e) => e.user);
  for (const e of events) {
    if (e.e !== 'marks') continue;
    for (const user of e.users) {
      const latest = Math.max(0, ...(bySpeaker.get(user) ?? []).filter(({ t }) => t <= e.t).map(({ t }) => t));
      const hindered = faults.filter((f) => silencing.has(f.kind) && strikes(f, latest, e.t));
      const limit =
        15_000 +
        (hindered.length > 0 ? (options.lease + 5) * 1_000 + hindered.reduce((sum, f) => sum + f.to - f.from, 0) : 0);
      if (latest === 0 || e.t - latest <= limit || told.has(user)) continue;
      told.add(user);
      fail(
        `${user} still types in Redis ${at(e.t)}, ${((e.t - latest) / 1000).toFixed(1)} s after the last word of it`,
      );
    }
  }
}

// Nobody stays online without a connection, and nobody is said to be gone who was not away.
function absences({ events, connections, friends, faults, struck, options, fail, at, figures }) {
  const byUser = groups(connections, (c) => c.user);
  const limit = (options.lease + 5) * 1000;
  const reported = new Set();
  const lates = events.filter((e) => e.e === 'late');
  const blind = (t) => lates.some((e) => e.t > t - 3_000 && e.t - e.ms < t + 1_000);
  // Behind a door that is shut, or while it does not read, a client learns late that the server has ended its connection.
  const unaware = (user, t) => (byUser.get(user) ?? []).some((c) => c.from <= t && c.to > t - 10_000 && (c.hurt && c.code === 1001 && c.to > t ||
    faults.some((f) => delaying.has(f.kind) && f.instance === c.instance && f.from <= t && f.to >= t - 10_000)));
  const quiet = 15_000; // after a fault, until which it must be made good
  const undisturbed = (c, t) =>
    c.registered < t - 3_000 &&
    Math.min(c.to, c.deaf) > t + 1_000 &&
    !c.hurt &&
    !faults.some(
      (f) =>
        (silencing.has(f.kind) || delaying.has(f.kind)) &&
        (f.instance === c.instance || globally.has(f.kind)) &&
        f.from <= t &&
        f.to >= t - quiet,
    );
  // A server that ends a connection has done so before its client hears of it: with its close frame, which is answered before the end.
  const ended = (c) => c.to - 3 * c.distance;
  for (const e of events) {
    if (e.e === 'online') {
      const present = new Set(e.users);
      for (const [user, mine] of byUser) {
        if (present.has(user) || reported.has(user) || !mine.some((c) => undisturbed(c, e.t))) continue;
        reported.add(user);
        fail(`${user} is not online ${at(e.t)}, though connected`);
      }
      for (const user of e.users) {
        const mine = byUser.get(user) ?? [];
        if (mine.some((c) => c.from <= e.t && Math.max(c.to, c.ghostTo ?? 0) >= e.t)) continue;
        const since = Math.max(...mine.filter((c) => c.from <= e.t).map((c) => Math.max(c.to, c.ghostTo ?? 0)));
        const hindered = faults.filter((f) => silencing.has(f.kind)).reduce((sum, f) => sum + Math.max(0, Math.min(f.to, e.t) - Math.max(f.from, since)), 0);
        if (hindered === 0) figures.longest_ghost_ms = Math.max(figures.longest_ghost_ms, Math.round(e.t - since));
        figures.longest_ghost_under_faults_ms = Math.max(figures.longest_ghost_under_faults_ms ?? 0, Math.round(e.t - since));
        if (e.t - since > limit + hindered && !reported.has(user)) {
          reported.add(user);
          fail(`${user} is online ${at(e.t)}, ${((e.t - since) / 1000).toFixed(1)} s after the last connection ended`);
        }
      }
    }
    if (e.e === 'friend') {
      figures.friends_told = (figures.friends_told ?? 0) + 1;
      if (!friends[e.told]?.includes(e.user)) fail(`${e.d} was told that ${e.user} is ${e.online ? 'online' : 'offline'} ${at(e.t)}, who is no friend`);
    }
    if (e.e === 'friend' && e.online && !struck(silencing, e.t - 10_000, e.t) && !unaware(e.user, e.t) && !blind(e.t)) {
      const mine = (byUser.get(e.user) ?? []).filter((c) => c.from < e.t);
      const came = mine.filter((c) => (c.registered ?? e.t) > e.t - 5_000);
      const new_here = came.some((c) => !mine.some((o) => o !== c && o.registered && o.registered < (c.registered ?? e.t) && ended(o) > c.from + c.distance - options.grace * 800));
      if (!new_here) fail(`${e.d} was told that ${e.user} has come ${at(e.t)}, who had not been away`);
    }
    if (e.e === 'offline' || (e.e === 'friend' && !e.online)) {
      const span = 10_000;
      if (struck(silencing, e.t - span, e.t) || unaware(e.user, e.t) || blind(e.t)) continue;
      const mine = (byUser.get(e.user) ?? []).filter((c) => c.registered && c.to > e.t - span && c.registered < e.t).sort((a, b) => a.registered - b.registered);
      let present = e.t - span;
      let longest = 0;
      for (const c of mine) {
        longest = Math.max(longest, c.registered - present);
        present = Math.max(present, ended(c));
      }
      longest = Math.max(longest, e.t - present);
      if (longest < options.grace * 800) fail(`${e.d} was told that ${e.user} is offline ${at(e.t)}, who was not away`);
    }
  }
}

// Who has left a room stays out, whatever happens. Only a loss of Redis's data may bring back what an instance had not heard of yet.
function departures({ events, connections, losses, settled, fail, at }) {
  const left = new Map(); // `room user` → when it was answered, while nobody joined again
  const back = events.filter((e) => e.e === 'joined');
  for (const e of events) if (e.e === 'left') left.set(`${e.room} ${e.user}`, e);
  for (const { room, user, t } of left.values()) {
    if (losses.some((l) => l.to > t - 15_000)) continue;
    const joined = back.some((e) => e.room === room && e.user === user && e.t > t - 15_000);
    for (const c of connections) {
      if (c.user === user && c.from > t && c.rooms?.has(room) && !joined) fail(`${c.key} was told that it is in ${room}, which ${user} had left, ${at(c.registered)}`);
    }
    if (settled.sets[`ws:room_members:${room}`]?.includes(user)) fail(`settled: ${user} has left ${room} and is a member`);
  }
}

const family = (snapshot, kind, prefix) => Object.entries(snapshot[kind]).filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]);

function mirrors(snapshot, fail) {
  const here = new Set(family(snapshot, 'sets', 'ws:user_rooms:').flatMap(([user, list]) => list.map((room) => `${user} in ${room}`)));
  const there = new Set(family(snapshot, 'sets', 'ws:room_participants:').flatMap(([room, list]) => list.map((user) => `${user} in ${room}`)));
  for (const each of here) if (!there.has(each)) fail(`user_rooms has ${each}, room_participants has not`);
  for (const each of there) if (!here.has(each)) fail(`room_participants has ${each}, user_rooms has not`);
  const lasting = new Set(family(snapshot, 'sets', 'ws:member_rooms:').flatMap(([user, list]) => list.map((room) => `${user} in ${room}`)));
  const members = new Set(family(snapshot, 'sets', 'ws:room_members:').flatMap(([room, list]) => list.map((user) => `${user} in ${room}`)));
  for (const each of lasting) if (!members.has(each)) fail(`member_rooms has ${each}, room_members has not`);
  for (const each of members) if (!lasting.has(each)) fail(`room_members has ${each}, member_rooms has not`);
  for (const [room, list] of family(snapshot, 'sets', 'ws:joined_room_participants:')) {
    for (const user of list) if (!there.has(`${user} in ${room}`)) fail(`${user} has ${room} open without taking part in it`);
  }
}

function leftovers(snapshot, fail) {
  const typing = new Set(['ws:typing_users', 'ws:typing_marks']);
  for (const kind of ['lists', 'strings', 'zsets', 'hashes']) {
    for (const [key, value] of Object.entries(snapshot[kind])) {
      if (key.startsWith('ws:offline_inflight:')) fail(`${key} is left, with ${value.length} messages`);
      if (key === 'ws:sweeps') fail(`a sweep is left: ${JSON.stringify(value)}`);
      if (key === 'ws:pending_offline') fail(`announcements are left: ${JSON.stringify(value)}`);
      if (typing.has(key)) fail(`somebody types for ever: ${JSON.stringify(value)}`);
    }
  }
  for (const [user, list] of family(snapshot, 'lists', 'ws:offline_messages:')) if (list.length > 100) fail(`${user} has ${list.length} messages in the mailbox`);
}

function stateWhenSettled({ snapshot, connections, events, fail }) {
  const when = events.find((e) => e.e === 'phase' && e.name === 'settled')?.t ?? Infinity;
  const live = connections.filter((c) => c.registered && c.registered <= when && c.to > when);
  const instances = new Set(events.filter((e) => e.e === 'up' && e.t <= when).map((e) => e.instance));
  for (const e of events) if (e.e === 'ended' && e.t <= when && !events.some((up) => up.e === 'up' && up.instance === e.instance && up.t > e.t && up.t <= when)) instances.delete(e.instance);

  const online = new Set(snapshot.sets['ws:online_users'] ?? []);
  const byUser = groups(live, (c) => c.user);
  for (const user of byUser.keys()) if (!online.has(user)) fail(`settled: ${user} has a connection and is not online`);
  for (const user of online) if (!byUser.has(user)) fail(`settled: ${user} is online without a connection`);
  const kept = new Map(family(snapshot, 'hashes', 'ws:user_connections:'));
  for (const [user, held] of kept) {
    const ids = new Set((byUser.get(user) ?? []).map((c) => c.id));
    for (const id of Object.keys(held)) if (!ids.has(id)) fail(`settled: user_connections of ${user} has ${id}, which has ended`);
  }
  for (const c of live) if (!(c.id in (kept.get(c.user) ?? {}))) fail(`settled: user_connections of ${c.user} lacks ${c.id}`);
  const clients = snapshot.hashes['ws:clients'] ?? {};
  for (const [user, json] of Object.entries(clients)) {
    if (!byUser.has(user)) fail(`settled: ws:clients has ${user}, who is gone`);
    else if (JSON.parse(json).connections !== byUser.get(user).length) fail(`settled: ws:clients counts ${JSON.parse(json).connections} connections of ${user}, there are ${byUser.get(user).length}`);
  }
  for (const user of byUser.keys()) if (!(user in clients)) fail(`settled: ws:clients lacks ${user}`);
  for (const [instance, held] of family(snapshot, 'hashes', 'ws:instance_connections:')) {
    if (!instances.has(instance)) fail(`settled: instance_connections of ${instance} is left, with ${Object.keys(held).length} connections`);
  }
  const listed = Object.values(groups(family(snapshot, 'hashes', 'ws:instance_connections:').flatMap(([, held]) => Object.keys(held)), (id) => id));
  if (listed.some((each) => each.length > 1)) fail('settled: a connection belongs to two instances');
  for (const instance of Object.keys(snapshot.zsets['ws:instances'] ?? {})) if (!instances.has(instance)) fail(`settled: ${instance} has a lease and does not run`);
  for (const instance of instances) if (!(instance in (snapshot.zsets['ws:instances'] ?? {}))) fail(`settled: ${instance} runs without a lease`);
  for (const [user, list] of family(snapshot, 'lists', 'ws:offline_messages:')) if (byUser.has(user)) fail(`settled: ${user} is online and ${list.length} messages wait in the mailbox`);
  for (const user of byUser.keys()) {
    for (const room of snapshot.sets[`ws:member_rooms:${user}`] ?? []) {
      if (!(snapshot.sets[`ws:user_rooms:${user}`] ?? []).includes(room)) fail(`settled: ${user} is online, a member of ${room}, and takes no part in it`);
    }
  }
  mirrors(snapshot, fail);
  leftovers(snapshot, fail);
}

function stateWhenEmpty({ snapshot, fail }) {
  for (const kind of ['sets', 'hashes']) {
    for (const [key, value] of Object.entries(snapshot[kind])) {
      if (/^ws:(online_users$|clients$|user_rooms:|room_participants:|joined_room_participants:|user_connections:|instance_connections:)/.test(key)) {
        fail(`empty: ${key} is left, with ${Object.keys(value).length} entries`);
      }
    }
  }
  mirrors(snapshot, fail);
  leftovers(snapshot, fail);
}

// What the daemons and the errors said.
function talk({ events, struck, losses, fail, at }) {
  for (const e of events) {
    if (e.e === 'log') {
      const found = /^\S+ (warning|error|critical) (\S+)/.exec(e.line);
      if (!found && /^\S+ (info|debug) /.test(e.line)) continue;
      if (found?.[1] === 'warning' && struck(new Set(expectedLines[found[2]] ?? []), e.t, e.t)) continue;
      fail(`${e.instance} said ${at(e.t)}: ${e.line}`);
    }
    if (e.e === 'ended') {
      const right = e.wanted === 'SIGKILL' ? e.signal === 'SIGKILL' : e.wanted === 'exit 0' && e.code === 0;
      if (!right) fail(`${e.instance} ended ${at(e.t)} with ${e.signal ?? `exit code ${e.code}`}, expected ${e.wanted ?? 'that it runs'}`);
    }
    if (e.e === 'stuck') fail(`${e.instance} did not drain within 30 s, ${at(e.t)}`);
    if (e.e === 'odd') fail(`${e.d} got a frame of type ${e.type}, ${at(e.t)}`);
    if (e.e === 'unfinished') fail(`${e.d}: ${e.what}`);
    if (e.e === 'error') {
      if (e.code === 'unavailable' && e.retryable && struck(silencing, e.t, e.t)) continue;
      if ((e.code === 'not_member' || e.code === 'forbidden') && e.id?.startsWith('history ')) continue;
      if (e.code === 'not_member' && losses.some((l) => l.from < e.t)) continue;
      if (
        e.code === 'not_member' &&
        events.some((l) => l.e === 'removing' && l.t <= e.t && e.d.startsWith(`${l.user}/`))
      )
        continue;
      if (e.code === 'not_member' && events.some((l) => l.e === 'leaving' && l.t <= e.t && e.d.startsWith(`${l.user}/`))) continue;
      // Put in while the instance did not hear of it: it asks when it is there again.
      const put = (l) => l.e === 'adding' && l.t <= e.t && e.d.startsWith(`${l.user}/`);
      if (e.code === 'not_member' && struck(deafening, e.t, e.t) && events.some(put)) continue;
      fail(`${e.d} got the error ${e.code} ${at(e.t)}: ${e.message}`);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Everything the page knows, as one value: reduce(state, event) is the next one, owed(state, now) the frames the server should get now.
// Pure: events bring times and new keys with them. Refuses to know sockets, storage and the page.
import { nobody, presence, fade } from './demo_presence.js';
import { receive, write, retry, fail, confirm, notice } from './demo_log.js';

// phase: 'down' (retryAt: when the next try starts) · 'opening' · 'open' (not yet registered) · 'ready'
//        'refused' (who we say we are) · 'ended' (by the server, for good)
// asked: id → frame without an answer yet · joined, read: rooms joined, and whose history came, on this connection
// holdUntil: the server asked for patience
const down = { phase: 'down', retryAt: null, why: '', asked: new Map(), joined: new Set(), read: new Set(), holdUntil: 0 };
const emptyRoom = { ...nobody, log: [], unread: 0 };

// proof: how the server learns who we are: '' (it does not: nobody has entered) · 'name' (it believes `me`) · 'token' · 'cookie'
// A token is never kept: a reload asks for it again.
export const start = {
  me: '', proof: '', token: '', room: '', away: false, visible: true, rooms: new Map(), leaving: new Set(), link: down, deliveries: 0, complaint: '',
};

const patience = 2_000;
const tooLate = 'The server did not take it.';
const proofOver = 4401;

const withRoom = (s, id, step) => ({ ...s, rooms: new Map(s.rooms).set(id, step(s.rooms.get(id) ?? emptyRoom)) });
const withLog = (s, id, step) => withRoom(s, id, (room) => ({ ...room, log: step(room.log) }));
const everyRoom = (s, step) => ({ ...s, rooms: new Map([...s.rooms].map(([id, room]) => [id, step(room)])) });
const without = (collection, key) => {
  const rest = new collection.constructor(collection);
  rest.delete(key);
  return rest;
};

function withoutRoom(s, id) {
  const rooms = without(s.rooms, id);
  const room = s.room === id ? (rooms.keys().next().value ?? '') : s.room;
  return seen({ ...s, rooms, room, link: { ...s.link, joined: without(s.link.joined, id) } });
}

const seen = (s) => (s.visible && s.rooms.get(s.room)?.unread ? withRoom(s, s.room, (room) => ({ ...room, unread: 0 })) : s);

const open = (s, id) => seen({ ...withRoom(s, id, (room) => room), room: id, leaving: without(s.leaving, id), complaint: '' });

// Messages that were written before the page knew its user's name.
const signed = (log, me) => log.map((item) => (item.state !== 'sent' && item.from === '' ? { ...item, from: me } : item));

// Not let in, or not any more: one has to say anew who one is.
const refused = (s, why) => ({ ...s, token: '', link: { ...down, phase: 'refused', why } });

function heard(s, frame, away) {
  const { roomId, senderId } = frame;
  const room = s.rooms.get(roomId) ?? emptyRoom;
  const log = receive(room.log, frame, away);
  if (log === room.log || s.leaving.has(roomId)) return s;
  const unread = senderId !== s.me && (roomId !== s.room || !s.visible) ? 1 : 0;
  return withRoom(s, roomId, () => ({ ...room, log, unread: room.unread + unread }));
}

const comings = {
  userJoined: { undefined: 'joined', away: 'is back' },
  userOnline: { away: 'is back' },
  userOffline: { here: 'is away' },
  userLeft: { here: 'left', away: 'left' },
};

function came(s, frame, now) {
  const before = s.rooms.get(frame.roomId)?.people.get(frame.userId);
  const after = withRoom(s, frame.roomId, (room) => presence(room, frame, now));
  const word = frame.userId !== s.me && comings[frame.type][before];
  return word ? withLog(after, frame.roomId, (log) => notice(log, `${now} ${frame.userId} ${word}`, frame.userId, word)) : after;
}

const frames = {
  registered(before, { userId = before.me, rooms }) {
    // By a token or cookie one may have become somebody else, to whom nothing of this belongs but the room that is wanted.
    const other = before.me !== '' && before.me !== userId;
    const mine = other ? { ...before, rooms: new Map(before.room && [[before.room, emptyRoom]]), leaving: new Set() } : before;
    const s = { ...everyRoom(mine, (room) => ({ ...room, log: signed(room.log, userId) })), me: userId };
    const ready = { ...s, complaint: '', link: { ...s.link, phase: 'ready' } };
    if (!Array.isArray(rooms)) return ready;
    const member = new Set(rooms.filter((id) => !s.leaving.has(id)));
    const stay = [...s.rooms].filter(([id, room]) => member.has(id) || id === s.room || room.log.some((item) => item.state === 'sending'));
    const known = new Map(stay);
    for (const id of member) if (!known.has(id)) known.set(id, emptyRoom);
    return { ...ready, rooms: known };
  },
  offlineMessages(s, { messages, dropped }, now) {
    const delivery = s.deliveries + 1;
    const after = messages.reduce((next, frame) => heard(next, frame, delivery), { ...s, deliveries: delivery });
    if (!dropped) return after;
    const word = `${dropped} older ${dropped === 1 ? 'message was' : 'messages were'} not kept: the newest 100 wait for you.`;
    return withLog(after, messages[0]?.roomId ?? s.room, (log) => notice(log, `${now} dropped`, '', word));
  },
  joinedRoom(s, frame, now) {
    if (!s.rooms.has(frame.roomId)) return s;
    const after = withRoom(s, frame.roomId, (room) => presence(room, frame, now));
    return { ...after, link: { ...s.link, joined: new Set(s.link.joined).add(frame.roomId), read: without(s.link.read, frame.roomId) } };
  },
  // Messages from before the user came. They are no news, so nothing is counted as unread.
  history(s, { roomId, messages }) {
    const after = s.rooms.has(roomId) ? withLog(s, roomId, (log) => messages.reduce((next, frame) => receive(next, frame), log)) : s;
    return { ...after, link: { ...s.link, read: new Set(s.link.read).add(roomId) } };
  },
  leftRoom: (s, { roomId }) => ({ ...s, leaving: without(s.leaving, roomId) }),
  message: (s, frame, now) => heard(s.rooms.has(frame.roomId) ? withRoom(s, frame.roomId, (room) => presence(room, frame, now)) : s, frame),
  messageAck(s, frame, now, asked) {
    return asked ? withLog(s, frame.roomId, (log) => confirm(log, asked.clientMsgId, frame)) : s;
  },
  typing(s, frame, now) {
    const ours = frame.userId !== s.me && s.rooms.has(frame.roomId);
    return ours ? withRoom(s, frame.roomId, (room) => presence(room, frame, now)) : s;
  },
  userJoined: (s, frame, now) => (s.rooms.has(frame.roomId) ? came(s, frame, now) : s),
  userOnline: (s, frame, now) => (s.rooms.has(frame.roomId) ? came(s, frame, now) : s),
  userLeft: (s, frame, now) => (frame.userId !== s.me && s.rooms.has(frame.roomId) ? came(s, frame, now) : s),
  userOffline(s, frame, now) {
    if (frame.userId === s.me) return s;
    const ids = frame.roomId === undefined ? [...s.rooms.keys()] : [frame.roomId].filter((id) => s.rooms.has(id));
    return ids.reduce((next, roomId) => came(next, { ...frame, roomId }, now), s);
  },
  friendOnline: (s, frame, now) => everyRoom(s, (room) => presence(room, frame, now)),
  error(s, { code, message, retryable }, now, asked) {
    const why = message || tooLate;
    if (retryable) return { ...s, link: { ...s.link, holdUntil: now + patience } };
    switch (asked?.type) {
      case 'register':
        return refused(s, why);
      case 'history':
        return { ...s, link: { ...s.link, read: new Set(s.link.read).add(asked.roomId) } };
      case 'joinRoom':
        return { ...withoutRoom(s, asked.roomId), complaint: `Could not join ${asked.roomId}: ${why}` };
      case 'leaveRoom':
        return { ...s, leaving: without(s.leaving, asked.roomId), complaint: why };
      case 'message': {
        const joined = code === 'not_member' ? without(s.link.joined, asked.roomId) : s.link.joined;
        return withLog({ ...s, link: { ...s.link, joined } }, asked.roomId, (log) => fail(log, asked.clientMsgId, why));
      }
      default:
        return { ...s, complaint: why };
    }
  },
};

const events = {
  entered(s, { proof = 'name', name = s.me, token = '', room }) {
    const kept = name === s.me ? s : { ...start, visible: s.visible };
    return open({ ...kept, proof, me: name, token, away: false, link: down }, room);
  },
  renamed: (s) => ({ ...start, visible: s.visible, room: s.room }),
  opened: (s, { room }) => open(s, room),
  left: (s, { room }) => ({ ...withoutRoom(s, room), leaving: new Set(s.leaving).add(room) }),
  wentAway: (s) => everyRoom({ ...s, away: true, link: down }, (room) => fade(room, Infinity)),
  cameBack: (s) => ({ ...s, away: false, link: down }),
  wrote: (s, { room, key, text, at }) => withLog({ ...s, complaint: '' }, room, (log) => write(log, key, s.me, text, at)),
  retried: (s, { room, key }) => withLog(s, room, (log) => retry(log, key)),
  looked: (s, { visible }) => seen({ ...s, visible }),
  ticked: (s, { now }) => everyRoom(s, (room) => fade(room, now)),
  opening: (s) => ({ ...s, link: { ...down, phase: 'opening' } }),
  connected: (s) => ({ ...s, link: { ...down, phase: 'open' } }),
  closed(s, { code, retryAt, why }) {
    const quiet = everyRoom(s, (room) => fade(room, Infinity));
    if (code === proofOver) return refused(quiet, why);
    return { ...quiet, link: { ...down, phase: retryAt === null ? 'ended' : 'down', retryAt, why } };
  },
  asked: (s, { id, frame }) => ({ ...s, link: { ...s.link, asked: new Map(s.link.asked).set(id, frame) } }),
  heard(s, { frame, now }) {
    const step = Object.hasOwn(frames, frame.type) && frames[frame.type];
    const asked = s.link.asked.get(frame.id);
    const rest = asked ? { ...s, link: { ...s.link, asked: without(s.link.asked, frame.id) } } : s;
    return step ? step(rest, frame, now, asked) : rest;
  },
};

export const reduce = (state, event) => events[event.type](state, event);

// Whether the page should hold a connection at all.
export const wanted = (s) => s.proof !== '' && !s.away && s.link.phase !== 'refused' && s.link.phase !== 'ended';

// How one says who one is. Who proves it is told by the answer.
const registration = { name: (s) => ({ userId: s.me }), token: (s) => ({ token: s.token }), cookie: () => ({}) };

// One unanswered message a room: so their order survives refusals, retries and reconnects.
export function owed(s, now) {
  const { phase, asked, joined, read, holdUntil } = s.link;
  if (now < holdUntil) return [];
  const waits = (type, roomId) => [...asked.values()].some((frame) => frame.type === type && frame.roomId === roomId);
  if (phase === 'open') return waits('register') ? [] : [{ type: 'register', ...registration[s.proof](s), events: true }];
  if (phase !== 'ready') return [];
  const list = [...s.leaving].filter((roomId) => !waits('leaveRoom', roomId)).map((roomId) => ({ type: 'leaveRoom', roomId }));
  for (const [roomId, { log }] of s.rooms) {
    const unsent = log.find((item) => item.state === 'sending');
    if (joined.has(roomId)) {
      if (!read.has(roomId) && !waits('history', roomId)) list.push({ type: 'history', roomId, limit: 50 });
      if (unsent && !waits('message', roomId)) list.push({ type: 'message', roomId, content: unsent.text, clientMsgId: unsent.key });
    } else if ((roomId === s.room || unsent) && !waits('joinRoom', roomId)) {
      list.push({ type: 'joinRoom', roomId });
    }
  }
  return list;
}

// The part of the state that a reload keeps, and back. The server tells presence again.
export const freeze = (s) =>
  JSON.stringify({ me: s.me, proof: s.proof, room: s.room, away: s.away, deliveries: s.deliveries, leaving: [...s.leaving],
    rooms: [...s.rooms].map(([id, room]) => [id, room.unread, room.log.filter((item) => item.kind === 'message').slice(-200)]) });

export function thaw(text) {
  const { me, proof = me && 'name', room, away, deliveries, leaving, rooms } = JSON.parse(text);
  return { ...start, me, proof: proof === 'token' ? '' : proof, room, away, deliveries, leaving: new Set(leaving),
    rooms: new Map(rooms.map(([id, unread, log]) => [id, { ...emptyRoom, unread, log }])) };
}

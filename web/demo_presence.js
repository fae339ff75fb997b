// SPDX-License-Identifier: Apache-2.0
// The people in one room, and those who are writing there, as pure functions. Refuses to know messages, sockets and the
// page.
// people: user → 'here' | 'away' · typing: user → the time (ms) at which the mark dies by itself
// more: how many people the server did not list

// The server says "stopped" after 10 s; this only covers a server that never does.
const typingLife = 15_000;

export const nobody = { people: new Map(), typing: new Map(), more: 0 };

const put = (map, key, value) => (map.get(key) === value ? map : new Map(map).set(key, value));

function drop(map, key) {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

// The room's presence after `frame`; frames about other matters change nothing.
export function presence(room, frame, now) {
  const { people, typing } = room;
  const user = frame.userId;
  switch (frame.type) {
    case 'joinedRoom': {
      const listed = frame.participants ?? [];
      const more = frame.truncated ? Math.max(0, frame.participantCount - listed.length) : 0;
      return { ...room, people: new Map(listed.map((id) => [id, 'here'])), more };
    }
    case 'userJoined':
      return { ...room, people: put(people, user, 'here') };
    case 'userLeft':
      return { ...room, people: drop(people, user), typing: drop(typing, user) };
    case 'userOffline':
      return { ...room, people: people.has(user) ? put(people, user, 'away') : people, typing: drop(typing, user) };
    case 'friendOnline':
    case 'userOnline':
      return people.has(user) ? { ...room, people: put(people, user, 'here') } : room;
    case 'typing':
      return frame.isTyping
        ? { ...room, people: put(people, user, 'here'), typing: put(typing, user, now + typingLife) }
        : { ...room, typing: drop(typing, user) };
    case 'message':
      return { ...room, typing: drop(typing, frame.senderId) };
    default:
      return room;
  }
}

// Typing marks whose time is over are gone; so is everybody's when the connection is (`now` = Infinity).
export function fade(room, now) {
  const alive = [...room.typing].filter(([, until]) => until > now);
  return alive.length === room.typing.size ? room : { ...room, typing: new Map(alive) };
}

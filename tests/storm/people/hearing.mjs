// SPDX-License-Identifier: Apache-2.0
// The frames that a device hears: each is recorded, some are answered.

export const patience = 5_000;

export function hear(device, visit, frame) {
  const handle = handlers[frame.type];
  if (handle) handle(device, visit, frame);
  else if (!unheeded.has(frame.type)) device.record(visit, { e: 'odd', type: frame.type });
}

const unheeded = new Set(['userJoined', 'userLeft', 'userOnline', 'roomAdded', 'roomRemoved']);

const handlers = {
  registered,
  offlineMessages,
  message(device, visit, { roomId, messageId, content }) {
    device.last[roomId] = messageId;
    device.record(visit, { e: 'message', room: roomId, id: messageId, n: content?.n });
  },
  messageAck(device, visit, { id, roomId, messageId, timestamp, duplicate }) {
    if (!device.isConfirmed(id)) return;
    device.record(visit, {
      e: 'acked',
      user: device.user,
      n: id,
      room: roomId,
      id: messageId,
      at: Date.parse(timestamp),
      duplicate,
    });
  },
  joinedRoom(device, visit, { roomId }) {
    device.record(visit, { e: 'joined', user: device.user, room: roomId, asked: visit.asked[roomId] });
    delete visit.asked[roomId];
    // This device asked to join before another device left.
    if (!device.rooms.includes(roomId)) device.leaveRoom(visit, roomId);
  },
  leftRoom: (device, visit, { roomId }) => device.hasLeft(visit, roomId),
  gap: (device, visit, { roomId, from, to }) => device.record(visit, { e: 'gap', room: roomId, from, to }),
  userOffline: (device, visit, { userId, roomId }) =>
    device.record(visit, { e: 'offline', user: userId, room: roomId }),
  friendOnline: (device, visit, { userId }) =>
    device.record(visit, { e: 'friend', told: device.user, user: userId, online: true }),
  friendOffline: (device, visit, { userId }) =>
    device.record(visit, { e: 'friend', told: device.user, user: userId, online: false }),
  typing: (device, visit, { roomId, userId, isTyping }) =>
    device.record(visit, { e: 'typing', room: roomId, user: userId, on: isTyping }),
  history: (device, visit, { roomId, messages }) =>
    device.record(visit, {
      e: 'history',
      room: roomId,
      messages: messages.map((m) => ({ id: m.messageId, n: m.content?.n })),
    }),
  refreshed(device, visit) {
    visit.refreshing = false;
    visit.granted = visit.wanted;
    device.record(visit, { e: 'refreshed', granted: visit.granted && [...visit.granted] });
    device.retry(visit);
  },
  error(device, visit, frame) {
    const { code, retryable, message, id } = frame;
    device.record(visit, { e: 'error', code, retryable, message, id });
    device.refused(visit, frame);
  },
};

function registered(device, visit, { connectionId, rooms, resumed }) {
  const { storm, user } = device;
  clearTimeout(visit.late);
  visit.connection = device.previous = connectionId;
  visit.granted = visit.claimed;
  device.record(visit, {
    e: 'registered',
    user,
    kind: device.kind,
    connection: connectionId,
    rooms,
    resumed,
    granted: visit.granted && [...visit.granted],
    instance: storm.balanced ? undefined : visit.instance.name,
  });
  // As the document's clients do: the room that the user looks at is joined; and rooms that the server does not know
  // of, too.
  for (const room of device.rooms)
    if (!rooms.includes(room) || device.random.chance(0.2)) device.join(visit, room);
  for (const room of rooms) {
    const settled = !storm.members.isChanging(room, user) && !device.person.removed.has(room);
    if (!device.rooms.includes(room) && settled) device.leaveRoom(visit, room);
  }
  device.hasLeftAllBut(visit, rooms);
  visit.ready = true;
  device.retry(visit);
  visit.retry = setInterval(() => device.retry(visit), patience);
  device.pry();
}

function offlineMessages(device, visit, { messages, dropped }) {
  // Some devices die with the mail, before they have read or confirmed it.
  if (!device.storm.calm && device.random.chance(0.1)) {
    device.vanish(false);
    return;
  }
  const newest = () => Math.max(...messages.map((m) => Date.parse(m.timestamp)));
  device.record(visit, {
    e: 'mail',
    dropped: dropped ?? 0,
    newest: messages.length > 0 ? newest() : Date.now(),
    messages: messages.map((m) => ({ room: m.roomId, id: m.messageId, n: m.content?.n })),
  });
  if (device.withholds) visit.hurt = true;
  else if (device.kind !== 'plain') device.say(visit, { type: 'offlineAck' });
}

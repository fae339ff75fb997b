// SPDX-License-Identifier: Apache-2.0
// The chat service as its document describes it, flow by flow and no cleverer: one await per Redis command, sockets in
// a Map. hikyd is compared with this service. It adds one thing: it answers `register`, so that the load generator
// knows when the register is done.
// Usage: node node_service.mjs REDIS_SOCKET; prints "ready on PORT".
import { WebSocketServer } from 'ws';
import { Redis } from 'ioredis';

const redis = new Redis({ path: process.argv[2], db: 1 });
const clients = new Map();

// Every method of the service: run, and on an error log and fall back.
async function settle(operation, fallback) {
  try {
    return await operation();
  } catch (error) {
    console.error('Redis operation failed:', error.message);
    return fallback;
  }
}

async function removeRoomIfEmpty(roomId) {
  const count = await settle(() => redis.scard(`ws:room_participants:${roomId}`), 0);
  if (count === 0) await settle(() => redis.del(`ws:room_participants:${roomId}`), 0);
}

async function sendToRoom(roomId, frame, exceptUser) {
  const text = JSON.stringify(frame);
  for (const userId of await settle(() => redis.smembers(`ws:room_participants:${roomId}`), [])) {
    const client = userId === exceptUser ? undefined : clients.get(userId);
    if (client?.readyState === 1) client.send(text);
  }
}

async function connected(ws, userId) {
  ws.userId = userId;
  clients.set(userId, ws);
  const now = new Date().toISOString();
  await settle(() => redis.sadd('ws:online_users', userId), 0);
  await settle(() => redis.hset('ws:clients', userId, JSON.stringify({ connectedAt: now, lastSeen: now, ipAddress: ws.remoteAddress })), 0);
  ws.send(JSON.stringify({ type: 'registered', userId }));
  const mail = await settle(() => redis.lrange(`ws:offline_messages:${userId}`, 0, -1), []);
  if (mail.length === 0) return;
  ws.send(JSON.stringify({ type: 'offlineMessages', count: mail.length, messages: mail.map((text) => JSON.parse(text)) }));
  await settle(() => redis.del(`ws:offline_messages:${userId}`), 0);
}

async function joinRoom(ws, userId, roomId) {
  await settle(() => redis.sadd(`ws:room_participants:${roomId}`, userId), 0);
  await settle(() => redis.sadd(`ws:user_rooms:${userId}`, roomId), 0);
  await settle(() => redis.sadd(`ws:joined_room_participants:${roomId}`, userId), 0);
  const participants = await settle(() => redis.smembers(`ws:room_participants:${roomId}`), []);
  ws.send(JSON.stringify({ type: 'joinedRoom', roomId, participants }));
}

async function leaveRoom(ws, userId, roomId) {
  await settle(() => redis.srem(`ws:room_participants:${roomId}`, userId), 0);
  await settle(() => redis.srem(`ws:user_rooms:${userId}`, roomId), 0);
  await settle(() => redis.srem(`ws:joined_room_participants:${roomId}`, userId), 0);
  await removeRoomIfEmpty(roomId);
  ws.send(JSON.stringify({ type: 'leftRoom', roomId }));
}

async function broadcast(roomId, message) {
  for (const userId of await settle(() => redis.smembers(`ws:room_participants:${roomId}`), [])) {
    if (userId === message.senderId) continue;
    if (await settle(() => redis.sismember('ws:online_users', userId), 0)) {
      const client = clients.get(userId);
      if (client?.readyState === 1) client.send(JSON.stringify(message));
    } else {
      await settle(() => redis.lpush(`ws:offline_messages:${userId}`, JSON.stringify(message)), 0);
      await settle(() => redis.ltrim(`ws:offline_messages:${userId}`, 0, 99), '');
    }
  }
}

async function typing(userId, roomId, isTyping) {
  if (isTyping) {
    await settle(() => redis.hset('ws:typing_users', userId, roomId), 0);
    await settle(() => redis.expire(`ws:typing_users:${userId}`, 10), 0);
  } else {
    await settle(() => redis.hdel('ws:typing_users', userId), 0);
  }
  await sendToRoom(roomId, { type: 'typing', userId, roomId, isTyping }, userId);
}

async function disconnected(ws) {
  const userId = ws.userId;
  if (userId === undefined || clients.get(userId) !== ws) return;
  clients.delete(userId);
  await settle(() => redis.srem('ws:online_users', userId), 0);
  await settle(() => redis.hdel('ws:typing_users', userId), 0);
  for (const roomId of await settle(() => redis.smembers(`ws:user_rooms:${userId}`), [])) {
    await settle(() => redis.srem(`ws:room_participants:${roomId}`, userId), 0);
    await settle(() => redis.srem(`ws:joined_room_participants:${roomId}`, userId), 0);
    await removeRoomIfEmpty(roomId);
    await sendToRoom(roomId, { type: 'userOffline', userId });
  }
  await settle(() => redis.del(`ws:user_rooms:${userId}`), 0);
  await settle(() => redis.hdel('ws:clients', userId), 0);
}

async function handle(ws, text) {
  try {
    const { type, userId = ws.userId, roomId, content } = JSON.parse(text);
    switch (type) {
      case 'register': return await connected(ws, userId);
      case 'joinRoom': return await joinRoom(ws, userId, roomId);
      case 'leaveRoom': return await leaveRoom(ws, userId, roomId);
      case 'message':
        return await broadcast(roomId, { type: 'message', roomId, senderId: userId, content, timestamp: new Date().toISOString() });
      case 'typing': return await typing(userId, roomId, !!content);
      case 'getOnlineStatus': return ws.send(JSON.stringify({ type: 'onlineStatus', friends: [] }));
    }
  } catch (error) {
    console.error('Error handling WebSocket message:', error.message);
    ws.send(JSON.stringify({ type: 'error', message: 'An error occurred while processing your request' }));
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(`ready on ${server.address().port}`));
server.on('connection', (ws, request) => {
  ws.remoteAddress = request.socket.remoteAddress;
  ws.on('message', (text) => handle(ws, text));
  ws.on('close', () => disconnected(ws));
  ws.on('error', () => {});
});

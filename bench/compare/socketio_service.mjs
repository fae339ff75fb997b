// SPDX-License-Identifier: Apache-2.0
// Rooms on Socket.IO with its Redis adapter and nothing else: no history, no mailboxes, no membership in Redis.
// Usage: node socketio_service.mjs REDIS_SOCKET; prints "ready on PORT".
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';

const publisher = new Redis({ path: process.argv[2] });
const subscriber = publisher.duplicate();
const http = createServer();
const io = new Server(http, { adapter: createAdapter(publisher, subscriber), transports: ['websocket'], perMessageDeflate: false, serveClient: false });

io.on('connection', (socket) => {
  socket.on('join', (room, done) => {
    socket.join(room);
    done();
  });
  socket.on('message', ({ roomId, senderId, content }) => {
    socket.to(roomId).emit('message', { roomId, senderId, content, timestamp: new Date().toISOString() });
  });
});

http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(`ready on ${http.address().port}`));

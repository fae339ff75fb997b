// SPDX-License-Identifier: Apache-2.0
// People who do not behave, in a process of their own: hostile.mjs beside it forks this file. They get { name, port,
// count } and further facts, and come and behave. With `attack` they stop behaving. With `how was it?` they answer with
// the fate of their connections, and end.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { Client } from './client.mjs';
import { ping, text } from './frames.mjs';
import { handshake } from './peer.mjs';
import { pause } from './processes.mjs';
import { Redis } from './redis.mjs';

export const noisy = 'noisy room';
const say = (frame) => text(JSON.stringify(frame));
const fate = { ended: 0, failed: 0 };

// A client that registers and joins a room; resolves once it is in.
function guest(port, name, room) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => (fate.failed += 1)).on('close', () => (fate.ended += 1));
  socket.on('connect', () => socket.write(Buffer.concat([Buffer.from(handshake()), say({ type: 'register', userId: name }), say({ type: 'joinRoom', roomId: room })])));
  return new Promise((resolve) => {
    socket.once('close', () => resolve(socket));
    let said = '';
    const look = (bytes) => {
      said = said.slice(-20) + bytes.toString('latin1');
      if (!said.includes('joinedRoom')) return;
      socket.off('data', look).resume();
      resolve(socket);
    };
    socket.on('data', look);
  });
}

const guests = (port, count, kind, room) => Promise.all(Array.from({ length: count }, (_, n) => guest(port, `${kind} ${n}`, room)));

// Sends as fast as the server takes the frames, and comes back when the server has ended the connection. `frames` may
// be a function that gives other frames each time.
function flood(port, name, room, frames, socket) {
  const all = typeof frames === 'function' ? frames : ((same) => () => same)(Buffer.concat(frames));
  const more = () => {
    while (!socket.destroyed && socket.write(all()));
    if (!socket.destroyed) socket.once('drain', () => setTimeout(more, 1));
  };
  socket.on('end', () => socket.destroy());
  socket.once('close', () => setTimeout(async () => flood(port, name, room, frames, await guest(port, name, room)), 100));
  more();
}

// Says `bytes`, leaves when `enough(bytes that were read)`, and is there again `ms` after the end of the connection.
function again(port, bytes, ms, { enough = () => false, read = true, ...how } = {}) {
  const socket = connect({ port, host: '127.0.0.1', ...how });
  socket.on('error', () => (fate.failed += 1));
  socket.on('close', () => ((fate.ended += 1), setTimeout(again, ms, port, bytes, ms, { enough, read, ...how })));
  socket.on('end', () => socket.destroy());
  socket.on('connect', () => socket.write(bytes));
  const seen = { bytes: 0 };
  if (read) socket.on('data', (piece) => enough(piece, seen) && socket.destroy());
  else socket.pause();
}
const opening = (headers) => Buffer.from(handshake(headers));

// The application that --room-hook asks: `status` for all rooms but those in which people are.
const application = (port, status) => createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', () => response.writeHead(/"(pair \d+|noisy room|quiet room)"/.test(body) ? 204 : status).end());
}).listen(port, '127.0.0.1');

async function flooders(port, count, room, frames) {
  const sockets = await guests(port, count, 'flood', room);
  return () => sockets.forEach((socket, n) => flood(port, `flood ${n}`, room, frames, socket));
}

const messages = (room) => Array.from({ length: 50 }, (_, n) => say(n % 2 ? { type: 'message', roomId: room, content: 'x'.repeat(200) } : { type: 'ping' }));

// Each brings clients that behave, and returns a function that begins the attack.
const attacks = {
  async 'slow readers'(port, count = 50) {
    const sockets = await guests(port, count, 'slow', noisy);
    return () => sockets.forEach((socket) => (socket.pause(), setInterval(() => socket.read(1024), 1000)));
  },
  async 'silent readers'(port, count = 200) {
    const sockets = await guests(port, count, 'silent', noisy);
    return () => sockets.forEach((socket) => socket.pause());
  },
  // The clients read, and never pong: all are given up at the same time, 35 s after they came.
  async 'no pongs'(port, count = 500) {
    await guests(port, count, 'deaf', 'quiet room');
    const came = Date.now();
    return () => pause(came + 33_000 - Date.now());
  },
  'flooding writers': (port, count = 10) => flooders(port, count, 'flooded room', messages('flooded room')),
  async 'flooding the absent'(port, count = 10) {
    const away = await guests(port, 250, 'away', 'flooded room');
    const attack = await flooders(port, count, 'flooded room', messages('flooded room'));
    away.forEach((socket) => socket.destroy());
    await pause(500);
    return attack;
  },
  'flooding pings': (port, count = 10) => flooders(port, count, 'flooded room', Array.from({ length: 1000 }, () => ping())),
  // Frames that inflate to megabytes; and frames that hold nothing and take long to inflate. Each ends its connection,
  // and the next one comes over another: ten clients make a hundred a second, as many as an address may.
  async 'compressed bombs'(port, count = 10) {
    const bomb = deflateRawSync(Buffer.alloc(16 << 20, ' '), { level: 9 });
    const maze = Buffer.concat([Buffer.from([0, 0, 0, 0xff, 0xff])].flatMap((block) => Array.from({ length: 12_000 }, () => block)));
    const hello = opening({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const bombs = [bomb, maze].map((payload) => Buffer.concat([hello, text(payload, { reserved: 4 })]));
    return () => {
      for (let n = 0; n < count; n += 1) again(port, bombs[n % 2], 90);
    };
  },
  async 'greedy readers'(port, count = 10) {
    const [speaker] = await guests(port, 1, 'speaker', 'long room');
    for (let n = 0; n < 60; n += 1) speaker.write(say({ type: 'message', roomId: 'long room', content: 'x'.repeat(60_000) }));
    await pause(500);
    return flooders(port, count, 'long room', Array.from({ length: 20 }, () => say({ type: 'history', roomId: 'long room', limit: 200 })));
  },
  'hammering pages': async (port, count = 10) => () => {
    const requests = ['/metrics', '/health', '/', '/nowhere'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('').repeat(10);
    for (let n = 0; n < count; n += 1) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => (fate.failed += 1)).on('close', () => (fate.ended += 1)).resume();
      const more = () => {
        while (!socket.destroyed && socket.write(requests));
        if (!socket.destroyed) socket.once('drain', more);
      };
      socket.on('connect', more);
    }
  },
  'half-open handshakes': async (port, count = 10_000) => async () => {
    for (let n = 0; n < count; n += 1) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => (fate.failed += 1)).on('close', () => (fate.ended += 1));
      socket.on('connect', () => socket.write('GET /ws HTTP/1.1\r\nHost: x\r\n'));
      socket.resume();
      if (n % 200 === 199) await pause(20);
    }
  },
  // Five tokens over a connection. Then the connection is closed, and the next one comes.
  'forged tokens': async (port, count = 20, { tokens }) => () => {
    const five = Array.from({ length: 5 }, (_, n) => say({ type: 'register', token: tokens[n % tokens.length] }));
    for (let n = 0; n < count; n += 1) again(port, Buffer.concat([opening(), ...five]), 10);
  },
  // Each time half a burst of messages, over a connection that has not used up anything.
  'half a burst each': async (port, count = 10) => () => {
    for (let n = 0; n < count; n += 1) {
      const frames = [{ type: 'register', userId: `cheat ${n}` }, { type: 'joinRoom', roomId: 'cheated room' },
        ...Array.from({ length: 30 }, () => ({ type: 'message', roomId: 'cheated room', content: 'x'.repeat(2_000), id: 'm' }))];
      const enough = (piece, seen) => (seen.answers = (seen.answers ?? 0) + piece.toString('latin1').split('"id":"m"').length - 1) >= 30;
      again(port, Buffer.concat([opening(), ...frames.map(say)]), 10, { enough });
    }
  },
  // Only once, because each copy stays in Redis.
  async 'mail bombs'(port, count = 1, { redis }) {
    const store = await Redis.connect(redis);
    const away = Array.from({ length: 1_000 }, (_, n) => `away ${n}`);
    for (const key of ['ws:room_members:bombed room', 'ws:room_absent:bombed room']) await store.command('SADD', key, ...away);
    await Promise.all(away.map((user) => store.command('SADD', `ws:member_rooms:${user}`, 'bombed room')));
    store.close();
    const sockets = await guests(port, count, 'bomber', 'bombed room');
    const bomb = Buffer.concat(Array.from({ length: 15 }, () => say({ type: 'message', roomId: 'bombed room', content: 'x'.repeat(64_000) })));
    return () => sockets.forEach((socket) => socket.write(bomb));
  },
  // The clients have missed ten megabytes, again and again.
  async 'slow resumers'(port, count = 30) {
    const url = `http://127.0.0.1:${port}`;
    const users = Math.ceil(count / 15);
    const resume = {};
    const rooms = ['long room', 'longer room', 'longest room'];
    await Promise.all(rooms.map(async (room) => {
      const speaker = await Client.as(`speaker of ${room}`, url);
      await speaker.join(room);
      resume[room] = (await speaker.ask({ type: 'message', roomId: room, content: 'the first' })).messageId;
      for (let n = 0; n < 58; n += 1) await speaker.ask({ type: 'message', roomId: room, content: 'x'.repeat(60_000) });
      await speaker.leaves();
    }));
    for (let n = 0; n < users; n += 1) {
      const member = await Client.as(`slow ${n}`, url);
      for (const room of rooms) await member.join(room);
      await member.leaves();
    }
    return () => {
      for (let n = 0; n < count; n += 1) {
        again(port, Buffer.concat([opening(), say({ type: 'register', userId: `slow ${n % users}`, resume })]), 100, { read: false });
      }
    };
  },
  // One user asks to enter many rooms, and the application is asked about each room.
  async 'ever new rooms'(port, count = 4, { hook }) {
    application(hook, 204);
    const sockets = await Promise.all(Array.from({ length: count }, () => guest(port, 'curious', 'quiet room')));
    let rooms = 0;
    const frames = () => Buffer.concat(Array.from({ length: 20 }, () => {
      const roomId = `room ${(rooms += 1)}`;
      return Buffer.concat([say({ type: 'joinRoom', roomId }), say({ type: 'leaveRoom', roomId })]);
    }));
    return () => sockets.forEach((socket) => flood(port, 'curious', 'quiet room', frames, socket));
  },
  // From another address than the people's, and each time over a new connection.
  'hammering metrics': async (port, count = 50) => () => {
    const request = Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    for (let n = 0; n < count; n += 1) again(port, request, 0, { localAddress: '127.0.0.2' });
  },
  async 'huge friend lists'(port, count = 2, { redis }) {
    const directory = await Redis.connect(redis, 0);
    const friends = Array.from({ length: 20_000 }, (_, n) => `friend ${n}`);
    for (let user = 0; user < count; user += 1) {
      const key = `hiky:user_friends:popular ${user}`;
      for (let n = 0; n < friends.length; n += 1000) await directory.command('SADD', key, ...friends.slice(n, n + 1000));
    }
    directory.close();
    const sockets = await guests(port, count, 'popular', 'quiet room');
    return () => sockets.forEach((socket, n) => flood(port, `popular ${n}`, 'quiet room', [say({ type: 'getOnlineStatus' })], socket));
  },
  // Each user has one connection more than allowed: the oldest ends with 4409 and comes back.
  'seventeen tabs': async (port, count = 5) => () => {
    const enough = (piece) => piece.includes(Buffer.from([4409 >> 8, 4409 & 0xff]));
    for (let n = 0; n < 17 * count; n += 1) {
      again(port, Buffer.concat([opening(), say({ type: 'register', userId: `tabs ${n % count}` })]), 10, { enough });
    }
  },
  // Rooms for which the application has no answer: a log line for each question.
  async 'lines for the log'(port, count = 10, { hook }) {
    application(hook, 500);
    return flooders(port, count, 'quiet room', Array.from({ length: 20 }, () => say({ type: 'joinRoom', roomId: 'broken room' })));
  },
};
export const names = Object.keys(attacks);

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', async ({ name, port, count, ...told }) => {
    const attack = await attacks[name](port, count, told);
    process.send('here');
    process.once('message', async () => {
      await attack();
      process.once('message', () => process.send(fate, () => process.exit(0)));
      process.send('under way');
    });
  });
}

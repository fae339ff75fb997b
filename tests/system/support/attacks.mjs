// SPDX-License-Identifier: Apache-2.0
// People who do not behave, in a process of their own: hostile.mjs forks this file. Told { name, port, count }, they come and behave; told
// `attack`, they stop behaving; told `how was it?`, they say what became of them, and end.
import { connect } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { ping, text } from './frames.mjs';
import { handshake } from './peer.mjs';
import { pause } from './processes.mjs';

export const noisy = 'noisy room';
const say = (frame) => text(JSON.stringify(frame));
const fate = { ended: 0, failed: 0 };

// Registered and in a room; resolves once it is.
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

// As fast as the server takes it, and back again when it has had enough.
function flood(port, name, room, frames, socket) {
  const all = Buffer.concat(frames);
  const more = () => {
    while (!socket.destroyed && socket.write(all));
    if (!socket.destroyed) socket.once('drain', () => setTimeout(more, 1));
  };
  socket.on('end', () => socket.destroy());
  socket.once('close', () => setTimeout(async () => flood(port, name, room, frames, await guest(port, name, room)), 100));
  more();
}

// Each is the end of its connection, and the next one comes over another: a hundred a second from ten, which is what an address may.
function bombard(port, bomb) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => (fate.failed += 1)).on('close', () => ((fate.ended += 1), setTimeout(bombard, 90, port, bomb))).resume();
  socket.on('end', () => socket.destroy());
  socket.on('connect', () => socket.write(Buffer.concat([Buffer.from(handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' })), bomb])));
}

async function flooders(port, count, room, frames) {
  const sockets = await guests(port, count, 'flood', room);
  return () => sockets.forEach((socket, n) => flood(port, `flood ${n}`, room, frames, socket));
}

const messages = (room) => Array.from({ length: 50 }, (_, n) => say(n % 2 ? { type: 'message', roomId: room, content: 'x'.repeat(200) } : { type: 'ping' }));

// Each comes, behaving, and returns what it does when it no longer does.
const attacks = {
  async 'slow readers'(port, count = 50) {
    const sockets = await guests(port, count, 'slow', noisy);
    return () => sockets.forEach((socket) => (socket.pause(), setInterval(() => socket.read(1024), 1000)));
  },
  async 'silent readers'(port, count = 200) {
    const sockets = await guests(port, count, 'silent', noisy);
    return () => sockets.forEach((socket) => socket.pause());
  },
  // They read, and never pong: all are given up at the same time, 35 s after they came.
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
  // What inflates to megabytes; and what holds nothing and takes long to find out.
  async 'compressed bombs'(port, count = 10) {
    const bomb = deflateRawSync(Buffer.alloc(16 << 20, ' '), { level: 9 });
    const maze = Buffer.concat([Buffer.from([0, 0, 0, 0xff, 0xff])].flatMap((block) => Array.from({ length: 12_000 }, () => block)));
    const frames = [bomb, maze].map((payload) => text(payload, { reserved: 4 }));
    return () => {
      for (let n = 0; n < count; n += 1) bombard(port, frames[n % 2]);
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
};
export const names = Object.keys(attacks);

if (process.send) {
  process.once('message', async ({ name, port, count }) => {
    const attack = await attacks[name](port, count);
    process.send('here');
    process.once('message', async () => {
      await attack();
      process.once('message', () => process.send(fate, () => process.exit(0)));
      process.send('under way');
    });
  });
}

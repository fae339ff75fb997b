// SPDX-License-Identifier: Apache-2.0
// Not a test but a measurement: what people who behave notice while others do not. Prints the 99th percentile of a message's way from
// one person to another, calm and under each attack, as a ratio within one run; and the memory of the process.
//   node tests/system/hostile.mjs [--seconds 6] [--half-open 10000] [attack…]
// The attackers run on the same machine, in a process of their own: what they burn is missing to the daemon as well.
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { text } from './support/frames.mjs';
import { handshake } from './support/peer.mjs';
import { pause } from './support/processes.mjs';

const noisy = 'noisy room';
const say = (frame) => text(JSON.stringify(frame));

// Rooms remember their members: who floods does it in a room without those whom another attack has left behind, or each of their messages
// would be queued for hundreds.
const flooded = 'flooded room';

// A socket that has joined a room and then does with it what `then` says. What becomes of it is counted.
function guest(port, name, then, fate, room = noisy) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => (fate.failed += 1));
  socket.on('close', () => (fate.ended += 1));
  socket.on('connect', () => {
    socket.write(handshake());
    socket.write(say({ type: 'register', userId: name }));
    socket.write(say({ type: 'joinRoom', roomId: room }));
    then(socket);
  });
}

const attacks = {
  async 'slow readers'(port, fate) {
    for (let n = 0; n < 50; n += 1) {
      guest(port, `slow ${n}`, (socket) => {
        socket.pause();
        const timer = setInterval(() => socket.read(1024), 1000);
        socket.on('close', () => clearInterval(timer));
      }, fate);
    }
  },
  async 'silent readers, no pong'(port, fate) {
    for (let n = 0; n < 200; n += 1) guest(port, `silent ${n}`, (socket) => socket.pause(), fate);
  },
  async 'flooding writers'(port, fate) {
    const frame = Buffer.concat(Array.from({ length: 50 }, (_, n) => say(n % 2 ? { type: 'message', roomId: flooded, content: 'x'.repeat(200) } : { type: 'ping' })));
    const flood = (n) => guest(port, `flood ${n}`, (socket) => {
      const more = () => socket.destroyed || (socket.write(frame), setTimeout(more, 5));
      socket.resume();
      socket.on('end', () => socket.destroy());
      socket.on('close', () => setTimeout(flood, 100, n));
      more();
    }, fate, flooded);
    for (let n = 0; n < 10; n += 1) flood(n);
  },
  async 'half-open handshakes'(port, fate, count) {
    for (let n = 0; n < count; n += 1) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => (fate.failed += 1)).on('close', () => (fate.ended += 1));
      socket.on('connect', () => ((fate.open = (fate.open ?? 0) + 1), socket.write('GET /ws HTTP/1.1\r\nHost: x\r\n')));
      socket.resume();
      if (n % 200 === 199) await pause(20);
    }
  },
};

if (process.send) {
  process.once('message', async ({ name, port, halfOpen }) => {
    const fate = { failed: 0, ended: 0 };
    await attacks[name](port, fate, halfOpen);
    process.send('under way');
    process.on('message', () => process.send(fate, () => process.exit(0)));
  });
} else {
  await measureAll();
}

async function measureAll() {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '6' }, 'half-open': { type: 'string', default: '10000' } },
    allowPositionals: true,
  });
  const data = await mkdtemp(join(tmpdir(), 'hiky-hostile-'));
  const daemon = await startDaemon({ data, flags: ['--limit-memory', '512'] });
  const children = new Set();
  try {
    // Ten pairs who talk, and somebody who talks much to the noisy room.
    const pairs = await Promise.all(Array.from({ length: 10 }, async (_, n) => {
      const [one, other] = await Promise.all([Client.as(`one ${n}`, daemon.url), Client.as(`other ${n}`, daemon.url)]);
      await one.join(`pair ${n}`);
      await other.join(`pair ${n}`);
      return { one, other, room: `pair ${n}` };
    }));
    const talker = await Client.as('talker', daemon.url);
    await talker.join(noisy);
    const content = 'n'.repeat(4_000);
    const talk = setInterval(() => talker.say({ type: 'message', roomId: noisy, content }), 60);

    const measure = async () => {
      const took = [];
      let refused = 0;
      const end = Date.now() + Number(values.seconds) * 1000;
      await Promise.all(pairs.map(async (pair, n) => {
        await pause(n * 7);
        for (; Date.now() < end; await pause(80)) {
          const began = performance.now();
          // What was refused is not heard; the wait goes on with the next.
          pair.heard ??= pair.other.raw(120_000);
          pair.heard.catch(() => {});
          const { type } = await pair.one.ask({ type: 'message', roomId: pair.room, content: 'hello' });
          if (type !== 'messageAck') {
            refused += 1;
            continue;
          }
          await pair.heard;
          pair.heard = undefined;
          took.push(performance.now() - began);
        }
      }));
      took.sort((a, b) => a - b);
      return { p50: took[Math.floor(took.length / 2)], p99: took[Math.floor(took.length * 0.99)], count: took.length, refused };
    };
    const resident = async () => Number(/^hiky_resident_memory_bytes (\S+)/m.exec(await (await fetch(`${daemon.url}/metrics`)).text())?.[1] ?? NaN);
    const line = (name, { p50, p99, count, refused }, calm, bytes, fate = '') =>
      console.log(`${name.padEnd(28)} p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ratio ${calm ? (p99 / calm).toFixed(2) : '   -'}  ${count} messages, ${refused} refused  ${(bytes / 2 ** 20).toFixed(0)} MiB  ${fate}`);

    await measure(); // warm
    for (const name of positionals.length ? positionals : Object.keys(attacks)) {
      const calm = await measure();
      line('calm', calm, 0, await resident());
      const child = fork(fileURLToPath(import.meta.url));
      children.add(child);
      child.send({ name, port: daemon.port, halfOpen: Number(values['half-open']) });
      await new Promise((resolve) => child.once('message', resolve));
      const attacked = await measure();
      const bytes = await resident();
      const fate = await new Promise((resolve) => child.once('message', resolve).send('how was it?'));
      line(name, attacked, calm.p99, bytes, JSON.stringify(fate));
      children.delete(child);
      await pause(2000);
    }
    clearInterval(talk);
    const numbers = await (await fetch(`${daemon.url}/metrics`)).text();
    for (const [each] of numbers.matchAll(/^hiky_(?:slow|flooding|silent|unregistered)_connections_\S+ \d+$|^hiky_shed_frames_total\S* \d+$/gm)) console.log(each);
    for (const { one, other } of pairs) one.vanishes(), other.vanishes();
    talker.vanishes();
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await daemon.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  }
}

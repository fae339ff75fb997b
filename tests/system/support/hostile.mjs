// SPDX-License-Identifier: Apache-2.0
// The effect of an attack on other people: one round on a daemon of its own. It gives the ninety-ninth percentile of a
// message's way from one person to another, before and under the attack. Before the attack the attackers are there
// already, and behave, so that their number makes no difference. They run on the same machine, in a process with less
// priority, so the daemon has less processor time, too.
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noisy } from './attacks.mjs';
import { Client } from './client.mjs';
import { startDaemon } from './daemon.mjs';
import { samples } from './exposition.mjs';
import { isAlive, pause } from './processes.mjs';
import { freePort, Redis } from './redis.mjs';
import { issuer } from './tokens.mjs';

// The needs of an attack: the flags of the daemon, the fields that its users show (`fields`), and the facts that the
// attackers are told.
const hooked = async () => {
  const hook = await freePort();
  return { flags: ['--room-policy', 'hook', '--room-hook', `http://127.0.0.1:${hook}/`], told: { hook } };
};
const worlds = {
  'ever new rooms': hooked,
  'lines for the log': hooked,
  async 'forged tokens'(place) {
    const both = (where) => Promise.all(['RS256', 'EdDSA'].map((algorithm) => issuer(where, algorithm)));
    await mkdir(join(place, 'elsewhere'));
    const [keys, strangers] = [await both(place), await both(join(place, 'elsewhere'))];
    return {
      flags: ['--auth', 'jwt', ...keys.flatMap(({ file }) => ['--jwt-key', file])],
      fields: async (user) => ({ token: await keys[0].token(user, { life: 600 }) }),
      told: { tokens: await Promise.all(strangers.map((stranger) => stranger.token('mallory', { life: 600 }))) },
    };
  },
  // The default limit. It counts for loopback only when it is given.
  'hammering metrics': () => ({ flags: ['--rate-accepts', '100:1000'] }),
};

const metrics = async (daemon) => samples(await (await fetch(`${daemon.url}/metrics`)).text());
const mebibytes = (text, name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]) / 2 ** 20;
// The most memory that the daemon and its Redis have had.
async function peaks({ pid, redisSocket }) {
  const store = await Redis.connect(redisSocket);
  const about = await store.command('INFO', 'memory');
  store.close();
  return { daemon: mebibytes(await readFile(`/proc/${pid}/status`, 'utf8'), 'VmHWM') * 1024, redis: mebibytes(about, 'used_memory_peak') };
}

// Ten pairs who talk, and a user who talks much to the noisy room.
async function peopleOf(daemon, fields) {
  const person = async (user) => Client.as(user, daemon.url, { fields: await fields?.(user) });
  const pairs = await Promise.all(Array.from({ length: 10 }, async (_, n) => {
    const room = `pair ${n}`;
    const [one, other] = await Promise.all([person(`one ${n}`), person(`other ${n}`)]);
    await one.join(room);
    await other.join(room);
    return { one, other, room };
  }));
  const talker = await person('talker');
  await talker.join(noisy);
  const content = 'n'.repeat(16_000);
  const talk = setInterval(() => talker.say({ type: 'message', roomId: noisy, content }), 60);
  return { pairs, leave: () => (clearInterval(talk), [talker, ...pairs.flatMap(({ one, other }) => [one, other])].forEach((each) => each.vanishes())) };
}

async function listen({ pairs }, seconds) {
  const took = [];
  let refused = 0;
  const end = Date.now() + seconds * 1000;
  await Promise.all(pairs.map(async (pair, n) => {
    await pause(n * 7);
    for (; Date.now() < end; await pause(80)) {
      const began = performance.now();
      // A refused message does not come; the wait goes on with the next.
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
  const at = (share) => took[Math.floor(took.length * share)] ?? Infinity; // nobody was heard
  return { p50: at(0.5), p99: at(0.99), refused };
}

// Seconds to listen, before and under the attack. With `neighbour`, another daemon on the machine is attacked: then
// only the processor time of the attackers has an effect.
export async function round(name, { calm: before, under: during, warm = 1, neighbour = false, count }) {
  const place = await mkdtemp(join(tmpdir(), 'hiky-hostile-'));
  const { flags = [], fields, told } = (await worlds[name]?.(place)) ?? {};
  const start = (part) => startDaemon({ data: join(place, part), flags: ['--limit-memory', '512', '--workers', '0', ...flags] });
  const daemon = await start('here');
  const attacked = neighbour ? await start('there') : daemon;
  const attackers = fork(fileURLToPath(new URL('attacks.mjs', import.meta.url)));
  const heard = (question) => new Promise((resolve, reject) => {
    attackers.once('exit', () => reject(new Error(`the attackers of '${name}' have ended by themselves`)));
    attackers.once('message', resolve).send(question);
  });
  let people;
  try {
    await heard({ name, port: attacked.port, count, redis: attacked.redisSocket, ...told });
    people = await peopleOf(daemon, fields);
    // Not before all clients are there: on a busy machine the attackers, and the application that they play, would come
    // too late.
    setPriority(attackers.pid, Math.min(19, getPriority() + 10));
    await listen(people, warm);
    const calm = await listen(people, before);
    const had = await peaks(attacked);
    await heard('attack');
    const under = await listen(people, during);
    const fate = await heard('how was it?');
    const has = await peaks(attacked);
    const after = await metrics(attacked);
    const telling = /^hiky_(slow|flooding|silent|unregistered|replaced|refused)_connections/;
    const counted = [...after].filter(([key, value]) => value > 0 && telling.test(key));
    return { calm, under, had, has, ratio: under.p99 / calm.p99, fate, counted };
  } finally {
    attackers.removeAllListeners('exit').kill('SIGKILL');
    people?.leave();
    // By SIGKILL, because the rest of an attack may take long.
    for (const { stop, redisPid } of new Set([daemon, attacked])) {
      await stop('SIGKILL');
      if (isAlive(redisPid)) process.kill(redisPid, 'SIGKILL');
    }
    await rm(place, { recursive: true, force: true, maxRetries: 5 });
  }
}

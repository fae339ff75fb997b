// SPDX-License-Identifier: Apache-2.0
// Not a test but a measurement: what people who behave notice while others do not. Prints the 99th percentile of a message's way from one
// person to another, before and under each attack, and their ratio: the median of several rounds, each on a daemon of its own. Before the
// attack the attackers are there already, and behave, so that the ratio shows what they do and not how many they are.
//   node tests/system/hostile.mjs [--seconds 6] [--rounds 3] [--count N] [attack…]
// They run on the same machine, in a process with less priority, and what they burn is missing to the daemon as well. How much that alone
// makes, rounds against a neighbour tell: another daemon on the machine is attacked, and this one's people are listened to.
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { names, noisy } from './support/attacks.mjs';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { samples } from './support/exposition.mjs';
import { pause } from './support/processes.mjs';

const { values: how, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '6' }, rounds: { type: 'string', default: '3' }, count: { type: 'string' } },
  allowPositionals: true,
});

const metrics = async (daemon) => samples(await (await fetch(`${daemon.url}/metrics`)).text());
const resident = async (daemon) => (await metrics(daemon)).get('process_resident_memory_bytes') / 2 ** 20;

// Ten pairs who talk, and somebody who talks much to the noisy room.
async function peopleOf(daemon) {
  const pairs = await Promise.all(Array.from({ length: 10 }, async (_, n) => {
    const room = `pair ${n}`;
    const [one, other] = await Promise.all([Client.as(`one ${n}`, daemon.url), Client.as(`other ${n}`, daemon.url)]);
    await one.join(room);
    await other.join(room);
    return { one, other, room };
  }));
  const talker = await Client.as('talker', daemon.url);
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
  return { p50: took[Math.floor(took.length / 2)], p99: took[Math.floor(took.length * 0.99)], refused };
}

async function round(name, on) {
  const data = await mkdtemp(join(tmpdir(), 'hiky-hostile-'));
  const start = (part) => startDaemon({ data: join(data, part), flags: ['--limit-memory', '512', '--workers', '0'] });
  const daemon = await start('here');
  const attacked = on === 'a neighbour' ? await start('there') : daemon;
  const attackers = fork(fileURLToPath(new URL('support/attacks.mjs', import.meta.url)));
  const heard = (question) => new Promise((resolve) => attackers.once('message', resolve).send(question));
  let people;
  try {
    setPriority(attackers.pid, Math.min(19, getPriority() + 10));
    people = await peopleOf(daemon);
    await heard({ name, port: attacked.port, count: how.count && Number(how.count) });
    await listen(people, 1); // warm
    const calm = await listen(people, Number(how.seconds));
    const before = await resident(attacked);
    await heard('attack');
    const under = await listen(people, Number(how.seconds));
    const during = await resident(attacked);
    const fate = await heard('how was it?');
    const after = await metrics(attacked);
    const counted = [...after].filter(([key, value]) => value > 0 && /^hiky_(slow|flooding|silent|unregistered)_|^hiky_refused_connections/.test(key));
    return { calm, under, before, during, ratio: under.p99 / calm.p99, fate, counted };
  } finally {
    attackers.kill('SIGKILL');
    people?.leave();
    await daemon.stop();
    if (attacked !== daemon) await attacked.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  }
}

const show = ({ p50, p99 }) => `${p50.toFixed(2)}/${p99.toFixed(2)}`;
for (const name of positionals.length ? positionals : names) {
  for (const on of ['this daemon', 'a neighbour']) {
    const rounds = [];
    for (let n = 0; n < Number(how.rounds); n += 1) rounds.push(await round(name, on));
    rounds.sort((a, b) => a.ratio - b.ratio);
    const { calm, under, before, during, fate, counted } = rounds[Math.floor(rounds.length / 2)];
    console.log(
      `${name.padEnd(20)} on ${on}: p50/p99 ms calm ${show(calm)}, under attack ${show(under)}; ratios of p99 ${rounds.map(({ ratio }) => ratio.toFixed(2)).join(' ')};`,
      `${under.refused} refused; ${before.toFixed(0)} -> ${during.toFixed(0)} MiB; ${JSON.stringify(fate)} ${counted.map((each) => each.join(' ')).join(', ')}`,
    );
  }
}

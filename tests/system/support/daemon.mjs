// SPDX-License-Identifier: Apache-2.0
// The real hikyd, on a free port of 127.0.0.1, with its own Redis unless told otherwise.
import { join } from 'node:path';
import { atEnd, launch, program, run } from './processes.mjs';
import { folder } from './redis.mjs';

export const hikyd = program('HIKYD', 'hikyd');
const ready = new RegExp(
  /^hikyd ready on https?:\/\/([\d.]+):(\d+)(?:, \S+)* /.source +
    /\(redis: (?:embedded, pid (\d+), unix:\/\/([^;]+)|[^;]*); workers: (\d+); send: (\w+)\)$/.source,
);

// `data` or `redis` (a URL); `flags` may repeat a flag of this file, and then win.
export async function startDaemon({ data, redis, flags = [], env } = {}) {
  const store = redis ? ['--redis', redis] : ['--data', data];
  const given = flags.join(' ');
  const usual = [
    ['--listen', '127.0.0.1:0'],
    ['--grace', '0'],
    ['--drain', '0'],
    ['--instance-id', 'one'],
    // Many faults can happen only between two workers, so there are two of them on any machine.
    ...(given.includes('--config') ? [] : [['--workers', '2']]),
  ].flatMap(([name, value]) => (given.includes(name) ? [] : [name, value]));
  const process = await launch(hikyd, [...usual, ...store, ...flags], ready, { env });
  const [, host, port, redisPid, socket, workers, send] = process.match;
  return {
    ...process,
    host,
    port: Number(port),
    url: `${process.match[0].includes(' https:') ? 'https' : 'http'}://${host}:${port}`,
    redisPid: redisPid && Number(redisPid),
    redisSocket: socket ?? (redis ? redis.replace('unix://', '') : join(data, 'redis.sock')),
    workers: Number(workers),
    send,
  };
}

// The same, stopped with the test.
export async function daemonFor(t, options) {
  const daemon = await startDaemon(options);
  atEnd(t, () => daemon.stopWell());
  return daemon;
}

// The same, on a Redis and in a folder of its own.
export const daemonWith = async (t, ...flags) => daemonFor(t, { data: await folder(t), flags });

// Runs to its end; gives its output.
export const runDaemon = (...flags) => run(hikyd, flags);

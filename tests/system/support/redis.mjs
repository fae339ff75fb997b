// SPDX-License-Identifier: Apache-2.0
// A look at Redis that shares no code with the daemon: a RESP2 client, and servers of the tests' own.
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, bounded, launch } from './processes.mjs';

// One reply from the front of `bytes`: { value, size }, or nothing while it is incomplete. Error replies are values.
function parse(bytes, from = 0) {
  const end = bytes.indexOf('\r\n', from);
  if (end < 0) return undefined;
  const head = bytes.toString('utf8', from + 1, end);
  const done = (value, at = end + 2) => ({ value, at });
  switch (String.fromCharCode(bytes[from])) {
    case '+': return done(head);
    case '-': return done(new Error(head));
    case ':': return done(Number(head));
    case '$': {
      const size = Number(head);
      if (size < 0) return done(null);
      return bytes.length < end + 4 + size ? undefined : done(bytes.toString('utf8', end + 2, end + 2 + size), end + 4 + size);
    }
    case '*': {
      const items = Number(head) < 0 ? null : [];
      let at = end + 2;
      for (let left = Number(head); left > 0; left -= 1) {
        const item = parse(bytes, at);
        if (!item) return undefined;
        items.push(item.value);
        at = item.at;
      }
      return done(items, at);
    }
    default: throw new Error(`not RESP: ${bytes.toString('latin1', from, from + 40)}`);
  }
}

export class Redis {
  #socket;
  #waiting = [];
  #input = Buffer.alloc(0);

  // `where` is an argument of node's createConnection, for example a path. Sentinels have no database: null.
  static async connect(where, database = 1) {
    const redis = new Redis();
    const socket = createConnection(where);
    redis.#socket = socket;
    socket.on('data', (bytes) => redis.#read(bytes));
    const fail = (error) => redis.#waiting.splice(0).forEach(({ reject }) => reject(error));
    socket.on('error', fail).on('close', () => fail(new Error('Redis closed the connection')));
    if (database !== null) await redis.command('SELECT', database);
    return redis;
  }

  #read(bytes) {
    this.#input = Buffer.concat([this.#input, bytes]);
    for (let reply = parse(this.#input); reply; reply = this.#input.length > 0 ? parse(this.#input) : undefined) {
      this.#input = this.#input.subarray(reply.at);
      const { resolve, reject } = this.#waiting.shift();
      (reply.value instanceof Error ? reject : resolve)(reply.value);
    }
  }

  command(...words) {
    const parts = words.map((word) => (Buffer.isBuffer(word) ? word : Buffer.from(String(word))));
    const answer = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const text = parts.map((part) => Buffer.concat([Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]));
    this.#socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...text]));
    return bounded(`Redis to answer ${words[0]}`, answer);
  }

  close() {
    this.#socket.destroy();
  }
}

// A folder that goes with the test.
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), 'hiky-system-'));
  atEnd(t, () => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

// Free a moment ago.
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// A redis-server of the test's own, on a Unix socket in `data`.
export async function startRedis(t, data, ...flags) {
  const socket = join(data, 'own.sock');
  const server = await launch(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', data, '--logfile', '', ...flags],
    /ready to accept connections/i,
  );
  atEnd(t, () => server.stop());
  return { ...server, socket, url: `unix://${socket}` };
}

// Closed with the test.
export async function look(t, where, database) {
  const redis = await Redis.connect(where, database);
  atEnd(t, () => redis.close());
  return redis;
}

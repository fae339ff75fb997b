// SPDX-License-Identifier: Apache-2.0
// Runs what a document shows, so that it stays true:
//   node docs/replay.mjs docs/walkthrough.md            compares; fails where the document says something else
//   node docs/replay.mjs --write docs/walkthrough.md    puts what really happened into the document
//   node docs/replay.mjs --print docs/walkthrough.md    prints the document with what really happened
// HIKYD names the daemon (default build/release/hikyd); hikyctl is looked for beside it, or HIKYCTL names it.
//
// Blocks marked `console` hold input lines; everything below one, up to the next, is its output:
//   $ command              in one bash for the whole document, in an empty home
//   redis[1]> COMMAND      redis-cli on the embedded Redis, database 1
//   alice> FRAME           what alice sends; she connects first if she has to. `alice< FRAME` is what she gets
//   alice connects to URL  alice disconnects   alice vanishes   (10 s later)
// A block of another kind whose first line is a comment with a file name, like `// chat.mjs`, becomes that file.
// Ports `127.0.0.1:80xx` and `port 80xx` stand for free ones. Times, ids and pids may differ, and the order of what Redis keeps in sets.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const hikyd = resolve(process.env.HIKYD ?? join(project, 'build/release/hikyd'));
const hikyctl = resolve(process.env.HIKYCTL ?? join(dirname(hikyd), 'hikyctl'));
const packages = ['system', 'browser'].map((suite) => join(project, 'tests', suite, 'node_modules')).find((folder) => existsSync(join(folder, 'ws')));
if (!packages) throw new Error('npm package ws is not there; run: npm ci --prefix tests/browser');
const WebSocket = createRequire(join(packages, 'ws', 'package.json'))('ws');

const quiet = 250; // ms without a frame after which nothing more is expected
const patience = 20_000;

const isInput = (line) => /^(\$ |redis\[\d\]> |\w+> |\w+ (connects|disconnects|vanishes)\b|\([\d.]+ s later\)$)/.test(line);

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// One bash for the whole document. What runs in its background is its own process group, and ends with it.
class Shell {
  #said = '';
  constructor(home, port) {
    const path = `${dirname(hikyd)}:${dirname(hikyctl)}:${process.env.PATH}`;
    this.child = spawn('bash', ['--norc', '--noprofile'], {
      cwd: home, detached: true, stdio: ['pipe', 'pipe', 'inherit'],
      env: { HOME: home, PATH: path, LANG: 'C.UTF-8', TERM: 'dumb', HIKY_LISTEN: `127.0.0.1:${port}`, LSAN_OPTIONS: 'detect_leaks=0' },
    });
    this.child.stdout.on('data', (text) => (this.#said += text));
    this.child.stdin.write(`exec 2>&1; set -f; trap 'kill -INT $(jobs -p) 2>/dev/null' EXIT\n`); // also when we are killed
  }
  async run(command) {
    const starts = /^hikyd .*&$|^hikyd &$/.test(command);
    const mark = `done-${Math.random()}`;
    this.#said = '';
    this.child.stdin.write(`${command}\n${starts ? '' : `printf '%s\\n' '' ${mark}\n`}`);
    const over = () => (starts ? /hikyd ready on .*\n|hikyd: .*\n/.test(this.#said) : this.#said.includes(mark));
    const until = Date.now() + patience + 40_000;
    while (!over()) {
      if (Date.now() > until) throw new Error(`no end of: ${command}\n${this.#said}`);
      await pause(5);
    }
    return this.#said.replaceAll('\r', '').replace(`\n${mark}\n`, '').replace(/\n+$/, '').split('\n').filter((line, _, all) => all.length > 1 || line);
  }
  async end() {
    await this.run('kill -INT $(jobs -p) 2>/dev/null; wait').catch(() => {});
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {}
  }
}

class Person {
  frames = [];
  constructor(name, url, heard) {
    this.socket = new WebSocket(url);
    const keep = (text) => (this.frames.push(`${name}< ${text}`), heard());
    this.socket.on('message', (data) => keep(String(data)));
    this.opened = new Promise((done, failed) => this.socket.once('open', done).once('error', failed));
    this.closed = new Promise((done) => this.socket.once('close', done));
    this.socket.on('error', () => {});
    this.socket.on('close', (code, reason) => this.left || keep(`closed ${code} ${reason}`.trim()));
  }
  async leave(how) {
    this.left = true;
    how === 'vanishes' ? this.socket.terminate() : this.socket.close(1000);
    await this.closed;
  }
}

class Scene {
  people = new Map();
  heardAt = 0;
  constructor(home, ports) {
    Object.assign(this, { home, ports, shell: new Shell(home, ports.get('8080')) });
  }
  ids = new Map(); // as they stand in the file → as they are now
  learn(was, is) {
    const ids = /[0-9a-f]{12}(?=:\d)|(?<=onnectionId":")[^"]+/g;
    for (const [i, line] of is.entries()) {
      const [now, then] = [line, was[i] ?? ''].map((each) => each.match(ids) ?? []);
      if (now.length === then.length) then.forEach((id, n) => this.ids.set(id, now[n]));
    }
  }
  sent = (frame) => [...this.ids].reduce((text, [then, now]) => text.replaceAll(then, now), frame);
  real = (text) => text.replace(/(127\.0\.0\.1:|port )(80\d\d)/g, (all, before, shown) => `${before}${this.ports.get(shown) ?? shown}`);
  shown(text) {
    for (const [shown, real] of this.ports) text = text.replaceAll(`127.0.0.1:${real}`, `127.0.0.1:${shown}`);
    return text.replaceAll(this.home, '~').replaceAll(dirname(hikyd), 'build/release');
  }
  async person(name, url = 'ws://127.0.0.1:8080/ws') {
    const known = this.people.get(name);
    if (known && known.socket.readyState <= 1) return known;
    const fresh = new Person(name, this.real(url), () => (this.heardAt = Date.now()));
    this.people.set(name, fresh);
    await fresh.opened;
    return fresh;
  }
  // Frames that came, by person in the order of their names; waits for at least `expected`.
  async frames(expected) {
    const count = () => [...this.people.values()].reduce((sum, one) => sum + one.frames.length, 0);
    for (const until = Date.now() + 5_000; count() < expected && Date.now() < until; ) await pause(5);
    this.heardAt = Math.max(this.heardAt, Date.now() - quiet / 2);
    while (Date.now() - this.heardAt < quiet) await pause(10);
    return [...this.people.keys()].sort().flatMap((name) => this.people.get(name).frames.splice(0));
  }
  async perform(line, before) {
    const [, command] = /^\$ (.*)/.exec(line) ?? [];
    if (command) return [...(await this.shell.run(this.real(command))), ...(this.people.size ? await this.frames(before.filter((l) => /^\w+< /.test(l)).length) : [])];
    const [, database, question] = /^redis\[(\d)\]> (.*)/.exec(line) ?? [];
    if (question) return this.shell.run(`redis-cli --raw -s ~/.local/state/hiky/redis.sock -n ${database} ${question}`);
    const [, seconds] = /^\(([\d.]+) s later\)$/.exec(line) ?? [];
    const [, name, verb, url] = /^(\w+) (connects|disconnects|vanishes)(?: to (\S+))?$/.exec(line) ?? [];
    const [, from, frame] = /^(\w+)> (.*)/.exec(line) ?? [];
    if (seconds) await pause(Number(seconds) * 1000);
    else if (verb === 'connects') await this.person(name, url);
    else if (verb) await this.people.get(name).leave(verb);
    else (await this.person(from)).socket.send(this.sent(frame));
    return this.frames(before.length);
  }
}

// Parts that may differ between two runs.
function constant(line) {
  const frame = line.replace(/"(participants|rooms)":\[([^\]]*)\]/g, (_, key, list) => `"${key}":[${list.split(',').sort()}]`);
  return frame
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/\b[0-9a-f]{12}:(\d+)/g, 'EPOCH:$1')
    .replace(/(?<![\w-])[\w-]{6}\.[0-9a-f]+(?![\w.])/g, 'CONNECTION')
    .replace(/\bpid \d+|workers: \d+; send: \w+|send="\w+"|hiky_workers \d+/g, 'N')
    .replace(/redis_version:\S+|version="[^"]*"|\d+(\.\d+)? ?[KMG]i?B?\b/g, 'VERSION')
    .replace(/(reconnect in |restart_ms=)\d+/, '$1N')
    .replace(/ +/g, ' ');
}
function same(input, was, is) {
  const orderless = /^(redis\[\d\]> (SMEMBERS|HGETALL|HKEYS|KEYS|SCAN))/.test(input);
  if (/^redis\[\d\]> TTL/.test(input)) [was, is] = [was, is].map((lines) => lines.map((line) => line.replace(/^(9|10)$/, 'N')));
  const plain = (lines) => (orderless ? lines.map(constant).sort() : lines.map(constant)).join('\n');
  return plain(was) === plain(is);
}

async function replay(file) {
  const text = readFileSync(file, 'utf8');
  const home = mkdtempSync(join(tmpdir(), 'hiky-'));
  symlinkSync(packages, join(home, 'node_modules'));
  const ports = new Map([['8080', await freePort()]]);
  for (const [, port] of text.matchAll(/127\.0\.0\.1:(80\d\d)/g)) if (!ports.has(port)) ports.set(port, await freePort());
  const scene = new Scene(home, ports);
  const differences = [];
  const out = [];
  try {
    const lines = text.split('\n');
    for (let at = 0; at < lines.length; at += 1) {
      out.push(lines[at]);
      const [, kind] = /^```(\w*)/.exec(lines[at]) ?? [];
      if (kind === undefined) continue;
      const end = lines.indexOf('```', at + 1);
      const block = lines.slice(at + 1, end);
      const [, name] = /^(?:\/\/|#|<!--) ([\w.]+\.\w+)\b/.exec(block[0]) ?? [];
      if (kind !== 'console') {
        if (name) writeFileSync(join(home, name), scene.real(block.join('\n')));
        out.push(...block);
      } else {
        for (let i = 0; i < block.length; ) {
          if (!isInput(block[i])) throw new Error(`${file}:${at + 2 + i}: output without input: ${block[i]}`);
          const input = block[i];
          const first = (i += 1);
          while (i < block.length && !isInput(block[i])) i += 1;
          const was = block.slice(first, i);
          let is = (await scene.perform(input, was)).map((line) => scene.shown(line));
          if (/^redis\[\d\]> (SMEMBERS|KEYS)/.test(input)) is.sort();
          scene.learn(was, is);
          if (same(input, was, is)) is = was;
          else differences.push(`${file}:${at + 1 + first}: ${input}\n${was.map((l) => `  - ${l}\n`).join('')}${is.map((l) => `  + ${l}\n`).join('')}`);
          out.push(input, ...is);
        }
      }
      out.push('```');
      at = end;
    }
  } finally {
    for (const one of scene.people.values()) one.socket.terminate();
    await scene.shell.end();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
  return { text: out.join('\n'), differences };
}

const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
let failed = false;
for (const file of process.argv.slice(2).filter((word) => !word.startsWith('--'))) {
  const { text, differences } = await replay(file);
  if (options.includes('--print')) process.stdout.write(text);
  else if (options.includes('--write')) writeFileSync(file, text), console.log(`${file}: ${differences.length} renewed`);
  else console.log(differences.length ? `${differences.join('\n')}\n${file}: ${differences.length} differ; renew with --write` : `${file}: true`);
  failed ||= differences.length > 0 && options.length === 0;
}
process.exit(failed ? 1 : 0);

// SPDX-License-Identifier: Apache-2.0
// Conversations as data: one file, one daemon, one line after the other. The first comment is the title.
//   daemon FLAGS                    how hikyd is started; first line, if there at all
//   NAME connects [to 2] [as USER] [extended], joins ROOM, leaves ROOM, leaves the wire, loses the wire
//                                   any of these, in this order of time; `to 2` is a second hikyd on the same Redis;
//                                   `extended` asks for frames the document does not have; `loses` is without a goodbye
//   NAME > TEXT                     says it, byte for byte but for $names that a pattern has met; `20 times NAME > TEXT` with {n} counting up
//   NAME < PATTERN [after S s]      the next frame matches (match.mjs), and takes at least S seconds to come
//   NAME << TEXT                    the next frame holds TEXT, byte for byte
//   NAME hears nothing
//   NAME is closed CODE REASON      with a reason that begins so
//   redis COMMAND [= REPLY | ~ PATTERN]    a look at database 1, or a change; arrays are sorted, except those of lists
//   directory COMMAND …             the same in database 0
//   http METHOD PATH = STATUS PATTERN
//   hikyctl ARGUMENTS               must succeed
//   time passes S s
// The effects of one line have reached Redis before another person's line begins. A frame that no line expects fails
// the file, wherever it comes.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Client } from './client.mjs';
import { daemonFor } from './daemon.mjs';
import { mismatch } from './match.mjs';
import { atEnd, bounded, pause, program, run, until } from './processes.mjs';
import { folder, look } from './redis.mjs';

// Words of a command; "…" is a JSON string, '…' stands as it is.
const words = (text) => [...text.matchAll(/"(?:[^"\\]|\\.)*"|'([^']*)'|[^\s'"]\S*/g)].map(([word, plain]) => plain ?? (word.startsWith('"') ? JSON.parse(word) : word));

function shown(command, reply) {
  if (reply === null) return 'nil';
  if (!Array.isArray(reply)) return String(reply);
  const items = reply.map((item) => shown(command, item));
  return (/^l/i.test(command) ? items : items.sort()).join(' ');
}

class Stage {
  clients = new Map();
  names = new Map();
  lineBegan = Date.now();

  constructor(t, flags) {
    Object.assign(this, { t, flags });
  }

  async build() {
    this.one = await daemonFor(this.t, { data: await folder(this.t), flags: this.flags });
    this.redis = await look(this.t, this.one.redisSocket, 1);
    this.directory = await look(this.t, this.one.redisSocket, 0);
  }

  client(name) {
    const client = this.clients.get(name);
    assert.ok(client, `${name} is not connected`);
    return client;
  }

  async connect(name, second, user, extended) {
    if (second) this.two ??= await daemonFor(this.t, { redis: `unix://${this.one.redisSocket}`, flags: ['--instance-id', 'two', ...this.flags] });
    const client = await Client.open((second ? this.two : this.one).url);
    atEnd(this.t, () => client.vanishes());
    this.clients.set(name, client);
    if (user) await client.register(user, extended ? { events: true } : {});
  }

  async nothingLeft(name, client, quiet) {
    assert.deepEqual(await client.rest(quiet), [], `${name} heard what nobody expected`);
  }

  // Until Redis knows of it.
  async disconnect(name, politely) {
    const client = this.client(name);
    await this.nothingLeft(name, client, 20);
    await (politely ? client.leaves() : client.vanishes());
    this.clients.delete(name);
    if (!client.userId) return;
    const key = `ws:user_connections:${client.userId}`;
    await until(`Redis to lose ${name}`, async () => (await this.redis.command('HEXISTS', key, client.connectionId)) === 0);
  }

  async act(name, phrase) {
    let found;
    if ((found = /^connects(?: to (2))?(?: as (.+?))?( extended)?$/.exec(phrase))) return this.connect(name, ...found.slice(1));
    if (phrase === 'leaves the wire') return this.disconnect(name, true);
    if (phrase === 'shows what it has') return this.client(name).shows();
    if (phrase === 'loses the wire') return this.disconnect(name, false);
    if ((found = /^joins (.+)$/.exec(phrase))) return this.client(name).join(found[1]);
    if ((found = /^leaves (.+)$/.exec(phrase))) {
      this.client(name).say({ type: 'leaveRoom', roomId: found[1] });
      return this.client(name).hears({ type: 'leftRoom', roomId: found[1] });
    }
    throw new Error(`no such phrase: ${phrase}`);
  }

  async hears(name, text) {
    const [, pattern, seconds] = /^(.*?)(?: after ([\d.]+) s)?$/.exec(text);
    const least = Number(seconds ?? 0) * 1000;
    await this.client(name).hears(JSON.parse(pattern), { names: this.names, within: least + 5_000 });
    const took = Date.now() - this.lineBegan;
    assert.ok(took >= least, `came after ${took} ms already`);
  }

  async command(database, text) {
    const [, command, relation, wanted = ''] = /^(.*?)(?: ([=~])(?: (.*))?)?$/.exec(text);
    const [verb, ...rest] = words(command);
    await Promise.all([...this.clients.values()].map((client) => client.settle()));
    if (!relation) return void (await this[database].command(verb, ...rest));
    let last;
    const right = async () => {
      const reply = await this[database].command(verb, ...rest);
      last = relation === '=' ? (shown(verb, reply) === wanted ? undefined : `it is ${shown(verb, reply)}`) : mismatch(JSON.parse(wanted), JSON.parse(reply), this.names);
      return !last;
    };
    await until(text, right, 3_000).catch((error) => assert.fail(`${error.message}: ${last}`));
  }

  async http(text) {
    const [, method, path, status, pattern] = /^(\w+) (\S+) = (\d+)(?: (.*))?$/.exec(text);
    const response = await fetch(this.one.url + path, { method });
    const body = await response.text();
    assert.equal(response.status, Number(status), body);
    if (pattern) assert.equal(mismatch(JSON.parse(pattern), JSON.parse(body), this.names), undefined);
  }

  async hikyctl(text) {
    const { code, stdout, stderr } = await run(program('HIKYCTL', 'hikyctl'), ['--redis', `unix://${this.one.redisSocket}`, ...words(text)]);
    assert.equal(code, 0, stdout + stderr);
  }

  async perform(line) {
    const [, count, name, rest] = /^(?:(\d+) times +)?(\S+) +(.*)$/.exec(line);
    if (name === 'time') return pause(1000 * Number(/^passes ([\d.]+) s$/.exec(rest)[1]));
    if (['redis', 'directory'].includes(name)) return this.command(name, rest);
    if (['http', 'hikyctl'].includes(name)) return this[name](rest);
    const [sign] = rest.split(' ', 1);
    if (!sign.startsWith('<') && name !== this.speaker) {
      await this.clients.get(this.speaker)?.settle();
      this.speaker = name;
    }
    const text = rest.slice(sign.length + 1);
    if (sign === '>') {
      const said = text.replace(/\$\w+/g, (word) => this.names.get(word) ?? word);
      for (let n = 1; n <= Number(count ?? 1); n += 1) this.client(name).say(said.replaceAll('{n}', String(n)));
      return undefined;
    }
    if (sign === '<') return this.hears(name, text);
    if (sign === '<<') {
      const frame = await this.client(name).raw();
      return assert.ok(frame.includes(text), `not in ${frame}`);
    }
    if (rest === 'hears nothing') return this.nothingLeft(name, this.client(name));
    if (sign === 'is') {
      const [, code, why] = /^closed (\d+) ?(.*)$/.exec(text);
      const { code: told, reason } = await bounded('the connection to be closed', this.client(name).closed);
      return assert.deepEqual([told, reason.slice(0, why.length)], [Number(code), why]);
    }
    for (const phrase of rest.split(/, */)) await this.act(name, phrase);
    return undefined;
  }

  async end() {
    await Promise.all([...this.clients].map(([name, client]) => this.nothingLeft(name, client)));
  }
}

export async function readTranscript(path) {
  const lines = (await readFile(path, 'utf8')).split('\n').map((text, i) => ({ text: text.trim(), number: i + 1 }));
  const title = lines.find(({ text }) => text.startsWith('# ') && !text.includes('SPDX')).text.slice(2);
  return { title, lines: lines.filter(({ text }) => text && !text.startsWith('#')) };
}

export async function play(t, lines) {
  const flags = lines[0].text.startsWith('daemon ') ? words(lines[0].text).slice(1) : [];
  const stage = new Stage(t, flags);
  await stage.build();
  for (const { text, number } of flags.length > 0 ? lines.slice(1) : lines) {
    stage.lineBegan = Date.now();
    try {
      await stage.perform(text);
    } catch (error) {
      error.message = `line ${number}: ${text}\n${error.message}`;
      throw error;
    }
  }
  await stage.end();
}

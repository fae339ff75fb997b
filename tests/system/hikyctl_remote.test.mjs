// SPDX-License-Identifier: Apache-2.0
// hikyctl over the HTTP API: each command beside the direct one, on one daemon; and how it says no.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyFile, keys } from './support/api.mjs';
import { bounded } from './support/bounded.mjs';
import { authority, certificate } from './support/certificates.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, daemonWith, startDaemon } from './support/daemon.mjs';
import { atEnd, program, run, until } from './support/processes.mjs';
import { folder, look, startRedis } from './support/redis.mjs';
import { staged } from './support/stage.mjs';

const hikyctl = program('HIKYCTL', 'hikyctl');

const tool = (where, words, env) => run(hikyctl, [...where, ...words], { env });
const remotely = (...words) => tool(['--url', stage.daemon.url, '--api-key-file', stage.file], words);
const directly = (...words) => tool(['--redis', `unix://${stage.daemon.redisSocket}`], words);

async function well(answer) {
  const { code, stdout, stderr } = await answer;
  assert.deepEqual([code, stderr], [0, ''], stdout);
  return stdout;
}
const json = async (answer) => JSON.parse(await well(answer));

// One line on stderr, which matches.
async function fails(code, pattern, answer) {
  const got = await answer;
  assert.deepEqual([got.code, got.stdout], [code, ''], got.stderr);
  assert.match(got.stderr, pattern);
  assert.equal(got.stderr.trimEnd().split('\n').length, 1, got.stderr);
}

// Both ways say the same, as JSON and as lines. `blur` takes out what changes while one looks.
async function agree(words, blur = (text) => text) {
  for (const face of [[], ['--json']]) {
    const [there, here] = [await remotely(...face, ...words), await directly(...face, ...words)];
    assert.deepEqual(
      [there.code, blur(there.stdout), there.stderr],
      [here.code, blur(here.stdout), here.stderr],
      words.join(' '),
    );
  }
}

const odd = 'a/b ?&#%+é💬';

const stage = staged(async (_, ends) => {
  const data = await folder(ends);
  const flags = await keyFile(data);
  stage.file = flags[1];
  stage.daemon = await startDaemon({ data, flags });
  atEnd(ends, () => stage.daemon.stopWell());
  const { url } = stage.daemon;
  const alice = await clientAs(ends, 'alice', url, { headers: { 'user-agent': 'phone' } });
  const bob = await clientAs(ends, 'bob', url);
  await alice.join('tea');
  await bob.join('tea');
  await bob.join(odd);
  await well(directly('user', 'add', 'alice', '--name', 'Alice'));
  await well(directly('room', 'add-member', 'tea', 'carol', odd));
  await well(directly('send', 'tea', '{"n": 12345678901234567890123}', '--raw', '--from', 'alice'));
  stage.message = (await json(directly('--json', 'send', 'tea', 'two\twords', '--from', 'bob'))).messageId;
  await until('both messages', async () => (await json(directly('--json', 'queue', 'carol'))).count === 2);
});

test('what one looks at is the same over the API', bounded, async () => {
  await agree(['online']);
  await agree(['online', '--count']);
  await agree(['clients']);
  await agree(['typing']);
  const lease = (text) => text.replace(/[\d.]+ s left/g, 'left').replace(/"leaseLeftMs":\d+/g, '"leaseLeftMs":1');
  await agree(['instances'], lease);
  for (const who of ['alice', 'carol', odd, 'nobody']) await agree(['explain', 'user', who], lease);
  await agree(['explain', 'message', stage.message], lease);
  await agree(['explain', 'message', stage.message, '--room', 'tea', '--user', 'carol'], lease);
  const fields = (text) => text.replace(/":"[^"]*"/g, '').replace(/^([a-z_0-9-]+:).*$/gm, '$1');
  await agree(['info'], fields);
});

test('typing shows over the API as well', bounded, async (t) => {
  const dora = await clientAs(t, 'dora', stage.daemon.url);
  await dora.join('cellar');
  dora.say({ type: 'typing', roomId: 'cellar', isTyping: true });
  await until('the mark', async () => 'dora' in (await json(remotely('--json', 'typing'))).typing);
  assert.equal(await well(remotely('typing')), 'dora\tcellar\n');
  await agree(['typing']);
});

test('health tells of the instance that answered, and needs no key', bounded, async () => {
  const health = await json(tool(['--url', stage.daemon.url], ['health']));
  const { timestamp, instance, bus, ...same } = health;
  const { timestamp: other, ...here } = await json(directly('health'));
  assert.deepEqual([same, instance, bus], [here, 'one', 'connected']);
});

test('user and room show what the API knows, and leave out what it does not', bounded, async () => {
  for (const who of ['alice', 'bob', 'carol', odd]) {
    const { friends, directoryRooms, ...known } = await json(directly('--json', 'user', who));
    for (const connection of known.connections) delete connection.at;
    const there = await json(remotely('--json', 'user', who));
    assert.deepEqual(there, known);
    assert.deepEqual(await json(remotely('--json', 'user', 'show', who)), known);
    const rows = (text) => text.split('\n').filter((line) => !/^(friends|rooms in the directory)\t/.test(line));
    assert.deepEqual(rows(await well(remotely('user', who))), rows(await well(directly('user', who))));
  }
  for (const which of ['tea', odd, 'empty']) {
    const { directoryMembers, lastSeq, history, ...known } = await json(directly('--json', 'room', which));
    assert.deepEqual(await json(remotely('--json', 'room', which)), known);
    const cells = (text) => text.split('\n').map((line) => line.split('\t').slice(0, 4));
    assert.deepEqual(cells(await well(remotely('room', 'show', which))), cells(await well(directly('room', which))));
  }
  assert.equal(
    await well(remotely('room', 'tea')),
    `${odd}\tno\tno\tyes\nalice\tyes\tyes\tyes\nbob\tyes\tyes\tyes\ncarol\tno\tno\tyes\n`,
  );
});

test('queue keeps the order and all digits, and --clear empties it', bounded, async () => {
  assert.equal(await well(remotely('queue', 'carol')), await well(directly('queue', 'carol')));
  assert.match(
    await well(remotely('queue', 'carol')),
    /^\S+\ttea\talice\t{"n": 12345678901234567890123}\n\S+\ttea\tbob\ttwo\\twords\n$/,
  );
  const there = await well(remotely('--json', 'queue', 'carol'));
  assert.match(there, /"n": 12345678901234567890123/);
  const { unreadable, ...known } = await json(directly('--json', 'queue', 'carol'));
  assert.deepEqual([unreadable, JSON.parse(there)], [0, known]);
  await well(remotely('send', 'tea', 'for the bin', '--from', 'bob'));
  await until('three', async () => (await json(remotely('--json', 'queue', odd))).count === 3);
  assert.deepEqual(await json(remotely('--json', 'queue', odd, '--clear')), { user: odd, cleared: 3 });
  assert.equal(await well(remotely('queue', odd, '--clear')), `cleared 0 messages of ${odd}\n`);
});

test('send speaks as a member, or as the system', bounded, async (t) => {
  const erin = await clientAs(t, 'erin', stage.daemon.url);
  await erin.join(odd);
  const sent = await json(remotely('--json', 'send', odd, '--from', 'erin', '--', '-"quoted"\n'));
  assert.deepEqual(
    [Object.keys(sent), sent.roomId, sent.senderId],
    [['roomId', 'senderId', 'messageId', 'timestamp'], odd, 'erin'],
  );
  await erin.hears({
    type: 'message',
    roomId: odd,
    senderId: 'erin',
    content: '-"quoted"\n',
    messageId: sent.messageId,
  });
  assert.match(await well(remotely('send', odd, '[1, 2]', '--raw')), new RegExp(`^sent \\S+:\\d+ to .* as system\n$`));
  await erin.hears({ type: 'message', senderId: 'system', content: [1, 2] });
  await fails(
    1,
    /'eve' is not a member of room 'tea'; make them one with: hikyctl room add-member tea eve$/m,
    remotely('send', 'tea', 'hi', '--from', 'eve'),
  );
  await fails(1, /nobody is in this room/, remotely('send', 'tae', 'hi'));
  await fails(2, /with --raw the text must be JSON/, remotely('send', 'tea', '[1', '--raw'));
});

test('members come and go, each user told apart', bounded, async () => {
  assert.equal(
    await well(remotely('room', 'add-member', 'cake', 'finn', odd)),
    `finn is now a member of cake\n${odd} is now a member of cake\n`,
  );
  assert.deepEqual(await json(remotely('--json', 'room', 'add-member', 'cake', 'gina', 'finn')), {
    room: 'cake',
    added: ['gina'],
    unchanged: ['finn'],
  });
  assert.deepEqual((await json(directly('--json', 'room', 'cake'))).members, [odd, 'finn', 'gina'].sort());
  assert.deepEqual(await json(remotely('--json', 'room', 'remove-member', 'cake', odd, 'nobody')), {
    room: 'cake',
    removed: [odd],
    unchanged: ['nobody'],
  });
  assert.equal(await well(remotely('room', 'remove-member', 'cake', 'nobody')), 'nobody was no member of cake\n');
});

test('disconnect ends connections, and keeps out until the pardon', bounded, async (t) => {
  const hans = await clientAs(t, 'hans', stage.daemon.url);
  assert.equal(await well(remotely('disconnect', 'hans')), '1 connection of hans told to end\n');
  assert.equal((await hans.closed).code, 4403);
  assert.deepEqual(await json(remotely('--json', 'disconnect', 'hans', '--ban', '60')), {
    user: 'hans',
    connections: 0,
    bannedSeconds: 60,
  });
  assert.ok((await json(directly('--json', 'user', 'hans'))).bannedSeconds > 50);
  assert.match(await well(remotely('user', 'hans')), /^banned\tfor \d+ s$/m);
  assert.equal(await well(remotely('pardon', 'hans')), 'hans may connect again\n');
  await clientAs(t, 'hans', stage.daemon.url);
  assert.equal(await well(remotely('pardon', 'hans')), 'hans was not banned\n');
  assert.deepEqual(await json(remotely('--json', 'pardon', odd)), { user: odd, pardoned: false });
});

test('lists of more than one page come whole, and once', bounded, async (t) => {
  const redis = await look(t, stage.daemon.redisSocket, 1);
  const many = Array.from({ length: 3500 }, (_, i) => `crowd ${String(i).padStart(5, '0')}`);
  await redis.command('SADD', 'ws:room_members:crowd', ...many);
  await redis.command('HSET', 'ws:clients', ...many.flatMap((name) => [name, '{"connections":1}']));
  try {
    assert.deepEqual((await json(remotely('--json', 'room', 'crowd'))).members, many);
    await agree(['clients']);
  } finally {
    await redis.command('DEL', 'ws:room_members:crowd');
    await redis.command('HDEL', 'ws:clients', ...many);
  }
});

test('what only Redis can tell is a wrong usage that names --redis', bounded, async () => {
  for (const words of [
    ['status'],
    ['rooms'],
    ['top'],
    ['tail', 'tea'],
    ['fsck'],
    ['user', 'add', 'x'],
    ['user', 'remove', 'x'],
    ['friend', 'a', 'b'],
  ]) {
    await fails(
      2,
      /is not possible over the API, which --url \(or HIKY_URL\) asks for; it needs Redis itself: --redis URL, or --data DIR\. See: hikyctl /,
      remotely(...words),
    );
  }
  await fails(2, /say --yes/, remotely('cleanup'));
});

test('place and key come by flag or environment, and two places are refused', bounded, async () => {
  const { daemon, file } = stage;
  const env = {
    HIKY_URL: `${daemon.url}/`,
    HIKY_API_KEY_FILE: file,
    HIKY_REDIS: 'redis://127.0.0.1:1',
    HIKY_REDIS_DB_WS: '7',
  };
  assert.match(await well(tool([], ['online'], env)), /^alice\nbob\n/);
  assert.match(
    await well(tool(['--redis', `unix://${daemon.redisSocket}`, '--redis-db-ws', '1'], ['online'], env)),
    /^alice\nbob\n/,
  );
  for (const flag of ['--redis=unix:///nowhere', '--data=/nowhere', '--redis-db-ws=3', '--redis-ca=x']) {
    await fails(
      2,
      new RegExp(`--url and --api-key-file are for an instance's API, ${flag.split('=')[0]} is for Redis`),
      remotely(flag, 'online'),
    );
  }
  await fails(2, /--api-key-file goes with --url/, tool(['--api-key-file', file], ['online']));
  await fails(2, /--url: 'ftp:\/\/x' is not a web address/, tool(['--url', 'ftp://x'], ['online']));
  await fails(2, /--url can't have a query/, tool(['--url', `${daemon.url}/?a`], ['online']));
  await fails(
    2,
    /the API wants a key; name a file that has one with --api-key-file/,
    tool(['--url', daemon.url], ['online']),
  );
  await fails(
    2,
    /--api-key-file: there is no such file; expected a file's name, or env:NAME/,
    tool(['--url', daemon.url, '--api-key-file', '/nowhere/keys'], ['online']),
  );
});

test('a key is chosen, refused and never shown', bounded, async (t) => {
  const { daemon } = stage;
  const place = await folder(t);
  const holding = async (name, text) => {
    await writeFile(join(place, name), text);
    return (...words) => tool(['--url', daemon.url, '--api-key-file', join(place, name)], words);
  };
  const reader = await holding('reader', `# only to look\n\n \t${keys.read} read # first\n${keys.all}\n`);
  assert.match(await well(reader('online', '--count')), /^\d+\n$/);
  await fails(
    1,
    /this key has not the scope admin, which this needs; put a key with that scope first in \S+\/reader, or give the scope/,
    reader('cleanup', '--yes'),
  );
  const stranger = await holding('stranger', 'a-key-that-nobody-knows-of\n');
  await fails(
    1,
    /this key is not known here; expected the first key in \S+\/stranger to be one that the daemon has/,
    stranger('online'),
  );
  const broken = await holding('broken', 'too-short\n');
  await fails(2, /line 1: the key is shorter than 16 characters/, broken('online'));
  for (const [ask, secret] of [[reader, keys.read], [stranger, 'a-key-that-nobody-knows-of'], [broken, 'too-short']]) {
    assert.ok(!(await ask('cleanup', '--yes')).stderr.includes(secret));
  }
});

test('a daemon without keys, one that is away and a server of another kind are told apart', bounded, async (t) => {
  const closed = await daemonWith(t);
  const asks = (url, ...words) => tool(['--url', url, '--api-key-file', stage.file], words);
  await fails(
    1,
    /the HTTP API is closed; hikyd opens it to the keys of a file: --api-key-file FILE/,
    asks(closed.url, 'online'),
  );
  await fails(
    3,
    /^hikyctl: http:\/\/127\.0\.0\.1:1\/api\/v1\/users\/online: no connection: .*; check --url \(or HIKY_URL\), and that a hikyd answers there$/m,
    asks('http://127.0.0.1:1', 'online'),
  );
  await fails(3, /check --url/, asks('http://127.0.0.1:1', 'health'));
  const server = createServer((request, response) => response.writeHead(200).end('<h1>hello</h1>'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  for (const word of ['online', 'health']) await fails(1, /status 200, which is no answer of a hikyd/, asks(url, word));
  await fails(1, /that is no message id|messageId|message id/i, remotely('explain', 'message', 'nonsense'));
});

test('an instance that lost its Redis is unhealthy with exit code 1', bounded, async (t) => {
  const data = await folder(t);
  const flags = await keyFile(data);
  const redis = await startRedis(t, data);
  const daemon = await daemonFor(t, { redis: redis.url, flags });
  await redis.stop();
  const asks = (...words) => tool(['--url', daemon.url, '--api-key-file', flags[1]], words);
  const { code, stdout } = await asks('health');
  assert.deepEqual([code, JSON.parse(stdout).status], [1, 'unhealthy']);
  await fails(1, /^hikyctl: /, asks('online'));
});

test('https checks the certificate', bounded, async (t) => {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'first', 'DNS:localhost,IP:127.0.0.1');
  const flags = await keyFile(place);
  const daemon = await daemonWith(t, '--tls-cert', cert, '--tls-key', key, ...flags);
  const asks = (env) => tool(['--url', daemon.url, '--api-key-file', flags[1]], ['online', '--count'], env);
  assert.equal(await well(asks({ SSL_CERT_FILE: by.file })), '0\n');
  await fails(3, /its certificate is not trusted/, asks({}));
});

// The last one: nothing is left for others.
test('cleanup deletes the state, and says how much', bounded, async () => {
  assert.match(await well(remotely('cleanup', '--yes')), /^removed \d+ keys under ws: from the WebSocket database\n$/);
  assert.deepEqual(Object.keys(await json(remotely('--json', 'cleanup', '--yes'))), ['removedKeys']);
});

// SPDX-License-Identifier: Apache-2.0
// hikyctl over the HTTP API: each command beside the direct one, on one daemon.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { agree, directly, fails, json, odd, remotely, stage, tool, well } from './support/hikyctl_remote.mjs';
import { until } from './support/processes.mjs';
import { look } from './support/redis.mjs';

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

// The last one: nothing is left for others.
test('cleanup deletes the state, and says how much', bounded, async () => {
  assert.match(await well(remotely('cleanup', '--yes')), /^removed \d+ keys under ws: from the WebSocket database\n$/);
  assert.deepEqual(Object.keys(await json(remotely('--json', 'cleanup', '--yes'))), ['removedKeys']);
});

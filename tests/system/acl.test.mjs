// SPDX-License-Identifier: Apache-2.0
// The rights in deploy/redis/users.acl are enough for all work of hikyd and hikyctl, and for little else.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bounded } from './support/bounded.mjs';
import { clientAs } from './support/client.mjs';
import { daemonFor, runDaemon } from './support/daemon.mjs';
import { program, run, until } from './support/processes.mjs';
import { folder, freePort, startRedis } from './support/redis.mjs';

const example = fileURLToPath(new URL('../../deploy/redis/users.acl', import.meta.url));

async function guarded(t) {
  const place = await folder(t);
  // Beside the users of the example, there is a user who may look at everything.
  await writeFile(join(place, 'users.acl'), `${await readFile(example, 'utf8')}user witness on >seen ~* &* +@all\n`);
  const port = await freePort();
  const redis = await startRedis(t, place, '--port', `${port}`, '--aclfile', join(place, 'users.acl'));
  const cli = async (user, pass, ...words) => {
    const { stdout } = await run('redis-cli', [
      '-s',
      redis.socket,
      '-n',
      '1',
      '--user',
      user,
      '--pass',
      pass,
      '--no-auth-warning',
      ...words,
    ]);
    return stdout.trim();
  };
  const witness = (...words) => cli('witness', 'seen', ...words);
  return { port, cli, witness, place, url: (user, pass) => `redis://${user}:${pass}@127.0.0.1:${port}` };
}

const ctl = async (url, ...words) => {
  const ended = await run(program('HIKYCTL', 'hikyctl'), ['--redis', url, '--json', ...words]);
  assert.equal(ended.code, 0, `${words}: ${ended.stderr}`);
  return JSON.parse(ended.stdout);
};

test('hikyd and hikyctl do all their work with the rights of the example', bounded, async (t) => {
  const { url, witness } = await guarded(t);
  const redis = url('hikyd', 'change-this-password');
  const operator = url('operator', 'change-that-password');
  const flags = ['--lease', '2', '--grace', '0.2'];
  const one = await daemonFor(t, { redis, flags: [...flags, '--instance-id', 'one'] });
  const two = await daemonFor(t, { redis, flags: [...flags, '--instance-id', 'two'] });

  for (const name of ['alice', 'bob', 'carol']) await ctl(operator, 'user', 'add', name, '--name', name.toUpperCase());
  await ctl(operator, 'friend', 'alice', 'bob');
  await ctl(operator, 'room', 'add-member', 'tea', 'carol');

  const alice = await clientAs(t, 'alice', one.url, { fields: { events: true } });
  const bob = await clientAs(t, 'bob', two.url, { fields: { events: true } });
  await alice.hears({ type: 'friendOnline', userId: 'bob' });
  await alice.join('tea');
  await bob.join('tea');
  await alice.hears({ type: 'userJoined', userId: 'bob' });
  const first = await alice.ask({ type: 'message', roomId: 'tea', content: 'kettle is on', clientMsgId: 'a-1' });
  assert.equal(first.type, 'messageAck');
  assert.equal(
    (await alice.ask({ type: 'message', roomId: 'tea', content: 'kettle is on', clientMsgId: 'a-1' })).duplicate,
    true,
  );
  await bob.hears({ type: 'message', content: 'kettle is on' });
  bob.say({ type: 'typing', roomId: 'tea', isTyping: true });
  await alice.hears({ type: 'typing', isTyping: true });
  assert.equal((await ctl(operator, 'typing')).typing.bob, 'tea');
  bob.say({ type: 'typing', roomId: 'tea', isTyping: false });
  await alice.hears({ type: 'typing', isTyping: false });
  assert.equal((await alice.ask({ type: 'getOnlineStatus' })).friends[0].isOnline, true);
  assert.equal((await alice.ask({ type: 'watchPresence', userIds: ['bob'] })).users[0].isOnline, true);
  await alice.ask({ type: 'watchPresence', userIds: [] });
  assert.equal((await alice.ask({ type: 'participants', roomId: 'tea' })).participantCount, 2);
  assert.equal((await alice.ask({ type: 'history', roomId: 'tea' })).messages.length, 1);

  // Mail: counted, shown, delivered, confirmed.
  assert.equal((await ctl(operator, 'queue', 'carol')).count, 1);
  const carol = await clientAs(t, 'carol', two.url, { fields: { ack: true } });
  const mail = await carol.hears({ type: 'offlineMessages', count: 1 });
  carol.say({ type: 'offlineAck', upTo: mail.messages[0].messageId });
  await carol.ask({ type: 'leaveRoom', roomId: 'tea' });
  await carol.leaves();

  // Resuming, leaving, and a connection that vanishes.
  await bob.vanishes();
  await alice.ask({ type: 'message', roomId: 'tea', content: 'still warm' });
  const again = await clientAs(t, 'bob', one.url, { fields: { resume: { tea: first.messageId } } });
  await again.hears({ type: 'message', content: 'still warm' });

  // Looks, sends, kicks and bans.
  for (const words of [
    ['status'],
    ['health'],
    ['info'],
    ['online'],
    ['clients'],
    ['user', 'alice'],
    ['rooms'],
    ['room', 'tea'],
    ['instances'],
    ['explain', 'user', 'alice'],
    ['explain', 'message', first.messageId],
    ['fsck', '--wait', '0'],
    ['fsck', '--repair', '--wait', '0'],
    ['top', '--once', '--interval', '0.1'],
    ['tail', 'tea', '-n', '1', '--count', '1'],
  ])
    await ctl(operator, ...words);
  await ctl(operator, 'send', 'tea', 'closing soon');
  await again.hears({ type: 'message', content: 'closing soon' });
  assert.equal((await ctl(operator, 'disconnect', 'bob', '--ban', '60')).connections, 1);
  assert.equal((await again.closed).code, 4403);
  await ctl(operator, 'pardon', 'bob');
  await ctl(operator, 'queue', 'bob', '--clear');
  await ctl(operator, 'room', 'remove-member', 'tea', 'bob');

  // An instance that dies is swept by the other.
  await clientAs(t, 'dave', two.url);
  two.signal('SIGKILL');
  await until('dave to be swept', async () => !(await ctl(operator, 'online')).users.includes('dave'), 20_000);
  assert.ok(await ctl(operator, 'user', 'remove', 'carol'));
  await alice.leaves();
  await until('alice to be gone', async () => (await ctl(operator, 'online')).count === 0);
  await ctl(operator, 'cleanup', '--yes');

  assert.equal(await witness('ACL', 'LOG'), '', 'nothing was refused');
  assert.doesNotMatch(one.told.stderr, /NOPERM|session\.not|failed/);
});

test('the rights of the example do not reach further', bounded, async (t) => {
  const { cli, witness } = await guarded(t);
  await witness('SET', 'secret', 'x');
  const hikyd = (...words) => cli('hikyd', 'change-this-password', ...words);
  for (const words of [
    ['GET', 'secret'],
    ['SET', 'other', '1'],
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', '*'],
    ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST'],
    ['SHUTDOWN'],
    ['EVAL', 'return 1', '0'],
    ['PUBLISH', 'other', 'x'],
    ['SCRIPT', 'FLUSH'],
    ['CLIENT', 'LIST'],
    ['REPLICAOF', 'no', 'one'],
  ]) {
    assert.match(await hikyd(...words), /NOPERM/, words.join(' '));
  }
  assert.match((await run('redis-cli', ['-s', (await guarded(t)).place + '/own.sock', 'PING'])).stdout, /NOAUTH/);
});

test('a login that is missing or wrong is explained at start', bounded, async (t) => {
  const { url, port, place } = await guarded(t);
  const starts = (redis) =>
    runDaemon('--listen', '127.0.0.1:0', '--data', place, '--redis-wait', '1', '--redis', redis);
  const missing = await starts(`redis://127.0.0.1:${port}`);
  assert.equal(missing.code, 3);
  assert.match(
    missing.stderr,
    /NOAUTH.*; put the user and password into the URL: redis:\/\/user:password@host:port, best in HIKY_REDIS/,
  );
  const wrong = await starts(url('hikyd', 'guess'));
  assert.equal(wrong.code, 3);
  assert.match(wrong.stderr, /WRONGPASS.*; check the user and password in the URL/);
  assert.doesNotMatch(wrong.stderr, /guess/);
});

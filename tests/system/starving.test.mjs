// SPDX-License-Identifier: Apache-2.0
// One client cannot starve the rest: what each of these would cost the others is bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, clientAs } from './support/client.mjs';
import { daemonFor } from './support/daemon.mjs';
import { atEnd, bounded as within, pause } from './support/processes.mjs';
import { folder, look } from './support/redis.mjs';
import { issuer } from './support/tokens.mjs';

const bounded = { timeout: 120_000 };
const daemonWith = async (t, ...flags) => daemonFor(t, { data: await folder(t), flags });

async function pairOf(t, daemon) {
  const [one, other] = [await clientAs(t, 'one', daemon.url), await clientAs(t, 'other', daemon.url)];
  await one.join('pair');
  await other.join('pair');
  // The longest way of a message from one to the other while `attack` runs, in ms.
  const longest = async (attack) => {
    let over = false;
    const done = attack().finally(() => (over = true));
    let worst = 0;
    while (!over) {
      const began = performance.now();
      one.say({ type: 'message', roomId: 'pair', content: 'hello' });
      await other.hears({ type: 'message', roomId: 'pair' });
      worst = Math.max(worst, performance.now() - began);
      await pause(5);
    }
    await done;
    return worst;
  };
  return longest;
}

test('a user has one burst, however many connections there are on however many workers, and however often they are made', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '3', '--rate-messages', '0.001:20');
  const bob = await clientAs(t, 'bob', daemon.url);
  await bob.join('tea');
  // Half a burst each time, so that no connection has used up much when it goes.
  const kinds = [];
  for (let round = 0; round < 6; round += 1) {
    const alice = await Client.as('alice', daemon.url);
    atEnd(t, () => alice.vanishes());
    await alice.join('tea');
    for (let n = 0; n < 8; n += 1) kinds.push((await alice.ask({ type: 'message', roomId: 'tea', content: `${round} ${n}` })).type);
    if (round % 2 === 0) await alice.leaves();
  }
  assert.equal(kinds.filter((kind) => kind === 'messageAck').length, 20);
  const carol = await clientAs(t, 'carol', daemon.url);
  await carol.join('tea');
  assert.equal((await carol.ask({ type: 'message', roomId: 'tea', content: 'hello' })).type, 'messageAck', 'nobody else pays for it');
});

test('a connection may show a few tokens that are of no use, and is closed then', bounded, async (t) => {
  const data = await folder(t);
  const [app, stranger] = [await issuer(data, 'RS256'), await issuer(data, 'RS256', 'other')];
  const daemon = await daemonFor(t, { data, flags: ['--auth', 'jwt', '--jwt-key', app.file, '--workers', '1'] });
  const forged = await stranger.token('alice');
  const client = await Client.open(daemon.url);
  atEnd(t, () => client.vanishes());
  for (let n = 0; n < 4; n += 1) assert.equal((await client.ask({ type: 'register', token: forged })).code, 'unauthorized');
  client.say({ type: 'register', token: forged });
  assert.equal((await within('the end', client.closed)).code, 4429);
  const patient = await Client.open(daemon.url);
  atEnd(t, () => patient.vanishes());
  assert.equal((await patient.ask({ type: 'register', token: forged })).code, 'unauthorized');
  assert.equal((await patient.ask({ type: 'register', token: await app.token('alice') })).type, 'registered');
});

test('a user with very many friends keeps nobody waiting who is on the same worker', bounded, async (t) => {
  const daemon = await daemonWith(t, '--workers', '1', '--rate-messages', '0');
  const directory = await look(t, daemon.redisSocket, 0);
  const friends = Array.from({ length: 20_000 }, (_, n) => `friend ${n}`);
  for (let n = 0; n < friends.length; n += 1000) await directory.command('SADD', 'hiky:user_friends:popular', ...friends.slice(n, n + 1000));
  const popular = await clientAs(t, 'popular', daemon.url);
  const longest = await pairOf(t, daemon);
  const calm = await longest(() => pause(1_000));
  const asked = await longest(async () => {
    for (let n = 0; n < 3; n += 1) assert.equal((await popular.ask({ type: 'getOnlineStatus' }, 60_000)).friends.length, 20_000);
  });
  const named = await longest(async () => {
    const { friends: all } = await popular.ask({ type: 'getOnlineStatus', userIds: friends.slice(0, 1_000) }, 60_000);
    assert.equal(all.length, 1_000);
  });
  // Generous: it took seconds at a stretch.
  for (const worst of [asked, named]) assert.ok(worst < Math.max(250, 10 * calm), `a message took ${worst} ms, ${calm} ms in calm`);
});

test('before the first message there is an empty page', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const alice = await clientAs(t, 'alice', daemon.url);
  await alice.join('tea');
  const { messageId } = await alice.ask({ type: 'message', roomId: 'tea', content: 'first' });
  const before = `${messageId.split(':')[0]}:0`;
  const { type, messages } = await alice.ask({ type: 'history', roomId: 'tea', before });
  assert.deepEqual([type, messages], ['history', []]);
});

test('metrics that are asked for without end are made twenty times a second at most', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const scrape = async () => (await fetch(`${daemon.url}/metrics`)).text();
  const began = performance.now();
  const texts = new Set(await Promise.all(Array.from({ length: 800 }, scrape))); // on as many connections
  const most = 202 + Math.ceil((21 * (performance.now() - began)) / 1000);
  assert.ok(texts.size <= most, `${texts.size} texts, expected ${most} at most`);
  await pause(1_500);
  assert.notEqual(await scrape(), [...texts][0]);
});

// SPDX-License-Identifier: Apache-2.0
// All keys of a Redis under ws:, by type: { sets, hashes, lists, strings, zsets, logs }, each { key: value }.

const pairs = (flat) =>
  Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]));

async function keysOf(look) {
  const keys = new Set();
  let cursor = '0';
  do {
    const [next, page] = await look.command('SCAN', cursor, 'MATCH', 'ws:*', 'COUNT', 500);
    cursor = next;
    for (const key of page) keys.add(key);
  } while (cursor !== '0');
  return keys;
}

// Type → where it stands in the snapshot, and how it is read.
const readers = {
  set: ['sets', (look, key) => look.command('SMEMBERS', key)],
  hash: ['hashes', async (look, key) => pairs(await look.command('HGETALL', key))],
  list: ['lists', (look, key) => look.command('LRANGE', key, 0, -1)],
  string: ['strings', (look, key) => look.command('GET', key)],
  zset: ['zsets', async (look, key) => pairs(await look.command('ZRANGE', key, 0, -1, 'WITHSCORES'))],
  stream: [
    'logs',
    async (look, key) => {
      const entries = await look.command('XRANGE', key, '-', '+');
      return entries.map(([id, fields]) => ({ seq: Number(id.split('-')[0]), ...pairs(fields) }));
    },
  ],
};

export async function snapshotOf(look) {
  const out = { sets: {}, hashes: {}, lists: {}, strings: {}, zsets: {}, logs: {} };
  for (const key of await keysOf(look)) {
    if (key.startsWith('ws:dedup:')) continue;
    const reader = readers[await look.command('TYPE', key)];
    if (reader) out[reader[0]][key] = await reader[1](look, key);
  }
  return out;
}

// SPDX-License-Identifier: Apache-2.0
// How the judges take the record apart: messageIds, lists by a key, families of Redis keys.

// A messageId is `epoch:seq`.
export const place = (id) => {
  const colon = id.lastIndexOf(':');
  return { epoch: id.slice(0, colon), seq: Number(id.slice(colon + 1)) };
};

// Puts `item` at the end of the list that `map` has for `key`.
export const put = (map, key, item) => void (map.get(key) ?? map.set(key, []).get(key)).push(item);

// key → [item]
export const groups = (items, key) => {
  const out = new Map();
  for (const item of items) put(out, key(item), item);
  return out;
};

// [[the rest of the key, value]] of all keys of a kind (`sets`, `hashes`, …) that begin with `prefix`.
export const family = (snapshot, kind, prefix) =>
  Object.entries(snapshot[kind])
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value]);

// A device is called `user/number`.
export const userOf = (device) => device.slice(0, device.lastIndexOf('/'));

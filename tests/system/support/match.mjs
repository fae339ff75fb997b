// SPDX-License-Identifier: Apache-2.0
// Compares a value with the pattern of a test. Members that the pattern does not name may be anything. In a pattern
//   "$any"              is any value, "$absent" a member that is not
//   "$time"             is a time as `toISOString` prints it
//   "$name"             is the same value wherever the same name stands, once `names` knows it
//   [a, "...", z]       begins with a and ends with z
//   ["$set", a, b]      holds a and b, in any order
import assert from 'node:assert/strict';

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const show = (value) => JSON.stringify(value) ?? 'nothing';

function named(pattern, value, names) {
  if (pattern === '$any') return value === undefined ? 'is missing' : undefined;
  if (pattern === '$time') return time.test(value) ? undefined : `is ${show(value)}, not a time`;
  if (!names.has(pattern)) {
    if (value === undefined) return 'is missing';
    names.set(pattern, value);
    return undefined;
  }
  return mismatch(names.get(pattern), value, new Map());
}

function list(pattern, value, names) {
  if (!Array.isArray(value)) return `is ${show(value)}, not an array`;
  if (pattern[0] === '$set') {
    const [wanted, found] = [pattern.slice(1), value].map((items) => items.map(show).sort().join(', '));
    return wanted === found ? undefined : `holds ${found}, not ${wanted}`;
  }
  const gap = pattern.indexOf('...');
  const items = pattern.filter((item) => item !== '...');
  if (gap < 0 ? value.length !== items.length : value.length < items.length)
    return `has ${value.length} items, not ${items.length}: ${show(value).slice(0, 300)}`;
  const at = (i) => (gap >= 0 && i >= gap ? value.length - items.length + i : i);
  for (const [i, item] of items.entries()) {
    const why = mismatch(item, value[at(i)], names);
    if (why) return `[${at(i)}] ${why}`;
  }
  return undefined;
}

// Fails the test with the differences.
export function matches(pattern, value) {
  const why = mismatch(pattern, value);
  assert.ok(!why, `${why}, in ${show(value).slice(0, 2000)}`);
}

// Gives the difference between `value` and the pattern, or nothing.
export function mismatch(pattern, value, names = new Map()) {
  if (typeof pattern === 'string' && /^\$\w/.test(pattern)) return named(pattern, value, names);
  if (Array.isArray(pattern)) return list(pattern, value, names);
  if (pattern === null || typeof pattern !== 'object')
    return Object.is(pattern, value) ? undefined : `is ${show(value)}, not ${show(pattern)}`;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return `is ${show(value)}, not an object`;
  for (const [name, wanted] of Object.entries(pattern)) {
    if (wanted === '$absent') {
      if (name in value) return `has ${name}`;
      continue;
    }
    const why = mismatch(wanted, value[name], names);
    if (why) return `${name} ${why}`;
  }
  return undefined;
}

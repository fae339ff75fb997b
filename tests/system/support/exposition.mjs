// SPDX-License-Identifier: Apache-2.0
// Reads Prometheus's text format 0.0.4, and checks the rules of its linter.
import assert from 'node:assert/strict';

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const value = 'NaN|[+-]?Inf|[-+]?[\\d.]+(?:e[-+]?\\d+)?';
const sample = new RegExp(`^(${name})(\\{(?:${label}(?:,${label})*)?\\})? (${value})(?: -?\\d+)?$`);

const number = (text) => Number(text.replace('Inf', 'Infinity'));

// Name with labels → value; a name alone → the sum over its labels.
export function samples(text) {
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  const [help, type, found] = [new Map(), new Map(), new Map()];
  for (const line of text.split('\n').slice(0, -1)) {
    const [, what, about, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what) {
      const known = what === 'HELP' ? help : type;
      assert.ok(!known.has(about), `${what} of ${about} stands twice`);
      assert.ok(what === 'HELP' ? rest.length > 0 : ['counter', 'gauge', 'histogram', 'summary'].includes(rest), line);
      known.set(about, rest);
      continue;
    }
    const [, metric, labels = '', value] = sample.exec(line) ?? [];
    assert.ok(metric, `not a sample: ${line}`);
    const [, histogram] = /^(.*)_(?:bucket|sum|count)$/.exec(metric) ?? [];
    const family = type.get(histogram) === 'histogram' ? histogram : metric;
    assert.ok(help.has(family) && type.has(family), `${metric} has no HELP or TYPE before it`);
    assert.equal(family.endsWith('_total'), type.get(family) === 'counter', `${metric} is a ${type.get(family)}`);
    assert.ok(/^(hiky|process)_/.test(metric), `${metric} is not named after us`);
    assert.ok(!found.has(metric + labels), `${metric}${labels} stands twice`);
    found.set(metric + labels, number(value));
    if (labels && family === metric) found.set(metric, (found.get(metric) ?? 0) + number(value));
  }
  return found;
}

// The daemon's metrics as they are now.
export async function metricsOf(daemon) {
  const answer = await fetch(`${daemon.url}/metrics`);
  assert.equal(answer.status, 200);
  return samples(await answer.text());
}
export const metric = async (daemon, name) => (await metricsOf(daemon)).get(name);

// Names of all families.
export const families = (text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, family]) => family);

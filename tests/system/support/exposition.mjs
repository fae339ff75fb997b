// SPDX-License-Identifier: Apache-2.0
// Reads Prometheus's text format 0.0.4, and demands what its linter would.
import assert from 'node:assert/strict';

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const sample = new RegExp(`^(${name})(\\{(?:${label}(?:,${label})*)?\\})? (NaN|[+-]?Inf|[-+]?[\\d.]+(?:e[-+]?\\d+)?)(?: -?\\d+)?$`);

// Name with labels → value.
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
    assert.ok(help.has(metric) && type.has(metric), `${metric} has no HELP or TYPE before it`);
    assert.equal(metric.endsWith('_total'), type.get(metric) === 'counter', `${metric} is a ${type.get(metric)}`);
    assert.ok(metric.startsWith('hiky_'), `${metric} is not named after us`);
    assert.ok(!found.has(metric + labels), `${metric}${labels} stands twice`);
    found.set(metric + labels, Number(value));
  }
  return found;
}

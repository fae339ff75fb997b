// SPDX-License-Identifier: Apache-2.0
// The metrics as operators meet them: promtool, the alert rules, the dashboard and the pages know the same names.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bounded } from './support/bounded.mjs';
import { daemonFor, daemonWith } from './support/daemon.mjs';
import { families, metricsOf } from './support/exposition.mjs';
import { run } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

const deploy = (name) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const text = async (daemon) => (await fetch(`${daemon.url}/metrics`)).text();

const promtool = (() => {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const withPromtool = {
  ...bounded,
  skip: !promtool && 'promtool is not in PATH; script/bootstrap test unpacks it into .deps/bin',
};

test('promtool finds no fault in /metrics', withPromtool, async (t) => {
  const data = await folder(t);
  const daemon = await daemonFor(t, { data });
  const page = join(data, 'metrics.txt');
  await writeFile(page, await text(daemon));
  const { code, stdout, stderr } = await run('sh', ['-c', `promtool check metrics <'${page}'`]);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('the alert rules are valid, and each fires for its trouble', withPromtool, async () => {
  for (const args of [
    ['check', 'rules', deploy('prometheus/alerts.yml')],
    ['test', 'rules', deploy('prometheus/alerts_test.yml')],
  ]) {
    const { code, stdout, stderr } = await run('promtool', args);
    assert.equal(code, 0, stdout + stderr);
  }
});

const dashboardOf = async () => JSON.parse(await readFile(deploy('grafana/hiky.json'), 'utf8'));
const expressionsOf = (dashboard) =>
  dashboard.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => expr)).join('\n');
const namesIn = (expressions) => [...expressions.matchAll(/\b(?:hiky|process)_\w+/g)].map(([name]) => name);

// Metrics that have no place on the dashboard, and why.
const unshown = {
  hiky_frames_received_total: 'the requests by type, which are shown, are the same frames',
  hiky_jwks_fetches_total: 'those that fail are shown, and that others do not is the rule',
  hiky_lease_renewals_total: 'their age is shown, and it says at once when they stop',
  hiky_workers: 'a setting',
  process_start_time_seconds: 'restarts are what `up` and the counters tell',
  process_virtual_memory_bytes: 'reserved and unused memory costs nothing; the resident memory is shown',
};

test('every metric is on the dashboard, or there is a reason why not', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const shown = new Set(
    namesIn(expressionsOf(await dashboardOf())).flatMap((name) => [name, name.replace(/_(bucket|sum|count)$/, '')]),
  );
  const missing = families(await text(daemon)).filter((name) => !shown.has(name));
  assert.deepEqual(
    missing.sort(),
    Object.keys(unshown),
    'give the new one a panel in deploy/grafana/hiky.json, or a reason above',
  );
});

test('every metric that the dashboard and the rules name exists', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const known = new Set(families(await text(daemon)));
  const dashboard = await dashboardOf();
  const asked = {
    dashboard: expressionsOf(dashboard),
    alerts: await readFile(deploy('prometheus/alerts.yml'), 'utf8'),
  };
  for (const [where, expressions] of Object.entries(asked)) {
    const names = namesIn(expressions);
    assert.ok(names.length > 5, where);
    for (const name of names)
      assert.ok(
        known.has(name) || known.has(name.replace(/_(bucket|sum|count)$/, '')),
        `${where} asks for ${name}, which is not in /metrics`,
      );
  }
  for (const panel of dashboard.panels.filter(({ type }) => type !== 'row'))
    assert.ok(panel.title && panel.targets.length > 0 && panel.gridPos, JSON.stringify(panel));
});

test('every metric is described in docs/operations.md, and nothing else is', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const known = families(await text(daemon));
  const page = await readFile(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
  const described = [...page.matchAll(/`((?:hiky|process)_\w+)(?:\{[\w,]+\})?`/g)].map(([, name]) => name);
  assert.deepEqual(described.sort(), known.sort());
});

test('every limit in docs/protocol.md names the metric that counts it', bounded, async (t) => {
  const daemon = await daemonWith(t);
  const now = await metricsOf(daemon);
  const page = await readFile(fileURLToPath(new URL('../../docs/protocol.md', import.meta.url)), 'utf8');
  const rows = page.slice(page.indexOf('## Limits')).split('\n').filter((line) => line.startsWith('| ')).slice(2);
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const named = [...row.split('|').at(-2).matchAll(/`(\w+)(\{[\w="_,]+\})?`/g)];
    assert.ok(named.length > 0, row);
    for (const [, name, labels = ''] of named)
      assert.ok(now.has(`hiky_${name}_total${labels.includes('=') ? labels : ''}`), `${name}${labels} in ${row}`);
  }
});

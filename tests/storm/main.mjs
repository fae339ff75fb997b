// SPDX-License-Identifier: Apache-2.0
// node tests/storm/main.mjs [--minutes N] [--seed S] [--users N] [--instances N] [--only KIND,KIND…]
//   [--events FILE] [--show N] [--quiet]
import { parseArgs } from 'node:util';
import { summary } from './report.mjs';
import { Storm } from './storm.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    users: { type: 'string', default: '90' },
    instances: { type: 'string', default: '3' },
    only: { type: 'string' },
    events: { type: 'string' },
    show: { type: 'string', default: '20' },
    quiet: { type: 'boolean' },
  },
});
const storm = new Storm({
  seed: values.seed ?? String(Date.now() % 1_000_000),
  seconds: Number(values.minutes) * 60,
  users: Number(values.users),
  instances: Number(values.instances),
  only: values.only?.split(','),
  progress: (phase) => values.quiet || console.error(`storm: ${phase}`),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const verdict = await storm.run();
if (values.events) await storm.write(values.events);
console.log(summary(storm, verdict));
for (const text of verdict.violations.slice(0, Number(values.show))) console.log(`- ${text}`);
process.exit(verdict.violations.length === 0 ? 0 : 1);

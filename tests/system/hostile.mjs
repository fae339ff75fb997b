// SPDX-License-Identifier: Apache-2.0
// A measurement, not a test: prints how slow each attack makes the messages of other people (support/hostile.mjs), and
// the ratio of the percentiles under attack and before: the median of several rounds. hostile.test.mjs is the test.
//   node tests/system/hostile.mjs [--seconds 6] [--rounds 3] [--count N] [attack…]
// Rounds against a neighbour show the effect of the attackers' own processor time: another daemon on the machine is
// attacked, and the messages of this daemon are measured.
import { parseArgs } from 'node:util';
import { names } from './support/attacks.mjs';
import { round } from './support/hostile.mjs';

const { values: how, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '6' }, rounds: { type: 'string', default: '3' }, count: { type: 'string' } },
  allowPositionals: true,
});
const seconds = Number(how.seconds);

const show = ({ p50, p99 }) => `${p50.toFixed(2)}/${p99.toFixed(2)}`;
const grown = (had, has) => `${had.toFixed(0)} -> ${has.toFixed(0)} MiB`;
for (const name of positionals.length ? positionals : names) {
  for (const neighbour of [false, true]) {
    const rounds = [];
    for (let n = 0; n < Number(how.rounds); n += 1) {
      rounds.push(await round(name, { calm: seconds, under: seconds, neighbour, count: how.count && Number(how.count) }));
    }
    rounds.sort((a, b) => a.ratio - b.ratio);
    const { calm, under, had, has, fate, counted } = rounds[Math.floor(rounds.length / 2)];
    console.log(
      `${name.padEnd(20)} on ${neighbour ? 'a neighbour' : 'this daemon'}: p50/p99 ms calm ${show(calm)}, under attack ${show(under)};`,
      `ratios of p99 ${rounds.map(({ ratio }) => ratio.toFixed(2)).join(' ')}; ${under.refused} refused; at most ${grown(had.daemon, has.daemon)},`,
      `Redis ${grown(had.redis, has.redis)}; ${JSON.stringify(fate)} ${counted.map((each) => each.join(' ')).join(', ')}`,
    );
  }
}

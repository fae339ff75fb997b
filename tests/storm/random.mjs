// SPDX-License-Identifier: Apache-2.0
// Numbers that repeat with their seed. `fork` gives a stream of its own, so that the draws of one part do not shift
// those of another.
export class Random {
  #state;
  #seed;

  constructor(seed, name = '') {
    this.#seed = `${seed}/${name}`;
    let hash = 2166136261;
    for (const char of this.#seed) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
    this.#state = hash >>> 0;
  }

  fork(name) {
    return new Random(this.#seed, name);
  }

  // In [0, 1).
  real() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  }
  between(low, high) {
    return low + this.real() * (high - low);
  }
  below(count) {
    return Math.floor(this.real() * count);
  }
  chance(share) {
    return this.real() < share;
  }
  pick(items) {
    return items[this.below(items.length)];
  }
  // `weights` is { name: weight }.
  weighted(weights) {
    const entries = Object.entries(weights);
    let left = this.real() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)[0];
  }
  some(items, share) {
    return items.filter(() => this.chance(share));
  }
}

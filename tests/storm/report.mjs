// SPDX-License-Identifier: Apache-2.0
// The lines that are printed of a storm: its seed, its faults, its verdict.

export function summary(storm, { violations, figures }) {
  const faults = Object.entries(figures.faults)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, count]) => `${kind} ${count}`);
  const ghost = figures.longest_ghost_under_faults_ms ?? 0;
  return [
    `seed ${storm.seed}, ${storm.seconds} s, ${storm.devices.length} clients of ${storm.users} users, ` +
      `${storm.count} instances`,
    `faults: ${Object.values(figures.faults).reduce((sum, n) => sum + n, 0)} (${faults.join(', ')})`,
    ...(storm.world.leftOut.size > 0 ? [`left out: ${[...storm.world.leftOut].join(', ')}`] : []),
    `connections: ${figures.connections}; tokens refreshed ${figures.refreshed}`,
    `members: ${figures.added} added by the API, ${figures.removed} removed`,
    `acknowledged: ${figures.acked} (${figures.duplicate_acks} of them retried and stored once)`,
    `delivered: ${figures.deliveries} live or replayed, ${figures.by_mail} as mail; ${figures.gaps} gaps said`,
    `repeated: ${figures.repeats} on one connection, ${figures.repeated_after_crashes} after a crash; ` +
      `dropped: ${figures.dropped}`,
    `longest ghost: ${figures.longest_ghost_ms} ms; under faults that hinder sweeping: ${ghost} ms`,
    `verdict: ${violations.length === 0 ? 'kept' : `${violations.length} violations`}`,
  ].join('\n');
}

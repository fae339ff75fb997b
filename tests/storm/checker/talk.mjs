// SPDX-License-Identifier: Apache-2.0
// The lines of the daemons' logs, how the daemons ended, and the errors that clients got.
import { deafening, redisFaults, silencing } from './faults.mjs';

// Kinds of faults after which a log line at warn or above is expected. Other such lines are never expected.
const expectedLines = {
  'redis.lost': redisFaults,
  'redis.unreachable': redisFaults,
  'lease.lost': redisFaults,
  'lease.not_given_up': redisFaults,
  'lease.given_up_early': redisFaults,
  'instance.not_swept': redisFaults,
  'session.half_heard': redisFaults,
  'connections.undone': [...redisFaults, 'kill'],
  'connections.not_compared': redisFaults,
  'typing.not_swept': redisFaults,
  'session.not_asserted': redisFaults,
  'mail.unclaimed': redisFaults,
  'mail.unconfirmed': redisFaults,
  'announcement.failed': redisFaults,
  'typing.not_ended': redisFaults,
  'room.not_filled': redisFaults,
  'bus.deaf': redisFaults,
  'bans.unknown': redisFaults,
  'drain.incomplete': redisFaults,
  'redis.refuses_writes': ['oom', 'failover'],
  'redis.takes_writes': ['oom', 'failover'],
  'log.left_out': redisFaults,
  'room.epoch_changed': ['redis_lose', 'failover'],
  'room.went_back': ['redis_lose', 'failover'],
};

export function talk(story) {
  const { fail, at } = story;
  for (const e of story.events) {
    if (e.e === 'log' && !isExpected(e, story)) fail(`${e.instance} said ${at(e.t)}: ${e.line}`);
    if (e.e === 'ended') end(e, story);
    if (e.e === 'stuck') fail(`${e.instance} did not drain within 30 s, ${at(e.t)}`);
    if (e.e === 'odd') fail(`${e.d} got a frame of type ${e.type}, ${at(e.t)}`);
    if (e.e === 'unfinished') fail(`${e.d}: ${e.what}`);
    if (e.e === 'error' && !isExplained(e, story)) fail(`${e.d} got the error ${e.code} ${at(e.t)}: ${e.message}`);
  }
}

function isExpected({ line, t }, { struck }) {
  const found = /^\S+ (warning|error|critical) (\S+)/.exec(line);
  if (!found) return /^\S+ (info|debug) /.test(line);
  return found[1] === 'warning' && struck(new Set(expectedLines[found[2]] ?? []), t, t);
}

function end({ instance, t, code, signal, wanted }, { fail, at }) {
  const right = wanted === 'SIGKILL' ? signal === 'SIGKILL' : wanted === 'exit 0' && code === 0;
  if (right) return;
  const how = signal ?? `exit code ${code}`;
  fail(`${instance} ended ${at(t)} with ${how}, expected ${wanted ?? 'that it runs'}`);
}

function isExplained({ d, t, code, id, retryable }, { events, losses, struck }) {
  if (code === 'unavailable' && retryable && struck(silencing, t, t)) return true;
  if ((code === 'not_member' || code === 'forbidden') && id?.startsWith('history ')) return true;
  if (code !== 'not_member') return false;
  const before = (what) => events.some((e) => e.e === what && e.t <= t && d.startsWith(`${e.user}/`));
  if (losses.some((l) => l.from < t) || before('removing') || before('leaving')) return true;
  // The user was put in while the instance could not learn of it: the instance asks Redis when it is there again.
  return struck(deafening, t, t) && before('adding');
}

// SPDX-License-Identifier: Apache-2.0
// Judges a storm: a pure function of the record and of the data of Redis at the end. Knows no process and no clock.
//   record = { options: { lease, grace }, rooms: { room: [user] } as it was at first, friends: { user: [user] },
//     events: [...], settled: snapshot, empty: snapshot }
// `settled` was taken when all faults were over and everybody was back with an empty mailbox; `empty` when everybody
// had gone. Times (`t`) are milliseconds. Returns { violations: [text], figures }; all violations are in it, and the
// caller shows the first few.
//
// Each judge stands in a file of its own in checker/ and is given the story (checker/story.mjs): the record, sorted.
import { absences } from './checker/absences.mjs';
import { deliveries } from './checker/deliveries.mjs';
import { departures } from './checker/departures.mjs';
import { epochs } from './checker/epochs.mjs';
import { identities } from './checker/identities.mjs';
import { removals } from './checker/removals.mjs';
import { stateWhenEmpty, stateWhenSettled } from './checker/state.mjs';
import { read } from './checker/story.mjs';
import { streams } from './checker/stream.mjs';
import { talk } from './checker/talk.mjs';
import { typing } from './checker/typing.mjs';
import { mailThatWaits } from './checker/waiting.mjs';

const judges = [
  streams, // in order, without a hole, nothing twice
  epochs, // a room's epochs come one after the other
  deliveries, // every acknowledged message has reached every member
  removals, // a user whom the API put out of a room gets no more messages of it
  mailThatWaits, // no mail waits for a user who is here
  typing, // a client that was shown typing is shown the end of it
  absences, // nobody stays online without a connection, and only absent users are said to be gone
  departures, // a user who has left a room stays out
  stateWhenSettled,
  stateWhenEmpty,
  talk, // the log lines of the daemons, and how the daemons ended
];

export function check(record) {
  const story = read(record);
  story.messages = identities(story);
  for (const judge of judges) judge(story);
  return { violations: story.violations, figures: story.figures };
}

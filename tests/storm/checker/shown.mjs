// SPDX-License-Identifier: Apache-2.0
// The messages that an earlier connection of a client has confirmed: they must not come as mail to the next one.
import { backoff, silencing, strikes } from './faults.mjs';

// The messages of a connection that its server can know to be with the client. These are the messages that the client
// showed to have; and mail, if its confirmation arrived for sure, that is, if a request behind the confirmation was
// answered and no fault was in Redis's way.
export function shownBy(c, struck) {
  const out = new Set();
  const sent = new Map();
  let mail = [];
  for (const e of c.heard) {
    if (e.e === 'message') out.add(`${e.room} ${e.id}`);
    if (e.e === 'mail') mail.push(e);
    if (e.e === 'sent') sent.set(e.n, e.t);
    if (e.e !== 'acked') continue;
    for (const one of mail.filter(({ t }) => sent.get(e.n) > t && !struck(silencing, t, e.t + 1_000))) {
      for (const { room, id } of one.messages) out.add(`${room} ${id}`);
    }
    mail = mail.filter(({ t }) => !(sent.get(e.n) > t));
  }
  return out;
}

// Whether at `t` the messages that connection `c` showed to have may be forgotten, with its instance or with Redis's
// data; or whether the instance could not yet tell Redis of the connection's end.
export function mayBeForgotten(c, t, { crashes, faults }) {
  const crashed = (f) => f.from <= t && f.to >= c.from && (f.all || f.instance === c.instance);
  const end = Math.min(c.to, c.deaf);
  const untold = (f) => silencing.has(f.kind) && strikes(f, c.instance) && f.from <= t && f.to + backoff >= end;
  return crashes.some(crashed) || faults.some(untold);
}

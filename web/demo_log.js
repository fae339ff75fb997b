// SPDX-License-Identifier: Apache-2.0
// The messages of one room: a list of items, oldest first, as pure functions. Refuses to know people, sockets and the
// page.
// item: { key, kind: 'message' | 'notice', from, text, at, seq?, state: 'sent' | 'sending' | 'failed', messageId?, away?, why? }
// `at` is the server's ISO time, and `seq` the order within one; what the server has not confirmed stays at the end, in the order it was written.

const kept = 300;

const later = (a, b) => a.state !== 'sent' || a.at > b.at || (a.at === b.at && a.seq > b.seq);
const seqOf = (messageId) => Number(messageId?.split(':').at(-1));

function place(log, item) {
  let i = log.length;
  while (i > 0 && later(log[i - 1], item)) i -= 1;
  return [...log.slice(0, i), item, ...log.slice(i)].slice(-kept);
}

const change = (log, key, fields) => log.map((item) => (item.key === key ? { ...item, ...fields } : item));

const has = (log, messageId) => messageId !== undefined && log.some((item) => item.messageId === messageId);

// A `message` frame, live, from the mail or from history. One that was seen before (same messageId) changes nothing, and our own whose
// confirmation was lost confirms itself. `away` numbers the delivery it waited for.
export function receive(log, frame, away) {
  const text = typeof frame.content === 'string' ? frame.content : JSON.stringify(frame.content);
  const { senderId: from, timestamp: at = '', messageId, clientMsgId } = frame;
  const key = messageId ?? JSON.stringify([from, at, text]);
  if (log.some((item) => item.key === key) || has(log, messageId)) return log;
  if (log.some((item) => item.key === clientMsgId && item.from === from && item.state !== 'sent')) return confirm(log, clientMsgId, frame);
  return place(log, { key, kind: 'message', from, text, at, seq: seqOf(messageId), messageId, away, state: 'sent' });
}

export const write = (log, key, from, text, at) => [...log, { key, kind: 'message', from, text, at, state: 'sending' }];

export const retry = (log, key) => change(log, key, { state: 'sending', why: undefined });

export const fail = (log, key, why) => change(log, key, { state: 'failed', why });

// Confirmed. The same message may already be here: queued for ourselves when the connection broke before its answer.
export function confirm(log, key, { messageId, timestamp }) {
  const mine = log.find((item) => item.key === key);
  if (!mine) return log;
  const rest = log.filter((item) => item !== mine);
  return has(rest, messageId) ? rest : place(rest, { ...mine, state: 'sent', messageId, seq: seqOf(messageId), at: timestamp ?? mine.at });
}

// "bob joined". Only the newest word about the same person is kept, so comings and goings do not fill the page.
export function notice(log, key, from, text) {
  const sent = log.filter((item) => item.state === 'sent');
  const last = sent.at(-1);
  const rest = last?.kind === 'notice' && from && last.from === from ? log.filter((item) => item !== last) : log;
  return place(rest, { key, kind: 'notice', from, text, at: last?.at ?? '', seq: last?.seq, state: 'sent' });
}

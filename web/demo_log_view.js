// SPDX-License-Identifier: Apache-2.0
// Draws one room's messages and keeps the newest in sight while the reader is at the end.
import { $, clone, drawFace, sync, write, writeLinked } from './demo_dom.js';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const together = 5 * 60_000;
const nearEnd = 80;

const gap = (item, before) => Date.parse(item.at) - Date.parse(before.at);
const follows = (item, before) =>
  before?.kind === 'message' && before.from === item.from && before.away === item.away && gap(item, before) < together;

function fate(item, online) {
  if (item.state === 'failed') return `Not sent: ${item.why}`;
  if (item.state === 'sending') return online ? 'Sending …' : 'Waits for the connection';
  return 'Sent';
}

function drawMessage(element, item, before, { me, online, away, last }) {
  const [mine, time, again] = [item.from === me, element.querySelector('time'), element.querySelector('.fate button')];
  const date = new Date(item.at);
  const known = !Number.isNaN(date.getTime());
  element.dataset.key = item.key;
  element.dataset.state = item.state;
  element.classList.toggle('mine', mine);
  element.classList.toggle('follows', follows(item, before));
  element.classList.toggle('last', last);
  element.classList.toggle('waited', item.away !== undefined);
  const divider = element.querySelector('.divider');
  divider.hidden = !item.away || before?.away === item.away;
  const waited = away.get(item.away);
  write(divider.firstElementChild, divider.hidden ? '' : `While you were away · ${waited} ${waited === 1 ? 'message' : 'messages'}`);
  drawFace(element.querySelector('.face'), item.from);
  write(element.querySelector('b'), mine ? 'You' : item.from);
  time.dateTime = known ? date.toISOString() : '';
  time.title = known ? full.format(date) : '';
  write(time, known ? clock.format(date) : '');
  writeLinked(element.querySelector('.text'), item.text);
  write(element.querySelector('.fate span'), mine ? fate(item, online) : '');
  again.hidden = item.state !== 'failed';
}

function drawNotice(element, item) {
  write(element.querySelector('b'), item.from);
  write(element.querySelector('span > span'), item.text);
}

function drawEmpty(state, room) {
  const alone = room.people.size < 2;
  const unknown = state.room !== '' && !state.link.read.has(state.room);
  $('empty').hidden = unknown || room.log.some((item) => item.kind === 'message');
  $('second').hidden = state.room === '' || !alone;
  if (state.room === '') {
    write($('empty-title'), 'Join a room to talk');
    write($('empty-text'), 'Choose one of yours or type the name of a new one.');
  } else {
    write($('empty-title'), alone ? 'You are the first one here' : 'Nothing said yet');
    write($('empty-text'), alone ? 'Send this page’s address to a friend, or be the second person yourself.' : 'Say hello.');
  }
}

export function createLog() {
  const pane = $('log');
  let [drawn, drawnOnline, atEnd] = [[], false, true];

  const toEnd = () => (pane.scrollTop = pane.scrollHeight);
  const look = () => {
    atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < nearEnd;
    if (atEnd) $('newest').hidden = true;
  };
  pane.addEventListener('scroll', look);
  $('newest').addEventListener('click', toEnd);
  new ResizeObserver(() => atEnd && toEnd()).observe(pane);

  // `switched`: another room than last time, so nothing of it is news.
  return function drawLog(state, room, switched) {
    const online = !state.away && state.link.phase === 'ready';
    const items = room.log;
    drawEmpty(state, room);
    // Messages from before the user came are not spoken as news.
    if (switched || (online && !state.link.read.has(state.room))) pane.setAttribute('aria-busy', 'true');
    else if (pane.getAttribute('aria-busy') === 'true') setTimeout(() => pane.setAttribute('aria-busy', 'false'));
    if (items === drawn && online === drawnOnline && !switched) return;

    const away = new Map();
    for (const item of items) if (item.away) away.set(item.away, (away.get(item.away) ?? 0) + 1);
    const last = items.findLast((item) => item.kind === 'message' && item.from === state.me);
    const before = new Map(items.map((item, i) => [item, items[i - 1]]));
    pane.setAttribute('aria-label', `Messages in ${state.room}`);
    const keyOf = (item) => `${state.room} ${item.key}`;
    sync($('messages'), items, keyOf, (item) => clone(item.kind), (element, item) => {
      if (item.kind === 'notice') drawNotice(element, item);
      else drawMessage(element, item, before.get(item), { me: state.me, online, away, last: item === last });
    });

    const newest = items.at(-1);
    const news = !switched && newest && newest.key !== drawn.at(-1)?.key;
    if (switched || atEnd || (news && newest.from === state.me)) toEnd();
    else if (news && newest.kind === 'message') $('newest').hidden = false;
    if (switched) $('newest').hidden = true;
    [drawn, drawnOnline] = [items, online];
  };
}

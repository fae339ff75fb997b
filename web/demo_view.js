// SPDX-License-Identifier: Apache-2.0
// Draws the state. Refuses to know where it comes from; act(event, details) is called with what the person at the page wants.
import { $, clone, drawFace, sync, write } from './demo_dom.js';
import { createLog } from './demo_log_view.js';

const again = { name: 'Change name', token: 'Change token', cookie: 'Start over' };
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

function strip({ link, away, room }) {
  if (away) {
    return ['away', `You are offline. ${room ? 'What others write waits for you.' : ''}`, 'Come back', 'cameBack'];
  }
  switch (link.phase) {
    case 'ready':
      return ['ready', 'Connected', 'Go offline', 'wentAway'];
    case 'ended':
      return ['ended', `The server ended this connection. ${link.why}`, 'Connect again', 'cameBack'];
    case 'down':
      return ['down', 'No connection. What you write is kept and sent later.', 'Try now', 'hurry'];
    default:
      return ['opening', link.holdUntil ? 'The server is busy. Trying again …' : 'Connecting …', 'Go offline', 'wentAway'];
  }
}

function drawStrip(state, now) {
  const [phase, text, button] = strip(state);
  $('strip').dataset.phase = phase;
  write($('status'), text);
  write($('toggle'), button);
  const left = phase === 'down' && state.link.retryAt ? Math.ceil((state.link.retryAt - now) / 1000) : 0;
  write($('countdown'), left > 0 ? `Next try in ${left} s.` : '');
}

function drawRooms(state) {
  sync($('rooms'), [...state.rooms], ([id]) => id, () => clone('room-entry'), (element, [id, { unread }]) => {
    const [button, badge] = [element.firstElementChild, element.querySelector('.badge')];
    write(element.querySelector('.name'), id);
    button.dataset.room = id;
    if (id === state.room) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
    write(badge, unread > 99 ? '99+' : `${unread}`);
    badge.setAttribute('aria-label', `${unread} unread`);
    badge.hidden = unread === 0;
  });
  $('rooms').hidden = state.rooms.size === 0;
  const others = [...state.rooms].reduce((sum, [id, { unread }]) => sum + (id === state.room ? 0 : unread), 0);
  $('elsewhere').hidden = others === 0;
  write($('elsewhere'), `${others}`);
  $('elsewhere').setAttribute('aria-label', `${others} unread`);
}

const shown = 200;

function drawPeople(state, room) {
  const online = !state.away && state.link.phase === 'ready';
  const rank = ([id, how]) => `${id === state.me ? 0 : how === 'here' ? 1 : 2}${id.toLowerCase()}`;
  const people = [...room.people].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  sync($('people'), people.slice(0, shown), ([id]) => id, () => clone('person'), (element, [id, how]) => {
    const writing = room.typing.has(id);
    drawFace(element.querySelector('.face'), id);
    write(element.querySelector('.name'), id);
    write(element.querySelector('.note'), id === state.me ? 'you' : writing ? 'typing' : how === 'away' ? 'away' : '');
    element.dataset.how = online ? how : 'unknown';
    element.dataset.typing = writing;
  });
  const more = room.more + Math.max(0, people.length - shown);
  $('more-people').hidden = more === 0;
  write($('more-people'), `and ${more} more`);
  const here = people.filter(([, how]) => how === 'here').length + room.more;
  $('here').hidden = people.length === 0;
  write($('people-title'), online ? `Here now · ${here}` : 'Last seen here');
  write($('summary'), !online || !people.length ? '' : here < 2 ? 'Only you are here' : `${plural(here, 'person', 'people')} here`);
}

function drawTyping(state, room) {
  const names = [...room.typing.keys()];
  const who = names.length > 2 ? `${names.length} people are typing` : `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} typing`;
  $('typing').dataset.on = names.length > 0;
  write($('typing-text'), names.length ? who : '');
}

export function createView(act) {
  const nobody = { people: new Map(), typing: new Map(), more: 0, log: [] };
  const drawLog = createLog();
  let last = {};

  $('toggle').addEventListener('click', () => act(strip(last)[3]));
  $('rooms').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) act('opened', { room: button.dataset.room });
  });
  $('messages').addEventListener('click', (event) => {
    if (event.target.matches('.fate button')) act('retried', { room: last.room, key: event.target.closest('li').dataset.key });
  });

  return function draw(state, now) {
    const outside = state.proof === '' || state.link.phase === 'refused';
    $('welcome').hidden = !outside;
    $('chat').hidden = outside;
    $('refused').hidden = state.link.phase !== 'refused';
    write($('refused'), state.link.why);
    $('complaint').hidden = state.complaint === '';
    write($('complaint'), state.complaint);

    const room = state.rooms.get(state.room) ?? nobody;
    const unread = [...state.rooms.values()].reduce((sum, each) => sum + each.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ''}${state.room && !outside ? `${state.room} · ` : ''}hiky`;
    write($('my-name'), state.me);
    $('my-name').title = state.me;
    write($('rename'), again[state.proof] ?? '');
    drawFace($('my-face'), state.me);
    write($('title'), state.room || 'No room open');
    $('title').dataset.room = state.room !== '';
    $('leave').hidden = $('write').hidden = state.room === '';
    write($('text-label'), `Message to ${state.room}`);
    $('text').placeholder = state.away ? 'Sent when you are back' : `Message to ${state.room}`;
    drawStrip(state, now);
    drawRooms(state);
    drawPeople(state, room);
    drawTyping(state, room);
    drawLog(state, room, last.room !== state.room);
    last = state;
  };
}

// SPDX-License-Identifier: Apache-2.0
// The demo page's wiring: events in, one state, frames and pixels out. The rules are in demo_state.js.
import { freeze, owed, reduce, start, thaw, wanted } from './demo_state.js';
import { $ } from './demo_dom.js';
import { createEntry, proofsTaken } from './demo_entry.js';
import { Typist } from './demo_typist.js';
import { createView } from './demo_view.js';
import { Wire } from './demo_wire.js';

// Per tab, so that several tabs can be several people.
const memory = 'hiky.demo';

function remembered() {
  try {
    return thaw(sessionStorage.getItem(memory));
  } catch {
    return start;
  }
}

function roomInAddress() {
  try {
    const room = decodeURIComponent(location.hash.slice(1)).trim();
    return new TextEncoder().encode(room).length <= 128 ? room : '';
  } catch {
    return '';
  }
}

// Not crypto.randomUUID: a page that came over plain http from another host does not have it.
const freshKey = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

const address = new URL('ws', location.href);
address.protocol = address.protocol.replace('http', 'ws');
address.hash = address.search = '';

let state = { ...remembered(), visible: !document.hidden };
let requests = 0;

const entry = createEntry(await proofsTaken());
const wire = new Wire(address, dispatch);
const typist = new Typist((frame) => state.link.joined.has(frame.roomId) && wire.send(frame));
const draw = createView(act);

function dispatch(event) {
  state = reduce(state, event);
  wire.want(wanted(state));
  for (const frame of owed(state, Date.now())) {
    const id = `q${(requests += 1)}`;
    if (wire.send({ ...frame, id })) state = reduce(state, { type: 'asked', id, frame });
  }
  draw(state, Date.now());
}

function remember() {
  try {
    sessionStorage.setItem(memory, freeze(state));
  } catch {
    // Storage full or forbidden: the page works, only a reload forgets.
  }
}

function nameAddress() {
  const hash = state.room ? `#${encodeURIComponent(state.room)}` : '';
  if (location.hash !== hash) history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
  $('second').href = hash || './';
}

function act(type, details = {}) {
  if (type === 'hurry') return wire.hurry();
  if (type === 'wentAway' || type === 'left' || type === 'opened') typist.stopped();
  dispatch({ type, ...details });
  nameAddress();
  remember();
  if (type === 'opened' || type === 'entered') ready();
  return undefined;
}

const narrow = matchMedia('(max-width: 47.99rem)');

function ready() {
  togglePanel(state.room === '' && narrow.matches);
  // On a touch screen focus would open the keyboard over what one came to read.
  if (matchMedia('(pointer: fine)').matches) $(state.room ? 'text' : 'room').focus();
}

function togglePanel(open) {
  $('chat').dataset.panel = open ? 'open' : 'shut';
  $('menu').setAttribute('aria-expanded', String(open));
  $('main').inert = open;
  if (open) $('panel').querySelector('button').focus();
}

function fit() {
  $('text').style.height = 'auto';
  $('text').style.height = `${$('text').scrollHeight}px`;
}

function onSubmit(id, step) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    step(new FormData(event.target));
  });
}

onSubmit('enter', () => {
  const details = entry.read();
  if (details) act('entered', details);
});

onSubmit('join', (form) => {
  const room = form.get('room').trim();
  $('join').reset();
  if (room) act('opened', { room });
});

onSubmit('write', () => {
  const text = $('text').value.trimEnd();
  $('text').value = '';
  fit();
  if (!text.trim()) return;
  act('wrote', { room: state.room, key: freshKey(), text: text.toWellFormed?.() ?? text, at: new Date().toISOString() });
  typist.stopped();
});

$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('write').requestSubmit();
});
$('text').addEventListener('input', () => {
  fit();
  if ($('text').value.trim()) typist.wrote(state.room);
  else typist.stopped();
});
$('leave').addEventListener('click', () => {
  act('left', { room: state.room });
  ready();
});
$('rename').addEventListener('click', () => {
  typist.stopped();
  togglePanel(false);
  act('renamed');
  fill();
  entry.focus();
});
$('skip').addEventListener('click', (event) => {
  event.preventDefault();
  $('text').focus();
});
$('menu').addEventListener('click', () => togglePanel(true));
$('shade').addEventListener('click', () => togglePanel(false));

addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || $('chat').dataset.panel !== 'open') return;
  togglePanel(false);
  $('menu').focus();
});
addEventListener('hashchange', () => {
  const room = roomInAddress();
  if (!state.proof) fill();
  else if (room && room !== state.room) act('opened', { room });
});
narrow.addEventListener('change', () => togglePanel(false));
addEventListener('online', () => wire.hurry());
addEventListener('pagehide', remember);
document.addEventListener('visibilitychange', () => act('looked', { visible: !document.hidden }));
setInterval(() => {
  const { link, rooms } = state;
  const typing = [...rooms.values()].some((room) => room.typing.size);
  if (link.phase === 'down' || link.holdUntil || typing) dispatch({ type: 'ticked', now: Date.now() });
}, 1_000);

const fill = () => entry.fill(state.me, roomInAddress() || state.room || 'lobby');

fill();
const room = roomInAddress();
if (state.proof && room && room !== state.room) act('opened', { room });
else act('looked', { visible: !document.hidden });
if (!state.proof) entry.focus();

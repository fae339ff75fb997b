// SPDX-License-Identifier: Apache-2.0
// The door: asks for what this server takes as proof of who one is, and for a room. Refuses to know what becomes of it.
import { $, write } from './demo_dom.js';

const fields = { jwt: 'token', open: 'name' };

const words = (taken) => ({
  open: 'No account, no password: this server believes the name you type, so keep secrets elsewhere.',
  jwt: `This server ${taken.length > 1 ? 'takes' : 'wants'} a signed token (JWT), which says who you are. `
    + 'It stays in this page’s memory: a reload asks for it again.',
  session: `This server ${taken.length > 1 ? 'also ' : ''}knows you by your login in its application, from your browser’s cookie`
    + `${taken.length > 1 ? ', if you leave this empty' : ''}.`,
});

// 'jwt', 'session', 'open'. When nobody can tell, the server will, after the first try.
export async function proofsTaken() {
  try {
    return (await (await fetch('demo.json', { signal: AbortSignal.timeout(5_000) })).json()).auth;
  } catch {
    return ['open'];
  }
}

export function createEntry(taken) {
  const takes = (mode) => taken.includes(mode);
  for (const [mode, id] of Object.entries(fields)) $(`${id}-field`).hidden = !takes(mode);
  write($('proof'), taken.map((mode) => words(taken)[mode]).join(' '));

  // A cookie comes by itself, so that with it nothing has to be typed; otherwise one of the two.
  const require = () => {
    $('name').required = takes('open') && !takes('session') && !$('token').value.trim();
    $('token').required = takes('jwt') && !takes('session') && !takes('open');
  };
  $('token').addEventListener('input', require);

  return {
    fill(name, room) {
      $('name').value = takes('open') ? name : '';
      $('token').value = '';
      $('first-room').value = room;
      require();
    },
    focus: () => $(takes('jwt') ? 'token' : takes('open') ? 'name' : 'first-room').focus(),
    // The detail of the event `entered`, or nothing.
    read() {
      const [name, token, room] = ['name', 'token', 'first-room'].map((id) => $(id).value.trim());
      $('token').value = '';
      require();
      if (!room) return null;
      if (token) return { proof: 'token', token, room };
      if (name && takes('open')) return { proof: 'name', name, room };
      return takes('session') ? { proof: 'cookie', room } : null;
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
// A daemon that wants tokens, and clients that show them.
import WebSocket from 'ws';
import { daemonFor } from './daemon.mjs';
import { atEnd, bounded } from './processes.mjs';
import { folder } from './redis.mjs';
import { issuer } from './tokens.mjs';

export const claims = (user, more = {}) => ({ sub: user, exp: Math.floor(Date.now() / 1000) + 60, ...more });

export async function jwtDaemon(t, flags = [], algorithm = 'HS256') {
  const data = await folder(t);
  const app = await issuer(data, algorithm);
  const all = ['--auth', 'jwt', '--jwt-key', app.file, '--jwt-leeway', '0', ...flags];
  return { app, data, daemon: await daemonFor(t, { data, flags: all }) };
}

// A connection as any page or program makes one: { protocol, frames, closed }. Sends `first` at once.
export async function connects(t, url, protocols, options, first) {
  const socket = new WebSocket(url.replace('http', 'ws'), protocols, options);
  atEnd(t, () => socket.terminate());
  const closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const frame = new Promise((resolve) => socket.on('message', (text) => resolve(JSON.parse(text))));
  await bounded('a handshake', new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
  if (first) socket.send(JSON.stringify(first));
  return {
    socket,
    protocol: socket.protocol,
    frame: () => bounded('a frame', frame),
    closed: () => bounded('the end', closed),
  };
}

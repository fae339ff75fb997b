// SPDX-License-Identifier: Apache-2.0
// A daemon behind a certificate, and what tests ask of it over TLS.
import { copyFile, readdir, readFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';
import { authority, certificate } from './certificates.mjs';
import { daemonWith } from './daemon.mjs';
import { atEnd, bounded } from './processes.mjs';
import { folder } from './redis.mjs';

export async function secured(t, ...flags) {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'first', 'DNS:localhost,IP:127.0.0.1');
  const [certFile, keyFile] = [join(place, 'used.pem'), join(place, 'used.key')];
  await copyFile(cert, certFile);
  await copyFile(key, keyFile);
  const daemon = await daemonWith(t, '--tls-cert', certFile, '--tls-key', keyFile, ...flags);
  const ca = await readFile(by.file);
  return { place, by, ca, certFile, keyFile, daemon, trust: { ca } };
}

export const get = (daemon, path, ca) => new Promise((resolve, reject) => {
  https.get(`${daemon.url}${path}`, { ca, agent: false }, (answer) => {
    let body = '';
    answer
      .setEncoding('utf8')
      .on('data', (part) => (body += part))
      .on('end', () => resolve({ status: answer.statusCode, body }));
  }).on('error', reject);
});

export const metric = async ({ daemon, ca }, name) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await get(daemon, '/metrics', ca)).body)[1]);

// A TLS connection that says what it is told to.
export async function secureSocket(t, { daemon, ca }, options = {}) {
  const socket = tls.connect({ port: daemon.port, host: '127.0.0.1', ca, ...options });
  atEnd(t, () => socket.destroy());
  await bounded('TLS', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)));
  socket.on('error', () => {});
  return socket;
}

// The files that the process has open, connections among them.
export const openFiles = async (daemon) => (await readdir(`/proc/${daemon.pid}/fd`)).length;

// SPDX-License-Identifier: Apache-2.0
// A Redis behind a certificate, and the programs that are to reach it.
import { authority, certificate } from './certificates.mjs';
import { runDaemon } from './daemon.mjs';
import { program, run } from './processes.mjs';
import { folder, freePort, startRedis } from './redis.mjs';

export async function secureRedis(t, names, ...flags) {
  const place = await folder(t);
  const by = await authority(place);
  const { cert, key } = await certificate(place, by, 'redis', names);
  const port = await freePort();
  const redis = await startRedis(
    t,
    place,
    '--tls-port',
    `${port}`,
    '--tls-cert-file',
    cert,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    by.file,
    '--tls-auth-clients',
    'no',
    ...flags,
  );
  return { redis, port, place, by, cert, key };
}

export const ctl = (...words) => run(program('HIKYCTL', 'hikyctl'), words);
export const start = (place, ...flags) => runDaemon('--listen', '127.0.0.1:0', '--redis-wait', '4', ...flags);

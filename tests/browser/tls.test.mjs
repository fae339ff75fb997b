// SPDX-License-Identifier: Apache-2.0
// The demo over https and wss, with a certificate that the browser was told to accept.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { bounded } from '../system/support/bounded.mjs';
import { atEnd } from '../system/support/processes.mjs';
import { folder } from '../system/support/redis.mjs';
import { enter, launch, message, person, say } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

test('two people talk over wss', bounded, async (t) => {
  const data = await folder(t);
  const [cert, key] = [join(data, 'cert.pem'), join(data, 'key.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...kind, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const daemon = await startDaemon({ data, flags: ['--tls-cert', cert, '--tls-key', key] });
  atEnd(t, () => daemon.stop());
  const browser = await launch();
  atEnd(t, () => browser.close());
  const visit = () => person(browser, daemon.url, { ignoreHTTPSErrors: true });
  const [ann, bob] = await Promise.all([visit(), visit()]);
  await enter(ann, 'ann', 'tea');
  await enter(bob, 'bob', 'tea');
  await say(ann, 'kettle is on');
  await message(bob, 'kettle is on').waitFor();
});

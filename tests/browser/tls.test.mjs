// SPDX-License-Identifier: Apache-2.0
// The demo over https and wss, with a certificate that the browser was told to accept.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { enter, launch, message, person, say } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { folder, removeFolder } from './stage.mjs';

test('two people talk over wss', { timeout: 90_000 }, async (t) => {
  const data = await folder();
  t.after(() => removeFolder(data));
  const [cert, key] = [join(data, 'cert.pem'), join(data, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const daemon = await startDaemon({ data, flags: ['--tls-cert', cert, '--tls-key', key] });
  t.after(() => daemon.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const [ann, bob] = await Promise.all(['ann', 'bob'].map(() => person(browser, daemon.url, { ignoreHTTPSErrors: true })));
  await enter(ann, 'ann', 'tea');
  await enter(bob, 'bob', 'tea');
  await say(ann, 'kettle is on');
  await message(bob, 'kettle is on').waitFor();
});

// SPDX-License-Identifier: Apache-2.0
// An authority of the test's own, and certificates by it, made with the openssl program.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './processes.mjs';

async function openssl(...words) {
  const { code, stdout, stderr } = await run('openssl', words);
  assert.equal(code, 0, stderr);
  return stdout;
}

// { file, key } of a new authority in `folder`.
export async function authority(folder, name = 'authority') {
  const [file, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', key, '-out', file);
  return { file, key };
}

// { cert, key } for `names`, as openssl writes them: 'DNS:localhost,IP:127.0.0.1'.
export async function certificate(folder, by, name, names, days = 2) {
  const at = (ending) => join(folder, `${name}.${ending}`);
  await writeFile(at('ext'), `subjectAltName=${names}\n`);
  await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr'));
  await openssl('x509', '-req', '-in', at('csr'), '-CA', by.file, '-CAkey', by.key, '-CAcreateserial', '-days', `${days}`, '-extfile', at('ext'), '-out', at('pem'));
  return { cert: at('pem'), key: at('key') };
}

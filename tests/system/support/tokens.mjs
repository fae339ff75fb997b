// SPDX-License-Identifier: Apache-2.0
// Tokens as an application would make them, with the npm package jose.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';

// How a client that makes HTTP headers shows a token.
export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// A maker of tokens and the file that checks them: a secret's, or a public key's.
export async function issuer(folder, algorithm = 'HS256', kid) {
  const secret = algorithm.startsWith('HS') && randomBytes(64).toString('base64url');
  const pair = secret ? undefined : await generateKeyPair(algorithm, { extractable: true });
  const key = secret ? new TextEncoder().encode(secret) : pair.privateKey;
  const file = join(folder, `${kid ?? algorithm}.key`);
  await writeFile(file, secret ? `${secret}\n` : await exportSPKI(pair.publicKey), { mode: 0o600 });
  return {
    file,
    // `life` in seconds from now.
    token: (user, { life = 60, ...claims } = {}) =>
      new SignJWT({ sub: user, exp: Math.floor(Date.now() / 1000) + life, ...claims })
        .setProtectedHeader({ alg: algorithm, kid })
        .sign(key),
    jwk: async () => ({ ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: 'sig' }),
  };
}

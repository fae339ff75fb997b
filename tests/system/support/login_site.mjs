// SPDX-License-Identifier: Apache-2.0
// A site whose visitors log in with express-session, a daemon that takes these logins, and clients that show a cookie.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientAs } from './client.mjs';
import { daemonFor } from './daemon.mjs';
import { loginApp } from './login_app.mjs';
import { matches } from './match.mjs';
import { bounded } from './processes.mjs';
import { folder, startRedis } from './redis.mjs';

export const secret = 'a secret for the cookies';

export async function site(t, { flags = [], secrets = [secret], ...app } = {}) {
  const data = await folder(t);
  const redis = await startRedis(t, data);
  await writeFile(join(data, 'secrets'), `${secrets.join('\n')}\n`);
  const daemon = await daemonFor(t, {
    redis: redis.url,
    flags: ['--auth', 'session', '--session-secret', join(data, 'secrets'), ...flags],
  });
  return { data, redis, daemon, app: await loginApp(t, redis.socket, { secret: secrets.at(-1), ...app }) };
}

export const open = (t, daemon, cookie) => clientAs(t, undefined, daemon.url, { headers: { cookie } });
export const isLoggedIn = async (t, daemon, cookie, user) => {
  const client = await open(t, daemon, cookie);
  const answer = await client.ask({ type: 'register' });
  matches({ type: 'registered', userId: user }, answer);
  return { client, answer };
};
export const isRefused = async (t, daemon, cookie, reason) => {
  const client = await open(t, daemon, cookie);
  const { code, reason: told } = await bounded('the refusal', client.closed);
  assert.equal(code, 4401);
  assert.match(told, reason);
};

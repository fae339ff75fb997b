// SPDX-License-Identifier: Apache-2.0
// Tokens of a storm's own: HS256 by hand, since this folder needs no more than `ws`.
import { createHmac, randomBytes } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Issuer {
  secret = randomBytes(48).toString('base64url');

  // `rooms`: the only rooms that the token is for; without it, the token is for all rooms.
  token(user, rooms) {
    const claims = { sub: user, exp: Math.floor(Date.now() / 1000) + 86_400, ...(rooms && { rooms }) };
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${text}.${createHmac('sha256', this.secret).update(text).digest('base64url')}`;
  }
}

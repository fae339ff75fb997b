// SPDX-License-Identifier: Apache-2.0
// A web application as many are: express, express-session, and connect-redis on database 3. Its login sessions are
// under test.
import express from 'express';
import session from 'express-session';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { atEnd } from './processes.mjs';

export async function loginApp(t, socket, { secret, prefix = 'sess:', name = 'connect.sid', cookie = {}, remember = (s, user) => (s.passport = { user }) }) {
  const redis = createClient({ socket: { path: socket }, database: 3 });
  await redis.connect();
  const app = express();
  app.use(session({ store: new RedisStore({ client: redis, prefix }), secret, name, resave: false, saveUninitialized: true, cookie }));
  app.get('/', (request, response) => response.send('a visitor'));
  app.get('/login/:user', (request, response) => {
    remember(request.session, request.params.user);
    response.send('welcome');
  });
  app.get('/leave', (request, response) => {
    delete request.session.passport;
    response.send('a visitor again');
  });
  app.get('/logout', (request, response) => request.session.destroy(() => response.send('bye')));
  const server = await new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  atEnd(t, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    redis.destroy();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  // The cookie that a browser would send back: `name=value`.
  const visit = async (path, cookies) => {
    const answer = await fetch(`${url}${path}`, { headers: cookies ? { cookie: cookies } : {} });
    await answer.text(); // express-session holds back the end of the body, not the headers, until the session is stored
    return (answer.headers.get('set-cookie') ?? '').split(';')[0]; // the answer sets one cookie, or none
  };
  return { url, visit, redis };
}

// SPDX-License-Identifier: Apache-2.0
// A program that holds a key of the HTTP API.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const keys = {
  all: 'key-of-somebody-who-may-do-all',
  read: 'key-of-somebody-who-may-read',
  publish: 'key-of-somebody-who-may-publish',
  admin: 'key-of-somebody-who-may-govern',
};

// Writes the key file, and gives the flags that name it.
export async function keyFile(folder, text) {
  const path = join(folder, 'api_keys');
  const usual = [`# keys of the tests`, keys.all, `${keys.read}\tread`, `  ${keys.publish} publish # and a comment`, `${keys.admin} admin,read`];
  await writeFile(path, text ?? `${usual.join('\n')}\n`, { mode: 0o600 });
  return ['--api-key-file', path];
}

export class Api {
  constructor(daemon, key = keys.all) {
    Object.assign(this, { daemon, key });
  }

  as(key) {
    return new Api(this.daemon, key);
  }

  // { status, headers, body }, the body parsed. `json` is sent as JSON, `body` as it is.
  async call(method, path, { json, body, headers = {} } = {}) {
    const text = json === undefined ? body : JSON.stringify(json);
    const response = await fetch(`${this.daemon.url}/api/v1${path}`, {
      method,
      body: text,
      signal: AbortSignal.timeout(15_000),
      headers: {
        ...(this.key && { authorization: `Bearer ${this.key}` }),
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    const raw = await response.text();
    const type = response.headers.get('content-type');
    return { status: response.status, headers: response.headers, type, raw, body: /json/.test(type) && raw ? JSON.parse(raw) : raw };
  }

  // The body of a success.
  async ok(method, path, options) {
    const answer = await this.call(method, path, options);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.raw}`);
    return answer.body;
  }
  get = (path) => this.ok('GET', path);
  post = (path, json, headers) => this.ok('POST', path, { json, headers });
  put = (path) => this.ok('PUT', path);
  delete = (path) => this.ok('DELETE', path);

  // A refusal: RFC 9457, of this status and code.
  async refused(status, code, method, path, options) {
    const answer = await this.call(method, path, options);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.raw}`);
    assert.equal(answer.type, 'application/problem+json');
    const { type, title, detail, instance } = answer.body;
    assert.deepEqual(Object.keys(answer.body), ['type', 'title', 'status', 'detail', 'instance']);
    assert.equal(type, `urn:hiky:problem:${code}`);
    assert.equal(answer.body.status, status);
    assert.equal(instance, `/api/v1${path.split('?')[0]}`);
    assert.ok(title.length > 0 && detail.length > 10);
    return { ...answer, detail };
  }

  // All pages of a list.
  async pages(path, limit) {
    const out = [];
    const join = path.includes('?') ? '&' : '?';
    for (let cursor; cursor !== null; ) {
      const page = await this.get(`${path}${join}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      out.push(page);
      assert.ok(out.length < 1000, 'the list has no end');
      cursor = page.next;
    }
    return out;
  }
}

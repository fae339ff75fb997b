// SPDX-License-Identifier: Apache-2.0
// A wrong start: the daemon says one line that names the option and the mend, and ends with the documented exit code.
// Options come from flags, the environment and a file.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bounded } from './support/bounded.mjs';
import { daemonFor, daemonWith, hikyd, runDaemon } from './support/daemon.mjs';
import { run } from './support/processes.mjs';
import { folder } from './support/redis.mjs';
import { refuses, usage } from './support/refuses.mjs';

const wrong = [
  [['--no-such-option'], /--no-such-option/, /hikyd --help/],
  [['stray'], /stray/, /--help/],
  [['--listen'], /--listen/],
  [['--listen', 'nowhere'], /--listen: 'nowhere' has no port; expected HOST:PORT or unix:PATH/],
  [['--listen', '127.0.0.1:99999'], /has no port from 0 to 65535/],
  [['--listen', '127.0.0.1:http'], /has no port from 0 to 65535/],
  [['--listen', 'example.org:80'], /names no IP address/],
  [['--listen', 'unix:'], /has no usable path/],
  [
    ['--listen', '0.0.0.0:0'],
    /--listen: 0\.0\.0\.0:0 can be reached by others/,
    /--auth jwt or --auth session, or --auth open --allow-open/,
  ],
  [['--demo', 'maybe'], /--demo/, /maybe/],
  [['--listen', '[::]:0'], /can be reached by others/],
  [['--listen', '0.0.0.0:0', '--auth', 'open'], /--listen: with --auth open anybody/, /--allow-open/],
  [['--listen', '127.0.0.1:0', '--listen', '192.0.2.1:80'], /192\.0\.2\.1:80 can be reached by others/],
  [['--auth', 'closed'], /--auth/, /closed/],
  [['--redis', 'http://localhost'], /--redis: /, /redis\[s\]:\/\//],
  [['--redis', ''], /--redis/],
  [['--redis', 'redis://localhost:port'], /--redis: /],
  [['--redis', 'unix://'], /--redis: /],
  [['--workers', '-1'], /--workers/],
  [['--workers', 'many'], /--workers/],
  [['--batch-send', 'sendfile'], /--batch-send/],
  [['--rate-messages', 'fast'], /--rate-messages: 'fast' is not a rate; expected PER_SECOND or PER_SECOND:BURST/],
  [['--rate-messages', '20:5'], /--rate-messages: '20:5' is not a rate/, /burst/],
  [['--rate-messages', '-1'], /--rate-messages/],
  [['--rate-typing', '1:2:3'], /--rate-typing: '1:2:3' is not a rate/],
  [['--limit-frame', '10'], /--limit-frame/],
  [['--limit-rooms', '0'], /--limit-rooms/],
  [['--drain', '-1'], /--drain/],
  [['--log-level', 'loud'], /--log-level/],
  [['--instance-id', 'a\tb'], /--instance-id: /, /control characters/],
  [['--instance-id', 'x'.repeat(129)], /--instance-id: /, /at most 128 bytes/],
  [['--config', '/no/such/file.toml'], /\/no\/such\/file\.toml/],
];

test('wrong options are refused with exit code 2', bounded, async () => {
  for (const [flags, ...says] of wrong) await refuses(usage, flags, ...says);
});

test('help and version are answers, not errors', bounded, async () => {
  const help = await runDaemon('--help');
  assert.equal(help.code, 0);
  assert.equal(help.stderr, '');
  for (const option of [
    '--listen',
    '--redis',
    '--data',
    '--workers',
    '--auth',
    '--allow-open',
    '--rate-messages',
    '--drain',
    '--log-level',
    '--config',
  ]) {
    assert.match(help.stdout, new RegExp(`${option}\\b`));
  }
  const version = await runDaemon('--version');
  assert.deepEqual([version.code, version.stderr], [0, '']);
  assert.match(version.stdout, /^hikyd \d+\.\d+\.\d+\n$/);
});

test('a flag wins over the environment, and that over the file', bounded, async (t) => {
  const data = await folder(t);
  const config = join(data, 'hikyd.toml');
  await writeFile(config, 'instance-id = "from the file"\nworkers = 1\nlog-level = "debug"\n');
  const instance = async (daemon) => (await (await fetch(`${daemon.url}/health`)).json()).instance;
  const options = (flags, env) =>
    daemonFor(t, { data, flags: ['--config', config, ...flags], env: { HIKY_WORKERS: '2', ...env } });
  const all = await options(['--instance-id', 'from the flag'], { HIKY_INSTANCE_ID: 'from the environment' });
  assert.deepEqual([await instance(all), all.workers], ['from the flag', 2]);
  await all.stop();
  const two = await options([], { HIKY_WORKERS: '' });
  assert.deepEqual([await instance(two), two.workers], ['one', 1]);
});

test('a name in the file that no option has is refused', bounded, async (t) => {
  const config = join(await folder(t), 'hikyd.toml');
  await writeFile(config, 'lissten = "127.0.0.1:0"\n');
  await refuses(usage, ['--config', config], /lissten/);
  await writeFile(config, 'listen = "nowhere"\n');
  await refuses(usage, ['--config', config], /--listen: 'nowhere' has no port/);
});

test('an open gateway for everybody needs to be meant', bounded, async (t) => {
  const daemon = await daemonWith(t, '--listen', '0.0.0.0:0', '--auth', 'open', '--allow-open');
  assert.equal((await fetch(`http://127.0.0.1:${daemon.port}/ready`)).status, 200);
});

test('the image listens where a published port reaches it, and lets nobody in before somebody said whom',
  bounded, async (t) => {
  const dockerfile = await readFile(fileURLToPath(new URL('../../Dockerfile', import.meta.url)), 'utf8');
  const image = Object.fromEntries(
    [...dockerfile.matchAll(/(?<=^ENV .*)\b(HIKY_\w+)=(\S+)/gm)].map(([, name, value]) => [name, value]),
  );
  assert.deepEqual(image, { HIKY_DATA: '/var/lib/hiky', HIKY_LISTEN: '0.0.0.0:8080' });
  const container = (...said) =>
    run(hikyd, ['--check-config'], {
      env: { ...image, ...Object.fromEntries(said.map((each) => each.split(/=(.*)/s))) },
    });
  const refused = async (told, ...says) => {
    assert.deepEqual([told.code, told.stdout], [usage, '']);
    assert.match(told.stderr, /^hikyd: [^\n]+\n$/);
    for (const each of says) assert.ok(told.stderr.includes(each), `${each}: ${told.stderr}`);
  };
  const ways = [
    '-e HIKY_AUTH=open -e HIKY_ALLOW_OPEN=true -p 127.0.0.1:8080:8080',
    '-e HIKY_AUTH=jwt -e HIKY_JWT_KEY=env:JWT_SECRET -e JWT_SECRET',
  ];
  const told = await container();
  await refused(told, '0.0.0.0:8080 (HIKY_LISTEN) can be reached by others', ...ways);
  // To take the sentence's word for it.
  const [open, jwt] = ways.map((way) =>
    [...way.matchAll(/-e (\S+)/g)].map(([, each]) => (each.includes('=') ? each : `${each}=${'x'.repeat(32)}`)),
  );
  for (const said of [open, jwt])
    assert.deepEqual(await container(...said), {
      code: 0,
      signal: null,
      stdout: 'hikyd: the configuration is valid\n',
      stderr: '',
    });
  await refused(
    await container('HIKY_AUTH=open'),
    'anybody who reaches 0.0.0.0:8080 (HIKY_LISTEN) can be anybody',
    'HIKY_ALLOW_OPEN=true',
    '-p 127.0.0.1:8080:8080',
  );
  const docs = await Promise.all(
    ['README.md', 'docs/operations.md', 'Dockerfile'].map((path) =>
      readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8'),
    ),
  );
  for (const text of docs) assert.ok(text.includes(`${ways[0]} hiky`));
});

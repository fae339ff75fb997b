// SPDX-License-Identifier: Apache-2.0
// One definition of the options: flags, environment, file, the sample in deploy/, man pages and completion all follow
// it.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hikyd } from './support/daemon.mjs';
import { program, run } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

const hikyctl = program('HIKYCTL', 'hikyctl');
const project = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const env = { XDG_STATE_HOME: '/var/lib' };
const active = (toml) => toml.split('\n').filter((line) => /^[a-z]/.test(line));
const have = async (tool, ...args) => run(tool, args).then(({ code }) => code === 0, () => false);

test('deploy/hikyd.toml is what the options say; renew it with hikyd --print-config', async () => {
  const sample = await readFile(project('deploy/hikyd.toml'), 'utf8');
  const { code, stdout } = await run(hikyd, ['--print-config'], { env });
  assert.equal(code, 0);
  assert.equal(sample.slice(sample.indexOf('## ')), stdout);
  assert.deepEqual(active(sample), [], 'all of it is commented out');
});

test('every option of --help stands in the sample and in docs/operations.md', async () => {
  const { stdout } = await run(hikyd, ['--help']);
  const options = [...stdout.matchAll(/^ +(?:-h,)?--([a-z-]+)/gm)].map(([, name]) => name);
  assert.ok(options.length > 20);
  const [sample, docs] = await Promise.all(['deploy/hikyd.toml', 'docs/operations.md'].map((path) => readFile(project(path), 'utf8')));
  for (const name of options) {
    assert.ok(docs.includes(`\`--${name}`) || docs.includes(`\`-${name.slice(name.lastIndexOf('-'))}`), `docs/operations.md does not name --${name}`);
    if (['help', 'version', 'config', 'check-config', 'check-health', 'check-live', 'print-config'].includes(name)) continue;
    assert.match(sample, new RegExp(`^#${name} = `, 'm'));
  }
});

// The list of options in docs/operations.md, `- FLAGS (DEFAULT): …`: each name, and the default that stands beside it.
function documented(docs) {
  const section = docs.slice(docs.indexOf('\n## Options\n') + 1).split('\n## ')[0];
  return [...section.matchAll(/^- ((?:`--[^`]*`(?:, )?)+)(?: \(([^)]*)\))?:/gm)].flatMap(([, flags, initial = '']) =>
    [...flags.matchAll(/--([a-z-]+)/g)].map(([, name]) => [name, initial]));
}

test('the list in docs/operations.md has every option once, with its default, and no other', async () => {
  const list = documented(await readFile(project('docs/operations.md'), 'utf8'));
  const help = (await run(hikyd, ['--help'])).stdout;
  const options = [...help.matchAll(/^ +(?:-h,)?--([a-z-]+)/gm)].map(([, name]) => name);
  assert.deepEqual(list.map(([name]) => name).sort(), options.sort());
  // Under a folder of that name, the default for --data reads as the docs have it.
  const toml = (await run(hikyd, ['--print-config'], { env: { XDG_STATE_HOME: '$XDG_STATE_HOME' } })).stdout;
  const defaults = new Map([...toml.matchAll(/^#([a-z-]+) = \[?"?(.*?)"?\]?$/gm)].map(([, name, value]) => [name, value]));
  for (const [name, initial] of list) {
    const value = defaults.get(name) ?? '';
    // A flag is off by default; where there is no default, words may stand there.
    if (value === '' || value === 'false') assert.doesNotMatch(initial, /^(`[^`]*`|[\d.]+)$/, name);
    else assert.equal(initial.replaceAll('`', ''), value, name);
  }
});

test('the sample with all its defaults uncommented is valid, and changes nothing', async (t) => {
  const file = join(await folder(t), 'hikyd.toml');
  const sample = (await run(hikyd, ['--print-config'], { env })).stdout;
  // An option without a default stands there empty, and stays a comment.
  await writeFile(file, sample.replace(/^#([a-z-]+ = (?!""|\[\]).*)$/gm, '$1'));
  const checked = await run(hikyd, ['--config', file, '--check-config'], { env });
  assert.deepEqual([checked.code, checked.stdout, checked.stderr], [0, 'hikyd: the configuration is valid\n', '']);
  const printed = (await run(hikyd, ['--config', file, '--print-config'], { env })).stdout;
  assert.equal(printed.replace(/^#?([a-z-]+ = )/gm, '$1'), sample.replace(/^#([a-z-]+ = )/gm, '$1'));
});

test('--check-config starts nothing and names the fault with exit code 2', async (t) => {
  const file = join(await folder(t), 'hikyd.toml');
  for (const [text, fault] of [
    ['grace = "soon"\n', /--grace/],
    ['workers = 999\n', /--workers: Value 999 not in range/],
    ['no-such-key = 1\n', /no-such-key/],
    ['rate-messages = "5:1"\n', /--rate-messages: '5:1' is not a rate/],
    ['redis = "http://localhost"\n', /--redis: /],
    ['listen = "0.0.0.0:80"\n', /--listen: 0\.0\.0\.0:80 can be reached by others/],
  ]) {
    await writeFile(file, text);
    const { code, stdout, stderr } = await run(hikyd, ['--config', file, '--check-config'], { env });
    assert.deepEqual([code, stdout], [2, ''], text);
    assert.match(stderr, fault);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  }
  const missing = await run(hikyd, ['--config', join(file, 'nowhere'), '--check-config'], { env });
  assert.equal(missing.code, 2);
});

test('--print-config shows flag over environment over file, and no password', async (t) => {
  const file = join(await folder(t), 'hikyd.toml');
  await writeFile(file, 'grace = 1\ndrain = 1\nlease = 30\n');
  const said = { ...env, HIKY_GRACE: '2', HIKY_DRAIN: '2', HIKY_REDIS: 'redis://app:s3cret@127.0.0.1:6379' };
  const { stdout } = await run(hikyd, ['--config', file, '--drain', '3', '--print-config'], { env: said });
  assert.deepEqual(active(stdout), ['redis = "redis://app@127.0.0.1:6379"', 'lease = 30', 'grace = 2', 'drain = 3']);
});

test('the man pages are clean, and name every option and command', async (t) => {
  for (const tool of [hikyd, hikyctl]) {
    const page = (await run(tool, ['--help-man'])).stdout;
    const file = join(await folder(t), 'page.1');
    await writeFile(file, page);
    const words = page.replaceAll('\\-', '-');
    for (const [, name] of (await run(tool, ['--help'])).stdout.matchAll(/^ +(?:-\w,)?--([a-z-]+)/gm)) assert.ok(words.includes(`--${name}`), name);
    if (await have('sh', '-c', 'command -v mandoc')) assert.equal((await run('mandoc', ['-Tlint', file])).stdout, '');
    if (await have('groff', '--version')) {
      const shown = await run('groff', ['-man', '-ww', '-Tascii', file]);
      assert.deepEqual([shown.code, shown.stderr], [0, '']);
    }
  }
  const ctl = (await run(hikyctl, ['--help-man'])).stdout;
  for (const command of ['fsck', 'explain message', 'room add\\-member', 'tail', 'top', 'user friend remove']) assert.ok(ctl.includes(`\\fB${command}\\fR`), command);
});

// The completions that bash offers for the line so far.
async function offered(script, line) {
  const words = line.split(' ');
  const text = `source ${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
$(complete -p ${words[0]} | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await run('bash', ['--norc', '-c', text]);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout.trim().split('\n');
}

test('bash completes commands, options and values', async (t) => {
  const dir = await folder(t);
  const script = async (tool, ...args) => {
    const { code, stdout } = await run(tool, args);
    assert.equal(code, 0);
    const file = join(dir, args.join('-'));
    await writeFile(file, stdout);
    return file;
  };
  const ctl = await script(hikyctl, 'completion', 'bash');
  assert.deepEqual(await offered(ctl, 'hikyctl ex'), ['explain']);
  assert.deepEqual(await offered(ctl, 'hikyctl explain '), ['user', 'message']);
  assert.deepEqual(await offered(ctl, 'hikyctl --json room add'), ['add-member']);
  assert.deepEqual(await offered(ctl, 'hikyctl user friend rem'), ['remove']);
  assert.deepEqual((await offered(ctl, 'hikyctl fsck --re')).slice(0, 2), ['--repair', '--redis']);
  assert.deepEqual(await offered(ctl, 'hikyctl completion '), ['']);
  const daemon = await script(hikyd, '--help-completion', 'bash');
  assert.deepEqual(await offered(daemon, 'hikyd --log-level d'), ['debug']);
  assert.deepEqual(await offered(daemon, 'hikyd --redis-w'), ['--redis-wait']);
});

test('zsh and fish take their completion', async (t) => {
  const dir = await folder(t);
  for (const [shell, check] of [['zsh', ['-n']], ['fish', ['-n']]]) {
    if (!(await have(shell, '--version'))) {
      t.diagnostic(`${shell} is not here`);
      continue;
    }
    for (const [tool, ...args] of [[hikyctl, 'completion', shell], [hikyd, '--help-completion', shell]]) {
      const file = join(dir, `${shell}-${args.length}-${tool.length}`);
      await writeFile(file, (await run(tool, args)).stdout);
      const { code, stderr } = await run(shell, [...check, file]);
      assert.deepEqual([code, stderr], [0, '']);
    }
    if (shell !== 'fish') continue;
    const file = join(dir, `fish-2-${hikyctl.length}`);
    const ask = (line) => run('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`], { env: { HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir } });
    assert.match((await ask('hikyctl explain ')).stdout, /^user\t/m);
    assert.match((await ask('hikyctl expl')).stdout, /^explain\t/m);
    assert.match((await ask('hikyctl fsck --rep')).stdout, /^--repair\t/m);
  }
});

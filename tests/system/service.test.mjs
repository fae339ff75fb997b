// SPDX-License-Identifier: Apache-2.0
// The messages of the daemon to systemd. Node has no Unix datagram sockets, so perl listens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hikyd, startDaemon } from './support/daemon.mjs';
import { atEnd, run, until } from './support/processes.mjs';
import { folder } from './support/redis.mjs';

// perl is part of every Debian. The script prints each datagram, its lines joined by spaces.
const listen = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind($s, pack_sockaddr_un($ARGV[0])) or die $!; $| = 1; print "listening\\n";
while (defined recv($s, my $text, 65536, 0)) { $text =~ tr/\\n/ /; print "$text\\n" }`;

async function manager(t) {
  const path = join(await folder(t), 'notify');
  const child = spawn('perl', ['-e', listen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const it = { path, said: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (it.said += text));
  await until('a listener', () => it.said.startsWith('listening'));
  return it;
}

test('systemd hears when the daemon serves, that it lives, and when it goes', async (t) => {
  const systemd = await manager(t);
  const daemon = await startDaemon({ data: await folder(t), env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '400000' } });
  atEnd(t, () => daemon.stop());
  await until('READY', () => /^READY=1 STATUS=serving$/m.test(systemd.said));
  await until('three signs of life', () => systemd.said.split('WATCHDOG=1').length > 3);
  await daemon.stop();
  assert.match(systemd.said, /^STOPPING=1 STATUS=handing clients over$/m);
  assert.ok(systemd.said.indexOf('READY') < systemd.said.indexOf('STOPPING'));
});

test('a daemon that can not start never says that it is ready', async (t) => {
  const systemd = await manager(t);
  await assert.rejects(startDaemon({ redis: 'redis://127.0.0.1:1', flags: ['--redis-wait', '0.2'], env: { NOTIFY_SOCKET: systemd.path } }));
  assert.doesNotMatch(systemd.said, /READY/);
});

test('a NOTIFY_SOCKET without a listener does no harm, and another process\'s watchdog is not ours', async (t) => {
  const systemd = await manager(t);
  const one = await startDaemon({ data: await folder(t), env: { NOTIFY_SOCKET: '/nowhere/at/all' } });
  await one.stop();
  const two = await startDaemon({ data: await folder(t), env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' } });
  await two.stop();
  assert.match(systemd.said, /READY=1/);
  assert.doesNotMatch(systemd.said, /WATCHDOG/);
});

test('the journal is told priorities instead of times, and only if stderr is the journal', async (t) => {
  // JOURNAL_STREAM names the file that systemd has given us for stderr.
  const lines = async (stream, ...flags) => {
    const { stdout } = await run('sh', ['-c', `exec 2>"$0"; JOURNAL_STREAM=${stream} "$@"; cat "$0"`, join(await folder(t), 'journal'),
      hikyd, '--redis', 'redis://127.0.0.1:1', '--redis-wait', '0.2', ...flags]);
    return stdout;
  };
  const ours = '$(stat -L -c %d:%i /proc/self/fd/2)';
  assert.match(await lines(ours), /^<4>warning redis\.unreachable /m);
  assert.match(await lines(ours, '--log-format', 'json'), /^<4>\{"time":/m);
  assert.match(await lines('1:1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z warning redis\.unreachable /m);
});

test('systemd understands the unit, and the unit is as closed as the operations page says', async (t) => {
  if ((await run('systemd-analyze', ['--version']).catch(() => ({ code: 1 }))).code !== 0) return t.skip('no systemd-analyze');
  const unit = fileURLToPath(new URL('../../deploy/systemd/hikyd.service', import.meta.url));
  const { stdout, stderr } = await run('systemd-analyze', ['security', '--offline=true', unit]);
  const score = /Overall exposure level for hikyd\.service: ([\d.]+)/.exec(stdout)?.[1];
  assert.ok(score, stderr);
  assert.doesNotMatch(stderr, /hikyd\.service:\d+/, 'lines that systemd does not know');
  const docs = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  assert.ok(docs.includes(`exposure level ${score}`), `docs/operations.md should say: exposure level ${score}`);
});

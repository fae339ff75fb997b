// SPDX-License-Identifier: Apache-2.0
// Starts the real daemon for a browser test and ends it by its process id. HIKYD names another executable that prints the same ready line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../../build/release/hikyd', import.meta.url));
const executable = process.env.HIKYD ?? built;
const ready = /^hikyd ready on (https?):\/\/(\S+):(\d+)/;
const readyWithin = 20_000;

function launchOnce(port, data, flags) {
  const child = spawn(executable, ['--listen', `127.0.0.1:${port}`, '--data', data, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const keep = (text) => (said = `${said}${text}`.slice(-4_000));
  child.stderr.on('data', keep);
  child.stdout.on('data', keep);

  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
  });
  const end = async (signal, grace) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), grace);
    await ended;
    clearTimeout(timer);
  };

  return new Promise((resolve, reject) => {
    const refuse = (why) => end('SIGKILL', 0).then(() => reject(new Error(`${executable} ${why}. It said:\n${said}`)));
    const timer = setTimeout(refuse, readyWithin, `printed no ready line within ${readyWithin} ms`);
    ended.then((how) => (clearTimeout(timer), refuse(`${how} before its ready line`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = ready.exec(line);
      if (!found) return;
      clearTimeout(timer);
      const [, scheme, host, actual] = found;
      resolve({
        url: `${scheme}://${host}:${actual}`, port: Number(actual), said: () => said,
        stop: () => end('SIGTERM', 30_000), kill: () => end('SIGKILL', 0),
      });
    });
  });
}

// `tries`: after a kill the old Redis may hold the data folder for a moment.
export async function startDaemon({ port = 0, data, tries = 1, flags = [] }) {
  for (let left = tries; ; left -= 1) {
    try {
      return await launchOnce(port, data, flags);
    } catch (error) {
      if (left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

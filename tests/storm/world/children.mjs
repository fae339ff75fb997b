// SPDX-License-Identifier: Apache-2.0
// The programs of a storm: killed when this process ends, and read line by line.
import { spawn } from 'node:child_process';

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

// `onLine(stream, line)` gets the output of the program. `ended` of the child: { code, signal, error }.
export function start(executable, args, onLine, env) {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  children.add(child);
  for (const stream of ['stdout', 'stderr']) {
    let rest = '';
    child[stream].setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) onLine(stream, line);
    });
  }
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => children.delete(child));
  return child;
}

// SPDX-License-Identifier: Apache-2.0
// Child processes of a test: started, awaited, ended by process id. Does not know their work.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// The program that ctest names, otherwise the one that the release preset built.
export const program = (variable, name) =>
  process.env[variable] ?? fileURLToPath(new URL(`../../../build/release/${name}`, import.meta.url));

// A test that dies leaves no process behind.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// Called when test `t` ends, the latest first: the process that was started last ends first.
const endings = new WeakMap();
export function atEnd(t, end) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      for (const each of endings.get(t).reverse()) await each();
    });
  }
  endings.get(t).push(end);
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The first answer of `probe` that is not undefined or false. `every`: ms from one try to the next.
export async function until(what, probe, within = 10_000, every = 10) {
  for (const end = Date.now() + within; ; await pause(every)) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${within} ms for: ${what}`);
  }
}

// Rejects with `what` and the text of `about`, if `promise` takes longer than that.
export async function bounded(what, promise, within = 10_000, about = () => '') {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${within} ms for: ${what}${about()}`)), within);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// Variables for hiky in the tester's own shell are not for the tests.
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HIKY_')));

function begin(executable, args, env) {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...clean, ...env } });
  running.add(child);
  const told = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (told[name] = `${told[name]}${text}`.slice(-200_000)));
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => running.delete(child));
  return { child, told, ended };
}

// Runs a program to its end.
export async function run(executable, args, { env, within = 30_000 } = {}) {
  const { child, told, ended } = begin(executable, args, env);
  try {
    const { code, signal, error } = await bounded(`${executable} ${args.join(' ')} to end`, ended, within);
    if (error) throw error;
    return { code, signal, ...told };
  } finally {
    child.kill('SIGKILL');
  }
}

// Starts a program and waits for the line of its standard output that matches `ready`.
export async function launch(executable, args, ready, { env, within = 20_000 } = {}) {
  const { child, told, ended } = begin(executable, args, env);
  const stop = async (signal = 'SIGTERM', grace = 20_000) => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), grace);
    return ended.finally(() => clearTimeout(timer));
  };
  const line = new Promise((resolve) => {
    child.stdout.on('data', () => {
      const found = told.stdout.split('\n').map((text) => ready.exec(text)).find(Boolean);
      if (found) resolve(found);
    });
  });
  const early = ended.then(({ code, signal, error }) => {
    const how = `${executable} ended with ${signal ?? code} before its ready line`;
    throw error ?? new Error(`${how}. It said:\n${told.stderr}`);
  });
  early.catch(() => {});
  try {
    const first = Promise.race([line, early]);
    const match = await bounded(`the ready line of ${executable}`, first, within, () => `\n${told.stderr}`);
    // Stops the program as a person would. A fault at any time in the program's life fails the test.
    const stopWell = async () => {
      const alive = child.exitCode === null && child.signalCode === null;
      const { code, signal } = await stop();
      if (/Sanitizer|runtime error/.test(told.stderr)) throw new Error(`${executable}: ${told.stderr}`);
      if (alive && code !== 0) throw new Error(`${executable} ended with ${signal ?? code}. It said:\n${told.stderr}`);
    };
    return { pid: child.pid, match, told, ended, stop, stopWell, signal: (name) => child.kill(name) };
  } catch (failure) {
    await stop('SIGKILL');
    throw failure;
  }
}

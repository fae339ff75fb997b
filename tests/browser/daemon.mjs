// SPDX-License-Identifier: Apache-2.0
// The real daemon for a browser test, as a person starts it: with `flags` alone.
import { hikyd } from '../system/support/daemon.mjs';
import { launch, pause } from '../system/support/processes.mjs';

const ready = /^hikyd ready on (https?):\/\/(\S+):(\d+)/;

// `tries`: after a kill the old Redis may hold the data folder for a moment.
export async function startDaemon({ port = 0, data, tries = 1, flags = [] }) {
  const args = ['--listen', `127.0.0.1:${port}`, '--data', data, ...flags];
  for (let left = tries; ; left -= 1) {
    try {
      const { match, stop } = await launch(hikyd, args, ready);
      const [, scheme, host, actual] = match;
      const url = `${scheme}://${host}:${actual}`;
      return { url, port: Number(actual), stop: () => stop('SIGTERM', 30_000), kill: () => stop('SIGKILL') };
    } catch (error) {
      if (left <= 1) throw error;
      await pause(500);
    }
  }
}

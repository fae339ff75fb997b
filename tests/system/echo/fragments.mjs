// SPDX-License-Identifier: Apache-2.0
// 5 Fragmentation, with control frames between.
import { chopped, closesWith, echoes, leavesWell } from '../support/echo.mjs';
import { closing, fragments, frame, op, ping, pong, text } from '../support/frames.mjs';
import { pause } from '../support/processes.mjs';

const two = fragments(op.text, ['fragment1', 'fragment2']);
const whole = 'fragment1fragment2';
const continuation = (payload, fin = true) => frame(op.continuation, payload, { fin });

const sent = {
  'in one piece': (peer, frames) => peer.send(...frames),
  'frame by frame': async (peer, frames) => {
    for (const each of frames) await peer.send(each);
  },
  'byte by byte': (peer, frames) => chopped(peer, Buffer.concat(frames), 1),
};

export const cases = {};
for (const [how, send] of Object.entries(sent)) {
  const refused = (name, ...frames) => {
    cases[`5 ${name}, ${how}`] = async (open) => {
      const peer = await open();
      await send(peer, [...frames, ping('late')]);
      await closesWith(peer, 1002);
    };
  };
  refused('a ping in two parts', ping('part1', { fin: false }), continuation('part2'));
  refused('a pong in two parts', pong('part1', { fin: false }), continuation('part2'));
  refused('a close in two parts', frame(op.close, '', { fin: false }), continuation(''));
  refused('a continuation of nothing', continuation('non-continuation payload'));
  refused('an open continuation of nothing', continuation('non-continuation payload', false));
  refused('a whole message inside one', text('fragment1', { fin: false }), text('fragment2'));
  refused('a message that begins inside one', text('fragment1', { fin: false }), frame(op.binary, 'fragment2', { fin: false }));

  cases[`5 two parts, ${how}`] = async (open) => {
    const peer = await open();
    await send(peer, two);
    await peer.receives(op.text, whole);
    await leavesWell(peer, closing(1000));
  };
  cases[`5 two parts with a ping and a pong between, ${how}`] = async (open) => {
    const peer = await open();
    await send(peer, [two[0], ping('pinged'), pong('ponged'), two[1]]);
    await peer.receives(op.pong, 'pinged');
    await peer.receives(op.text, whole);
    await leavesWell(peer, closing(1000));
  };
  cases[`5 a continuation behind a finished message, ${how}`] = async (open) => {
    const peer = await open();
    await send(peer, [...two, continuation('fragment3'), ping('late')]);
    await peer.receives(op.text, whole);
    await closesWith(peer, 1002);
  };
  cases[`5 five parts with pings between, twice, ${how}`] = async (open) => {
    const peer = await open();
    const parts = fragments(op.text, ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5']);
    for (let round = 0; round < 2; round += 1) {
      await send(peer, [parts[0], parts[1], ping('pongme 1!'), parts[2], parts[3], ping('pongme 2!'), parts[4]]);
      await peer.receives(op.pong, 'pongme 1!');
      await peer.receives(op.pong, 'pongme 2!');
      await peer.receives(op.text, 'fragment1fragment2fragment3fragment4fragment5');
    }
    await leavesWell(peer, closing(1000));
  };
}

cases['5 a ping is answered while the message waits for its rest'] = async (open) => {
  const peer = await open();
  await peer.send(two[0]);
  await pause(50);
  await echoes(peer, op.pong, 'now', ping('now'));
  await pause(50);
  await echoes(peer, op.text, whole, two[1]);
};
cases['5 empty parts'] = async (open) => {
  const peer = await open();
  await echoes(peer, op.text, '', ...fragments(op.text, ['', '', '']));
  await echoes(peer, op.binary, 'middle', ...fragments(op.binary, ['', 'middle', '']));
  await echoes(peer, op.text, 'end', ...fragments(op.text, ['', '', 'end']));
};

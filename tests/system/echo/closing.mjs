// SPDX-License-Identifier: Apache-2.0
// 7 The close handshake: its contents, and frames after it.
import assert from 'node:assert/strict';
import { closesWith, echoes, leavesWell } from '../support/echo.mjs';
import { closing, fragments, frame, op, ping, text } from '../support/frames.mjs';

export const cases = {
  '7.1.1 a message, then goodbye': async (open) => {
    const peer = await open();
    await echoes(peer, op.text, 'Hello World!', text('Hello World!'));
    await leavesWell(peer, closing(1000));
  },
  '7.1.2 goodbye twice': async (open) => {
    const peer = await open();
    await peer.send(closing(1000), closing(1000));
    await closesWith(peer, 1000);
  },
  '7.1.3 a ping behind the goodbye is not answered': async (open) => {
    const peer = await open();
    await peer.send(closing(1000), ping());
    await closesWith(peer, 1000);
  },
  '7.1.4 a message behind the goodbye is not answered': async (open) => {
    const peer = await open();
    await peer.send(closing(1000), text('Hello World!'));
    await closesWith(peer, 1000);
  },
  '7.1.5 goodbye in the middle of a message': async (open) => {
    const peer = await open();
    const [first, second] = fragments(op.text, ['fragment1', 'fragment2']);
    await peer.send(first, closing(1000), second);
    await closesWith(peer, 1000);
  },
  '7.1.6 requests from before the goodbye are answered': async (open) => {
    const peer = await open();
    const large = Buffer.alloc(256 * 1024, 'x');
    await peer.send(text(large), text('Hello World!'), closing(1000), ping());
    await peer.receives(op.text, large);
    await peer.receives(op.text, 'Hello World!');
    await closesWith(peer, 1000);
  },
  '7.1.7 rubbish behind the goodbye': async (open) => {
    const peer = await open();
    await peer.send(closing(1000), Buffer.alloc(100_000, 0xff));
    await closesWith(peer, 1000);
  },
  '7.3.1 a goodbye without a code': async (open) => {
    const peer = await open();
    await peer.send(closing());
    assert.equal((await peer.closed()).code, undefined);
    await peer.ends();
  },
  '7.3.2 a goodbye of one byte': async (open) => {
    const peer = await open();
    await peer.send(frame(op.close, 'a'));
    await closesWith(peer, 1002);
  },
  '7.3.5 the longest reason there can be': async (open) => leavesWell(await open(), closing(1000, 'x'.repeat(123))),
  '7.3.6 a longer one': async (open) => {
    const peer = await open();
    await peer.send(closing(1000, 'x'.repeat(124)));
    await closesWith(peer, 1002);
  },
  '7.5.1 a reason that is not UTF-8': async (open) => {
    const peer = await open();
    await peer.send(closing(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')));
    await closesWith(peer, 1007);
  },
  '7.14 the connection ends without a goodbye': async (open) => {
    const [peer, other] = [await open(), await open()];
    await peer.send(text('half', { fin: false }));
    peer.destroy();
    await echoes(other, op.text, 'still here', text('still here'));
  },
  '7.15 half a connection: the peer has nothing more to say, but listens': async (open) => {
    const peer = await open();
    await peer.send(text('last words'));
    peer.socket.end();
    await peer.receives(op.text, 'last words');
    assert.deepEqual(await peer.closed(), { code: 1000, reason: 'the connection ended without a close frame' });
    await peer.ends();
  },
};
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  cases[`7.7 the code ${code} comes back`] = async (open) => {
    const peer = await open();
    await peer.send(closing(code, 'why'));
    assert.equal((await peer.closed()).code, code);
    await peer.ends();
  };
}
for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
  cases[`7.9 the code ${code} may not be sent`] = async (open) => {
    const peer = await open();
    await peer.send(closing(code, 'why'));
    await closesWith(peer, 1002);
  };
}

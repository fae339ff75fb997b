// SPDX-License-Identifier: Apache-2.0
// RFC 6455 as the data path speaks it, with frames that leave by send.
import { cases as framing } from './echo/framing.mjs';
import { opcodes, pings, reserved } from './echo/control.mjs';
import { cases as fragments } from './echo/fragments.mjs';
import { cases as utf8 } from './echo/utf8.mjs';
import { cases as closing } from './echo/closing.mjs';
import { cases as limits } from './echo/limits.mjs';
import { cases as deflate } from './echo/deflate.mjs';
import { conformance } from './support/echo.mjs';

conformance('send', { framing, pings, reserved, opcodes, fragments, utf8, closing, limits, deflate });

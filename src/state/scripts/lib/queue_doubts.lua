-- SPDX-License-Identifier: Apache-2.0
-- include lib/spoilt.lua
-- include lib/mailbox_cap.lua
-- include lib/mailbox_room.lua
-- Doubted messages (lib/doubt.lua) become mail, the newest that fit, and the others are counted. Returns whether mail
-- waits now.
local function queue_doubts(doubts, mailbox, dropped)
  local messages, fit, bytes, oldest_first = doubts.messages, 0, 0, {}
  for i, message in ipairs(messages) do
    bytes = bytes + #message[3]
    if bytes <= mailbox_bytes then fit = i end
  end
  for i = fit, 1, -1 do oldest_first[#oldest_first + 1] = messages[i][3] end
  local lost = doubts.skipped + #messages - fit
  if #oldest_first > 0 then unless_spoilt('LPUSH', mailbox, unpack(oldest_first)) end
  local length = unless_spoilt('LLEN', mailbox) or 0
  lost = lost + cap_mailbox(mailbox, length)
  -- Mail that was there before keeps its room, be it another program's. Only where mail is added, the oldest makes
  -- room.
  if #oldest_first > 0 then lost = lost + make_room(mailbox, 0) end
  if lost > 0 then unless_spoilt('INCRBY', dropped, lost) end
  return length > 0
end

-- SPDX-License-Identifier: Apache-2.0
-- How much of Redis's memory mail may take, in bytes: a mailbox; and one message in all mailboxes together. A hundred
-- messages of 2.6 KB never reach the first, and in the largest room that fills mailboxes (5,000 members) one of these
-- never reaches the second.
local mailbox_bytes, message_bytes, small_bytes = 262144, 16777216, 2621

-- Makes room for a message of `size` bytes: forgets the oldest. Returns how many it forgot. Redis tells how much a
-- mailbox takes, after a look at a few pieces; where it may not be asked (an ACL without MEMORY), the messages are
-- counted.
local function make_room(mailbox, size)
  local used = redis.pcall('MEMORY', 'USAGE', mailbox, 'SAMPLES', 0)
  if type(used) == 'table' then
    used = 0
    local messages = redis.pcall('LRANGE', mailbox, 0, -1)
    for _, message in ipairs(messages.err and {} or messages) do used = used + #message end
  end
  local lost = 0
  while (used or 0) + size > mailbox_bytes do
    local oldest = redis.pcall('RPOP', mailbox)
    if type(oldest) ~= 'string' then break end
    used, lost = used - #oldest, lost + 1
  end
  return lost
end

-- SPDX-License-Identifier: Apache-2.0
-- A mailbox holds at most so many messages (offline_messages.hpp says the same; mailbox.cpp compares the two).
local mailbox_cap = 100

-- Forgets the oldest of `length` messages, down to the cap. Returns how many it forgot.
local function cap_mailbox(mailbox, length)
  local over = length - mailbox_cap
  if over <= 0 then return 0 end
  -- A full mailbox loses exactly one, and RPOP costs two thirds of LTRIM.
  if over == 1 then redis.call('RPOP', mailbox) else redis.call('LTRIM', mailbox, 0, mailbox_cap - 1) end
  return over
end

-- SPDX-License-Identifier: Apache-2.0
-- Mail that a connection has claimed and not confirmed waits again, behind mail that came since. `ask` is redis.call,
-- or returns false where a key is of another type (lib/spoilt.lua).
local function give_back(ask, inflight, mailbox)
  local claimed, all = ask('LRANGE', inflight, 0, -1), true
  if claimed and #claimed == 0 then return end
  for _, message in ipairs(claimed or {}) do all = ask('RPUSH', mailbox, message) and all end
  if all then ask('DEL', inflight) end
end

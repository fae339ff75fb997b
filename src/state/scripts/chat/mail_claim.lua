-- SPDX-License-Identifier: Apache-2.0
-- Takes a user's queue for one connection. Nothing is deleted: the mail waits in flight until it is confirmed, and
-- disconnect.lua puts back messages that were not. A connection that Redis takes for ended (its instance was silent and
-- has been swept) gets nothing: nobody would put it back.
-- KEYS 1 offline_messages:{u}  2 offline_inflight:{u}:{c}  3 offline_dropped:{u}  4 user_connections:{u}
--      [5 given:{u}:{c} of the client's earlier connection]
-- ARGV 1 connection
--      [2 the newest message that was looked at or ``  3 how many were  4… of these, newest being 0 and in ascending
--      order, the ones to take: the rest goes on waiting]
-- Returns { how many the cap has dropped, the messages that the earlier connection was given or ``, message… newest
--      first }, or { -1 } when the queue is another than was looked at
-- include lib/mailbox_cap.lua
-- include lib/give_back.lua
local mailbox, inflight, dropped, user_connections, given_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local connection, newest, count = ARGV[1], ARGV[2], ARGV[3]
local first_chosen = 4

local call = redis.call
if call('HEXISTS', user_connections, connection) == 0 then return { 0, '' } end
give_back(call, inflight, mailbox)
local waiting = call('LLEN', mailbox)
local lost = cap_mailbox(mailbox, waiting)
if lost > 0 then call('INCRBY', dropped, lost) end
local missed = tonumber(call('GET', dropped) or 0)
local given = given_key and call('GET', given_key) or ''
if newest then
  if (call('LINDEX', mailbox, 0) or '') ~= newest or waiting - lost ~= tonumber(count) then return { -1 } end
  local next, rest = first_chosen, {}
  for i, message in ipairs(call('LRANGE', mailbox, 0, -1)) do
    if tonumber(ARGV[next] or -1) == i - 1 then
      call('RPUSH', inflight, message)
      next = next + 1
    else
      rest[#rest + 1] = message
    end
  end
  call('DEL', mailbox)
  if #rest > 0 then call('RPUSH', mailbox, unpack(rest)) end
  if next == first_chosen then return { 0, given } end  -- the number of dropped messages is told with mail
else
  if waiting == 0 then return { missed, given } end
  call('RENAME', mailbox, inflight)
end
local out = call('LRANGE', inflight, 0, -1)
table.insert(out, 1, given)
table.insert(out, 1, missed)
return out

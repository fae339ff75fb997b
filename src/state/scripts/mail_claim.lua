-- SPDX-License-Identifier: Apache-2.0
-- Takes a user's queue for one connection. Nothing is deleted: it waits in flight until it is confirmed, and disconnect.lua puts back what
-- was not. A connection that Redis takes for ended (its instance was silent and has been swept) gets nothing: nobody would put it back.
-- KEYS 1 offline_messages:{u}  2 offline_inflight:{u}:{c}  3 offline_dropped:{u}  4 user_connections:{u}
--      [5 given:{u}:{c} of the client's earlier connection]
-- ARGV 1 connection  [2 the newest message that was looked at or ``  3 how many were  4… of these, newest being 0 and in ascending order, the ones to
--      take: the rest goes on waiting]
-- Returns { how many the cap has dropped, what the earlier connection was given or ``, message… newest first }, or { -1 } when the queue is
--      another than was looked at
local call = redis.call
local mailbox, inflight, dropped = KEYS[1], KEYS[2], KEYS[3]
if call('HEXISTS', KEYS[4], ARGV[1]) == 0 then return { 0, '' } end
local claimed_before = call('LRANGE', inflight, 0, -1)
if #claimed_before > 0 then
  for _, message in ipairs(claimed_before) do call('RPUSH', mailbox, message) end
  call('DEL', inflight)
end
local over = call('LLEN', mailbox) - 100
if over > 0 then
  call('LTRIM', mailbox, 0, 99)
  call('INCRBY', dropped, over)
end
local missed = tonumber(call('GET', dropped) or 0)
local given = KEYS[5] and call('GET', KEYS[5]) or ''
if ARGV[2] then
  if (call('LINDEX', mailbox, 0) or '') ~= ARGV[2] or call('LLEN', mailbox) ~= tonumber(ARGV[3]) then return { -1 } end
  local next, rest = 4, {}
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
  if next == 4 then return { 0, given } end  -- what the cap has dropped is told with mail
else
  if call('EXISTS', mailbox) == 0 then return { missed, given } end
  call('RENAME', mailbox, inflight)
end
local out = call('LRANGE', inflight, 0, -1)
table.insert(out, 1, given)
table.insert(out, 1, missed)
return out

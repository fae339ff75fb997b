-- SPDX-License-Identifier: Apache-2.0
-- Some connections and their users as Redis knows them, for an instance that may have missed a notice.
-- KEYS 1 online_users
-- ARGV 1 prefix member_rooms  2 prefix offline_messages  3 prefix user_connections  4 prefix banned
--      5 prefix kicked  6 prefix offline_inflight  7… user, connection, …
-- Returns { Redis TIME in ms, { 1 when the connection is known and its user online else 0, messages that wait or are in
--      flight to the connection, seconds for which the user is kept out (0: not), the latest kick (kick.lua; 0: none
--      lately), room… }… }: the rooms the user belongs to
-- A key that another program has made another type holds nothing: its user belongs to no room, and no mail waits.
-- include lib/now.lua
local online_users = KEYS[1]
local rooms_of, mailbox_of, connections_of, banned_of, kicked_of, inflight_of = unpack(ARGV, 1, 6)
local first = 7

local call = redis.call
local out = { now }
for i = first, #ARGV, 2 do
  local user, connection = ARGV[i], ARGV[i + 1]
  local seen = redis.pcall('SMEMBERS', rooms_of .. user)
  if seen.err then seen = {} end
  local known = redis.pcall('HEXISTS', connections_of .. user, connection) == 1
    and call('SISMEMBER', online_users, user) == 1
  local waiting = 0
  for _, list in ipairs({ mailbox_of .. user, inflight_of .. user .. ':' .. connection }) do
    local length = redis.pcall('LLEN', list)
    if type(length) == 'number' then waiting = waiting + length end
  end
  table.insert(seen, 1, tonumber(redis.pcall('GET', kicked_of .. user) or 0) or 0)
  table.insert(seen, 1, math.max(call('TTL', banned_of .. user), 0))
  table.insert(seen, 1, waiting)
  table.insert(seen, 1, known and 1 or 0)
  table.insert(out, seen)
end
return out

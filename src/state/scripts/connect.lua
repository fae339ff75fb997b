-- SPDX-License-Identifier: Apache-2.0
-- A connection of a user begins (the document's flow 1, by connection id). Also syncs the user's rooms.
-- Who is banned stays out, and nothing changes. Who has too many connections loses the oldest: they may be those of a device that is
-- long gone, and to refuse the newest would lock out a user who has just come back.
-- KEYS 1 user_connections:{u}  2 instance_connections:{i}  3 online_users  4 clients  5 user_rooms:{u}  6 member_rooms:{u}
--      7 offline_messages:{u}  8 pending_offline  9 banned:{u}  10 instances  11 kicked:{u}  12 clock  13 left:{u}
-- ARGV 1 user  2 connection  3 connection's JSON  4 client metadata JSON object (not empty)
--      (times in ms are added to the connection's JSON: `at`, since when it hears its rooms. Before it `all`, where a token for some rooms has
--      been followed by one for all: since when it hears all of them. Before that `some`, where a token for some rooms has followed another:
--      until when it may have heard others)
--      5 prefix room_participants  6 prefix room_members  7 prefix room_absent  8 most connections (0: no limit)
--      9 prefix of instance channels  10 close code of replaced connections
--      11 whether the user belongs to the rooms: `enters`; or `known`: unless the user has left them (leave.lua), since Redis has perhaps lost
--         its data; or `none`: as Redis says, but like `known` while the instance has no lease of its own: nobody may have noticed a loss yet
--      12 the connection's instance  13 lease in ms
--      14 prefix joined_room_participants
--      15 when the latest message of its rooms was said, in ms
--      16 prefix room_head
--      17 until when Redis may have forgotten who left a room, in ms  18 when the rooms were known last, in ms: not before that, or they are none
--      19… room, `open` if the connection has it open or ``, …
-- Returns { connections the user has now, 1 if friends still take the user for online, messages that wait, the connection's `at`,
--      the latest kick (kick.lua; 0: none lately), room… }: the rooms the user belongs to
--      or { -1, seconds for which the user is still kept out, 0 }
-- include lib/rooms_heard.lua
-- include lib/room_entry.lua
local user, connection = ARGV[1], ARGV[2]
local kept_out = redis.call('PTTL', KEYS[9])
if kept_out ~= -2 then return { -1, math.ceil(math.max(kept_out, 0) / 1000), 0 } end
-- A mailbox that another program has spoilt keeps nobody out; sets that are none do, before anything has changed.
local waiting = redis.pcall('LLEN', KEYS[7])
if type(waiting) ~= 'number' then waiting = 0 end
redis.call('SCARD', KEYS[5])
redis.call('SCARD', KEYS[6])
-- A connection that is asserted again keeps its time: it has heard its rooms all along.
local known = redis.call('HGET', KEYS[1], connection)
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local at = known and known:match('"at":(%d+)}$') or select(2, time_from(KEYS[12], tonumber(ARGV[15])))
local for_some = ARGV[3]:find('"rooms":', 1, true)
local all_since = not for_some and known and (known:match('"all":(%d+),"at":%d+}$') or known:find('"rooms":', 1, true) and select(2, time_from(KEYS[12], tonumber(ARGV[15]))))
local function rooms_in(json) return json:match('"rooms":(%b[])') or '' end
local until_some = for_some and known and (rooms_in(known) ~= rooms_in(ARGV[3]) and select(2, time_from(KEYS[12], tonumber(ARGV[15]))) or
  known:match('"some":(%d+),"'))
redis.call('HSET', KEYS[1], connection, ARGV[3]:sub(1, -2) .. (until_some and ',"some":' .. until_some or '') .. (all_since and ',"all":' .. all_since or '') .. ',"at":' .. at .. '}')
redis.call('HSET', KEYS[2], connection, user)
-- Every connection is of an instance that has a lease, perhaps an ended one: otherwise nobody would ever undo it. This
-- one ends in .5, by which lease_renew.lua knows that the instance has yet to learn that it was forgotten.
local lease = redis.call('ZSCORE', KEYS[10], ARGV[12])
local remembered = lease and tonumber(lease) % 1 == 0
if not lease then redis.call('ZADD', KEYS[10], now + ARGV[13] + 0.5, ARGV[12]) end
local was_online = redis.call('SADD', KEYS[3], user) == 0
local count = redis.call('HLEN', KEYS[1])
-- An entry that counts no connections is of another program on the same Redis (the document's own service), which has a
-- connection of the user, too. Ours takes its place and remembers it: disconnect.lua must not take the user offline
-- then.
local function has_neighbour(entry)
  if not entry or not was_online then return false end
  if entry:find('"connections":%d+}$') then return entry:find('"neighbour":true,"connections":%d+}$') ~= nil end
  local ok, about = pcall(cjson.decode, entry)
  return ok and type(about) == 'table' and type(about.connectedAt) == 'string'
end
local neighbour = has_neighbour(redis.call('HGET', KEYS[4], user)) and ',"neighbour":true' or ''
redis.call('HSET', KEYS[4], user, ARGV[4]:sub(1, -2) .. neighbour .. ',"connections":' .. count .. '}')
local most = tonumber(ARGV[8])
if most > 0 and count > most and not known then
  local all, held = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #all, 2 do
    local ok, about = pcall(cjson.decode, all[i + 1])
    if all[i] ~= connection and ok and type(about) == 'table' and type(about.instance) == 'string' then
      table.insert(held, { tonumber(about.at) or 0, all[i], about.instance })
    end
  end
  table.sort(held, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  for i = 1, math.min(count - most, #held) do
    redis.call('PUBLISH', ARGV[9] .. held[i][3],
      'k ' .. user .. '\n' .. ARGV[10] .. ' ' .. held[i][2] .. ' replaced: at most ' .. most .. ' connections per user')
  end
end
local fresh = {}
local enters = ARGV[11] == 'enters'
local known_in_time = (ARGV[11] == 'known' or not remembered) and tonumber(ARGV[18]) >= now - ARGV[17]
if enters or known_in_time then
  for i = 19, #ARGV, 2 do
    local room = ARGV[i]
    if enters then redis.pcall('HDEL', KEYS[13], room) end
    if enters or redis.pcall('HEXISTS', KEYS[13], room) ~= 1 then
      if redis.call('SADD', KEYS[6], room) == 1 then table.insert(fresh, room) end
      redis.call('SADD', ARGV[6] .. room, user)
    end
  end
end
-- In a room that none of the user's connections may hear, the user takes no part: its messages wait.
local rooms = redis.call('SMEMBERS', KEYS[6])
local hears = for_some and rooms_heard(redis.call('HVALS', KEYS[1]))
for _, room in ipairs(rooms) do
  if not hears or hears(room) then
    redis.call('SADD', ARGV[5] .. room, user)
    redis.call('SREM', ARGV[7] .. room, user)
    redis.call('SADD', KEYS[5], room)
  else
    redis.call('SREM', ARGV[5] .. room, user)
    redis.call('SREM', ARGV[14] .. room, user)
    redis.call('SREM', KEYS[5], room)
    redis.call('SADD', ARGV[7] .. room, user)
  end
end
for i = 19, #ARGV, 2 do
  if ARGV[i + 1] == 'open' and redis.call('SISMEMBER', KEYS[5], ARGV[i]) == 1 then redis.call('SADD', ARGV[14] .. ARGV[i], user) end
end
-- To the user's other connections, too, these rooms are new.
local connections = #fresh > 0 and count > 1 and redis.call('HGETALL', KEYS[1]) or {}
for _, room in ipairs(#connections > 0 and fresh or {}) do
  local time, place = entry_now(ARGV[16] .. room, KEYS[12])
  tell_entry(user, room, time, place, connections, connection, ARGV[9])
end
table.insert(rooms, 1, tonumber(redis.pcall('GET', KEYS[11]) or 0) or 0)
table.insert(rooms, 1, at)
table.insert(rooms, 1, waiting)
-- A claim ends in .5 (announce_due.lua): rooms have been told of the absence, and friends are being told.
local due = redis.call('ZSCORE', KEYS[8], user)
if due then redis.call('ZREM', KEYS[8], user) end
table.insert(rooms, 1, due and tonumber(due) % 1 == 0 and 1 or 0)
table.insert(rooms, 1, count)
return rooms

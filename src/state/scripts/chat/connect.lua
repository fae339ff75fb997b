-- SPDX-License-Identifier: Apache-2.0
-- A connection of a user begins (the document's flow 1, by connection id). Also syncs the user's rooms.
-- A banned user stays out, and nothing changes. A user with too many connections loses the oldest: they may be those of
-- a device that is long gone, and to refuse the newest would lock out a user who has just come back.
-- KEYS 1 user_connections:{u}  2 instance_connections:{i}  3 online_users  4 clients  5 user_rooms:{u}
--      6 member_rooms:{u}  7 offline_messages:{u}  8 pending_offline  9 banned:{u}  10 instances  11 kicked:{u}
--      12 clock  13 left:{u}
-- ARGV 1 user  2 connection  3 connection's JSON  4 client metadata JSON object (not empty)
--      (times in ms are added to the connection's JSON: `at`, since when it hears its rooms. Before it `all`, where a
--      token for some rooms has been followed by one for all: since when it hears all of them. Before that `some`,
--      where a token for some rooms has followed another: until when it may have heard others)
--      5 prefix room_participants  6 prefix room_members  7 prefix room_absent  8 most connections (0: no limit)
--      9 prefix of instance channels  10 close code of replaced connections
--      11 why the user is a member of the rooms: `granted`, by the directory; `remembered`, unless the user has left
--         them (leave.lua), since Redis has perhaps lost its data; `stored`, of those of which Redis says so, but like
--         `remembered` while the instance has no lease of its own: nobody may have noticed a loss yet
--      12 the connection's instance  13 lease in ms
--      14 prefix joined_room_participants
--      15 when the latest message of its rooms was said, in ms
--      16 prefix room_head
--      17 for how many ms Redis remembers that a user left a room  18 when the rooms were known last, in ms: if that is
--         longer ago, they do not count
--      19… room, `open` if the connection has it open or ``, …
-- Returns { connections the user has now, 1 if friends still take the user for online, messages that wait, the
--      connection's `at`, the latest kick (kick.lua; 0: none lately), room… }: the rooms the user belongs to
--      or { -1, seconds for which the user is still kept out, 0 }
-- include lib/now.lua
-- include lib/time_from.lua
-- include lib/instance_of.lua
-- include lib/in_portions.lua
-- include lib/rooms_text.lua
-- include chat/bus_letters.hpp
local user_connections, listed, online_users, clients, user_rooms, member_rooms, mailbox, pending_offline, banned,
  instances, kicked, clock, left = unpack(KEYS)
local user, connection, json, client, participants_of, members_of, absentees_of, most, instance_channel_of, close_code,
  basis, instance, lease_ms, joined_of, newest, head_of, forgotten_ms, known_ms = unpack(ARGV, 1, 18)
local first_room = 19
most, newest = tonumber(most), tonumber(newest)

local kept_out = redis.call('PTTL', banned)
if kept_out ~= -2 then return { -1, math.ceil(math.max(kept_out, 0) / 1000), 0 } end
-- A mailbox that another program has spoilt keeps nobody out. A spoilt set of rooms does, before anything has changed.
local waiting = redis.pcall('LLEN', mailbox)
if type(waiting) ~= 'number' then waiting = 0 end
redis.call('SCARD', user_rooms)
local rooms = redis.call('SMEMBERS', member_rooms)

-- A connection that is asserted again keeps its time: it has heard its rooms all along.
local known = redis.call('HGET', user_connections, connection)
local function since_now() return select(2, time_from(clock, newest)) end
local at = known and known:match('"at":(%d+)}$') or since_now()
local for_some = json:find('"rooms":', 1, true)
local all_since = not for_some and known and
  (known:match('"all":(%d+),"at":%d+}$') or known:find('"rooms":', 1, true) and since_now())
local some_until = for_some and known and
  (rooms_text(known) ~= rooms_text(json) and since_now() or known:match('"some":(%d+),"'))
redis.call('HSET', user_connections, connection, json:sub(1, -2) .. (some_until and ',"some":' .. some_until or '') ..
  (all_since and ',"all":' .. all_since or '') .. ',"at":' .. at .. '}')
redis.call('HSET', listed, connection, user)

-- Every connection is of an instance that has a lease, perhaps an ended one: otherwise nobody would ever undo it. This
-- one ends in .5, by which lease_renew.lua knows that the instance has yet to learn that it was forgotten.
local lease = redis.call('ZSCORE', instances, instance)
local has_lease = lease and tonumber(lease) % 1 == 0
if not lease then redis.call('ZADD', instances, now + lease_ms + 0.5, instance) end

-- Another program's entry in clients is replaced, and remembered: disconnect.lua must not take the user offline then.
local was_online = redis.call('SADD', online_users, user) == 0
local count = redis.call('HLEN', user_connections)
local neighbour = ''
if was_online then
  -- include lib/neighbour.lua
  if has_neighbour(redis.call('HGET', clients, user)) then neighbour = ',"neighbour":true' end
end
redis.call('HSET', clients, user, client:sub(1, -2) .. neighbour .. ',"connections":' .. count .. '}')

if most > 0 and count > most and not known then
  local all, held = redis.call('HGETALL', user_connections), {}
  for i = 1, #all, 2 do
    local its_instance, about = instance_of(all[i + 1])
    if all[i] ~= connection and its_instance then
      table.insert(held, { tonumber(about.at) or 0, all[i], its_instance })
    end
  end
  table.sort(held, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  for i = 1, math.min(count - most, #held) do
    redis.call('PUBLISH', instance_channel_of .. held[i][3],
      bus.ending .. user .. '\n' .. close_code .. ' ' .. held[i][2] .. ' replaced: at most ' .. most ..
      ' connections per user')
  end
end

local fresh = {}
local granted = basis == 'granted'
local remembered = (basis == 'remembered' or not has_lease) and tonumber(known_ms) >= now - forgotten_ms
if (granted or remembered) and #ARGV >= first_room then
  local belongs, named = {}, {}
  for _, room in ipairs(rooms) do belongs[room] = true end
  local all_count = granted or redis.call('EXISTS', left) == 0  -- mostly: Redis has lost that, too
  for i = first_room, #ARGV, 2 do
    local room = ARGV[i]
    named[#named + 1] = room
    if all_count or redis.pcall('HEXISTS', left, room) ~= 1 then
      if not belongs[room] then
        belongs[room] = true
        fresh[#fresh + 1] = room
        rooms[#rooms + 1] = room
      end
      redis.call('SADD', members_of .. room, user)
    end
  end
  in_portions(redis.call, 'SADD', member_rooms, fresh)
  if granted then in_portions(redis.pcall, 'HDEL', left, named) end
end
-- In a room that none of the user's connections may hear, the user takes no part: its messages wait.
local heard, unheard, hears = {}, {}, nil
if for_some then
  -- include lib/rooms_heard.lua
  hears = rooms_heard(redis.call('HVALS', user_connections))
end
for _, room in ipairs(rooms) do
  if not hears or hears(room) then
    redis.call('SADD', participants_of .. room, user)
    redis.call('SREM', absentees_of .. room, user)
    heard[#heard + 1] = room
  else
    redis.call('SREM', participants_of .. room, user)
    redis.call('SREM', joined_of .. room, user)
    redis.call('SADD', absentees_of .. room, user)
    unheard[#unheard + 1] = room
  end
end
in_portions(redis.call, 'SADD', user_rooms, heard)
in_portions(redis.call, 'SREM', user_rooms, unheard)
for i = first_room, #ARGV, 2 do
  local room = ARGV[i]
  if ARGV[i + 1] == 'open' and redis.call('SISMEMBER', user_rooms, room) == 1 then
    redis.call('SADD', joined_of .. room, user)
  end
end
-- To the user's other connections, too, these rooms are new.
if #fresh > 0 and count > 1 then
  -- include lib/room_entry.lua
  local instances_told = instances_to_tell(redis.call('HGETALL', user_connections), connection)
  for _, room in ipairs(fresh) do
    local time, place = entry_now(head_of .. room, clock)
    tell_entry(user, room, time, place, instances_told, instance_channel_of)
  end
end

-- A claim ends in .5 (announce_due.lua): rooms have been told of the absence, and friends are being told.
local due = redis.call('ZSCORE', pending_offline, user)
if due then redis.call('ZREM', pending_offline, user) end
local unannounced = due and tonumber(due) % 1 == 0 and 1 or 0
local out = { count, unannounced, waiting, at, tonumber(redis.pcall('GET', kicked) or 0) or 0 }
for _, room in ipairs(rooms) do out[#out + 1] = room end
return out

-- SPDX-License-Identifier: Apache-2.0
-- Do the six sets of members and participants agree about some pairs of user and room? Found and mended in one step.
-- ARGV 1 `repair` or ``  2 prefix user_connections  3 prefix room_members  4 prefix member_rooms
--      5 prefix room_participants  6 prefix user_rooms  7 prefix joined_room_participants  8 prefix room_absent
--      9 prefix of instance channels  10 prefix room_head  11… user, room, …
-- Returns { { user, room, finding }… }. A key of another type counts as empty here; its type is a finding of its own.
-- include lib/now.lua
-- include lib/instance_of.lua
-- include lib/rooms_heard.lua
-- include chat/bus_letters.hpp
local mode, connections_of, members_of, member_rooms_of, participants_of, user_rooms_of, joined_of, absentees_of,
  instance_channel_of, head_of = unpack(ARGV, 1, 10)
local first = 11
local repair = mode == 'repair'

local call, out = redis.pcall, {}
-- A user's connections, which no pair changes: their values, and which rooms they hear. Many pairs have one user.
local held = {}
local function connections_held(user)
  if held[user] then return held[user] end
  local connections, jsons = call('HGETALL', connections_of .. user), {}
  for c = 2, #connections, 2 do jsons[#jsons + 1] = connections[c] end
  held[user] = { jsons = jsons, hears = rooms_heard(jsons) }
  return held[user]
end
for i = first, #ARGV, 2 do
  local user, room = ARGV[i], ARGV[i + 1]
  local members, member_rooms = members_of .. room, member_rooms_of .. user
  local participants, user_rooms = participants_of .. room, user_rooms_of .. user
  local joiners, absentees = joined_of .. room, absentees_of .. room
  local function has(key, what) return call('SISMEMBER', key, what) == 1 end
  local function tell(finding) table.insert(out, { user, room, finding }) end
  local function mend(command, key, what)
    if repair then call(command, key, what) end
  end

  local connections = connections_held(user)
  local jsons = connections.jsons
  local here = #jsons > 0 and connections.hears(room)  -- with a connection that may hear the room
  local member, listed = has(members, user), has(member_rooms, room)
  local takes_part, knows = has(participants, user), has(user_rooms, room)
  local joined, absent = has(joiners, user), has(absentees, user)

  if member ~= listed then
    tell(member and 'member_without_room' or 'room_without_member')
    mend('SADD', members, user)
    mend('SADD', member_rooms, room)
    member = true
  end
  if not here then
    if takes_part then tell('participant_without_connection') mend('SREM', participants, user) takes_part = false end
    if knows then tell('rooms_without_connection') mend('SREM', user_rooms, room) end
    if member and not absent then tell('absence_not_counted') mend('SADD', absentees, user) absent = true end
  else
    if member and not takes_part then
      tell('member_takes_no_part')
      mend('SADD', participants, user)
      mend('SADD', user_rooms, room)
      takes_part = true
      -- The instances that hold the user must hear the room from now on, or messages would be neither sent nor queued.
      local head = call('HMGET', head_of .. room, 'epoch', 'seq')
      if head.err then head = {} end
      local place = string.format('%.0f %s %s ', now, head[1] or '', head[2] or '0')
      local told = {}
      for _, json in ipairs(repair and jsons or {}) do
        local instance = instance_of(json)
        if instance and not told[instance] then
          told[instance] = true
          call('PUBLISH', instance_channel_of .. instance, bus.entry .. user .. '\n' .. place .. room)
        end
      end
    elseif takes_part ~= knows then
      tell('half_joined')
      if takes_part then mend('SADD', user_rooms, room) else mend('SREM', user_rooms, room) end
    end
    if absent then tell('absent_but_here') mend('SREM', absentees, user) absent = false end
  end
  if joined and not takes_part then tell('joined_without_part') mend('SREM', joiners, user) end
  if absent and not member then tell('absent_without_membership') mend('SREM', absentees, user) end
end
return out

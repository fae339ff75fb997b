-- SPDX-License-Identifier: Apache-2.0
-- A connection of a user ends (the document's flow 6, by connection id: a late close never takes a newer connection
-- offline). Mail that it had claimed and not confirmed goes back to the queue, and so do messages that it has not shown
-- to have received. Redis itself removes sets that become empty, which is the document's removeRoomIfEmpty. State
-- changes at once; the announcement waits for the grace period (announce_due.lua), if there is one.
-- KEYS 1 user_connections:{u}  2 instance_connections:{i}  3 online_users  4 clients  5 user_rooms:{u}
--      6 typing_users  7 typing_users:{u}  8 last_seen:{u}  9 pending_offline
--      10 offline_messages:{u}  11 offline_inflight:{u}:{c}  12 offline_dropped:{u}  13 member_rooms:{u}
--      14 given:{u}:{c}  15 typing_marks
-- ARGV 1 user  2 connection  3 ISO time  4 prefix room_participants  5 prefix joined_room_participants
--      6 prefix of room channels  7 user as a JSON string  8 grace in ms  9 prefix room_log
--      10 `` or a time in ms: messages of the user's rooms since then may not have arrived (the instance is dead);
--         `began`: since the connection began (it never came to hear them)
--      11 prefix of instance channels  12 prefix room_head  13 prefix room_absent
--      14 since when messages of the rooms that are not named below are owed, in ms (0: since the connection began):
--         nobody told the instance of these rooms
--      15 the messages that the connection was given, for the client's next connection (mail_claim.lua)
--      16 how long these are kept in s, where they are in the mail
--      17… room, epoch, seq, last, …: how far this connection has surely shown to have received its rooms; messages
--         behind that, up to the last (0: all), it has not. With epoch `` it was given nothing yet, and both are times
--         in ms: since when it takes part (0: since it began), and until when
-- Returns the number of connections the user has left (one of a neighbour counts), or -1 when this one was not there.
-- include lib/connections_left.lua
-- include lib/give_back.lua
-- include lib/spoilt.lua
-- include lib/doubt.lua
-- include lib/debts.lua
-- include lib/queue_doubts.lua
-- include lib/end_typing.lua
-- include chat/bus_letters.hpp
local user_connections, listed, online_users, clients, user_rooms, typing_users, typing_user, last_seen,
  pending_offline, mailbox, inflight, dropped, member_rooms, given_key, typing_marks = unpack(KEYS)
local user, connection, iso_time, participants_of, joined_of, room_channel_of, user_json, grace, log_of, unheard_since,
  instance_channel_of, head_of, absentees_of, others_since, given, given_life = unpack(ARGV, 1, 16)
local first_room = 17
local call = redis.call

-- Out of memory, Redis refuses a script's first write if it needs memory, and none that follows. This one needs none,
-- and changes nothing.
call('HDEL', user_connections, '')

give_back(unless_spoilt, inflight, mailbox)
call('HDEL', listed, connection)
local json = call('HGET', user_connections, connection) or ''
local was_there = call('HDEL', user_connections, connection) == 1
local jsons, heard_since, instances = connections_left(user_connections)
local left = #jsons

-- Messages that may not have arrived go to the queue; a client that had them sees the same messageId twice.
local doubts = new_doubts(user, log_of)
if was_there then
  local began, some_until = tonumber(json:match('"at":(%d+)}$') or 0), tonumber(json:match('"some":(%d+),"'))
  local takes_part = {}
  for _, room in ipairs(call('SMEMBERS', user_rooms)) do takes_part[room] = true end
  if unheard_since == '' then
    doubt_named(doubts, takes_part, member_rooms, head_of, first_room, tonumber(others_since), began, heard_since)
  else
    -- Messages from before the connection began are not its debt.
    local since = unheard_since == 'began' and began or math.max(tonumber(unheard_since), began)
    doubt_all(doubts, takes_part, member_rooms, since, heard_since, some_until)
  end
end
local in_mail = queue_doubts(doubts, mailbox, dropped)
-- The mail may be another device's. And a device may be dead without anybody knowing; the latest messages then become
-- mail: for five minutes.
if given ~= '' and (in_mail or left > 0) then
  call('SET', given_key, given, 'EX', in_mail and given_life or math.min(300, given_life))
end
-- A user who is still here, or here again, gets it at once.
if left > 0 and call('EXISTS', mailbox) == 1 then
  for instance in pairs(instances) do call('PUBLISH', instance_channel_of .. instance, bus.mail .. user .. '\n') end
end

-- Redis knew nothing of the connection, yet the user took part in rooms through it: it joined them after all data had
-- been lost. Without a connection the user takes no part any more, or messages would be neither heard nor queued.
if not was_there and (left > 0 or call('EXISTS', user_rooms) == 0) then return -1 end
-- No timer will end the marks, be it that their instance is dead. If another connection types, it says so again.
if left == 0 or unheard_since ~= '' then
  end_typing(user, user_json, user_rooms, typing_users, typing_user, typing_marks, room_channel_of)
end

if left > 0 then
  -- include lib/rooms_heard.lua
  -- Rooms that this connection alone was allowed to hear.
  local hears, all = rooms_heard(jsons)
  for _, room in ipairs(all and {} or call('SMEMBERS', user_rooms)) do
    if not hears(room) then
      unless_spoilt('SREM', participants_of .. room, user)
      unless_spoilt('SREM', joined_of .. room, user)
      call('SREM', user_rooms, room)
      if call('SISMEMBER', member_rooms, room) == 1 then call('SADD', absentees_of .. room, user) end
    end
  end
  local client = call('HGET', clients, user)
  if client then call('HSET', clients, user, (client:gsub('"connections":%d+}$', '"connections":' .. left .. '}'))) end
  return left
end

-- include lib/neighbour.lua
-- With a connection of another program (connect.lua) the user stays, and the entry is that program's again. If that
-- program died without cleaning up, nobody can tell.
local client = call('HGET', clients, user)
if has_neighbour(client) and call('SISMEMBER', online_users, user) == 1 then
  call('HSET', clients, user, (client:gsub(',"neighbour":true,"connections":%d+}$', '}')))
  return 1
end

-- include lib/user_offline.lua
call('SREM', online_users, user)
call('DEL', typing_user)
for _, room in ipairs(call('SMEMBERS', user_rooms)) do
  unless_spoilt('SREM', participants_of .. room, user)
  unless_spoilt('SREM', joined_of .. room, user)
  if grace == '0' then call('PUBLISH', room_channel_of .. room, user_offline(user, user_json, room)) end
end
for _, room in ipairs(call('SMEMBERS', member_rooms)) do unless_spoilt('SADD', absentees_of .. room, user) end
call('DEL', user_rooms)
call('HDEL', clients, user)
call('SET', last_seen, iso_time)
if grace == '0' then return 0 end
-- include lib/now.lua
call('ZADD', pending_offline, now + grace, user)
return 0

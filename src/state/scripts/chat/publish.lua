-- SPDX-License-Identifier: Apache-2.0
-- A message to a room, as one step: idempotence, permission, order, history, mailboxes of the absent, broadcast.
-- KEYS 1 room_participants:{r}  2 room_members:{r}  3 room_head:{r}  4 room_log:{r}  5 online_users  6 room_absent:{r}
--      7 clock  [8 dedup of {r}, {u} and the clientMsgId: `messageId, time in ms in hexadecimal, digest of content`]
-- ARGV 1 sender  2 frame's JSON up to and without `,"timestamp"`  3 the room's channel
--      4 bus header's start (`m <connection> `)  5 messages kept in the log
--      6 the text behind the messageId in the bus header (` <when it came>`), or nothing
--      7 epoch  8 seq of the latest message that the sender's instance knows
--      9 a minute, in minutes since 1970, which is mostly the present one  10 the minute as text, `YYYY-MM-DDTHH:MM:`
--      11 prefix offline_messages  12 prefix offline_dropped  13 prefix user_connections
--      14 values that few messages need, with blanks between: epoch to begin if the room has none, the log's life in ms
--      (kept to within 1/24), largest room whose mailboxes are filled
--      [15 with KEYS 8: digest of the content (44 bytes are the most that Redis keeps in one piece with the value's
--      head); otherwise anything  16 life of dedup in s]
--      [17 `system`: the sender need not be a member, but some user must be in the room]
-- Returns { 1 stored, messageId, timestamp, mailboxes filled }, { 2 duplicate, messageId, timestamp }, { 3 } when the
--      clientMsgId stands for another content, or { 0 } when the sender is not a member (or, for `system`, nobody is)
-- include lib/iso8601.lua
local participants, members, head_key, log, online_users, absentees, clock, dedup = unpack(KEYS)
local sender, frame_start, room_channel, bus_start, kept, bus_end, known_epoch, known_seq, minute, minute_text, mailbox_of,
  dropped_of, connections_of, seldom, digest, dedup_life, system = unpack(ARGV)
local call, format, floor = redis.call, string.format, math.floor

if system then
  if call('EXISTS', members, participants) == 0 then return { 0 } end
elseif call('SISMEMBER', members, sender) == 0 and call('SISMEMBER', participants, sender) == 0 then return { 0 } end
if dedup then
  local before = call('GET', dedup)
  if before then
    local id, t, content = before:match('^(%S+) (%x+) (%S+)$')
    if content ~= digest then return { 3 } end
    return { 2, id, iso8601(tonumber(t, 16)) }
  end
end
local head = call('HMGET', head_key, 'epoch', 'renew_at', 'seq', 't')
local epoch, renew_at, seq, last = head[1], tonumber(head[2] or 0), tonumber(head[3] or 0), tonumber(head[4]) or 0
-- Behind the message that the sender's instance knows, Redis has lost the latest ones, whose numbers are taken.
local begins = not epoch or epoch == known_epoch and seq < tonumber(known_seq)
if begins then epoch, renew_at, seq = seldom:match('^%S+'), 0, 0 end
seq = format('%d', seq + 1)
local id = epoch .. ':' .. seq

-- A room's times never fall, and are behind none that a connection has begun at (lib/time_from.lua), though the clock
-- may step back (a replica's, after a failover): the messages that a connection has heard are found by them. They rise
-- only behind such a clock: several messages in one millisecond must not run ahead of all other times.
-- include lib/now.lua
local given = tonumber(redis.pcall('GET', clock)) or 0
local t = now < last and last + 1 or now
if given > t and given < t + 86400000 then t = given end
local of_the_minute = floor(t / 60000) == tonumber(minute)
local time = of_the_minute and minute_text .. format('%02d.%03dZ', floor(t % 60000 / 1000), t % 1000) or iso8601(t)
local frame = frame_start .. ',"timestamp":"' .. time .. '","messageId":"' .. id .. '","seq":' .. seq .. '}'

-- Comparing the sets costs a look-up per member and message, so the absent are counted instead. Only our scripts write
-- room_absent. Where another program has changed participants, the sum does not come out and the sets are compared
-- after all; where two such changes cancel out, a user who is missing from participants still has a connection of ours
-- and hears the message live.
local belong, absent, present = call('SCARD', members), call('SCARD', absentees), call('SCARD', participants)
local differ = belong - absent ~= present
local away = nil
if differ or absent > 0 then
  local largest_room = tonumber(seldom:match('%d+$'))
  if not differ then
    if belong <= largest_room then away = call('SMEMBERS', absentees) end
  elseif math.max(belong, present) <= largest_room then
    -- A user with a connection of ours hears the message live, though another program's disconnect has taken the user
    -- out; unless no connection may hear the room.
    away = {}
    for _, users in ipairs({ call('SDIFF', members, participants), call('SDIFF', participants, online_users) }) do
      for _, user in ipairs(users) do
        if call('EXISTS', connections_of .. user) == 0 or call('SISMEMBER', absentees, user) == 1 then
          table.insert(away, user)
        end
      end
    end
  end
end

-- The mailboxes come before the log: where Redis refuses them nothing has changed, and the sender is told so instead of
-- being promised the mail. A key that another program has spoilt is its user's loss, not the room's; any other refusal
-- is raised, by the same command.
local filled = 0
if away then
  -- include lib/mailbox_cap.lua
  -- include lib/mailbox_room.lua
  local function tolerant(command, key, value)
    local answer = redis.pcall(command, key, value)
    if type(answer) == 'number' then return answer end
    for _, spoilt in ipairs({ 'WRONGTYPE', 'not an integer', 'would overflow' }) do
      if answer.err:find(spoilt, 1, true) then return 0 end
    end
    return call(command, key, value)
  end
  -- A large message is queued for all users or, where its budget does not allow that, for none: it stays in history,
  -- and they are told of it.
  local is_large, fits = #frame > small_bytes, #frame * #away <= message_bytes and #frame <= mailbox_bytes
  for _, user in ipairs(away) do
    local mailbox = mailbox_of .. user
    if user == sender then  -- knows the message
    elseif not fits then
      tolerant('INCRBY', dropped_of .. user, 1)
    else
      filled = filled + 1
      local lost = is_large and make_room(mailbox, #frame) or 0
      local length = tolerant('LPUSH', mailbox, frame)
      if length > mailbox_cap then lost = lost + cap_mailbox(mailbox, length) end
      if lost > 0 then tolerant('INCRBY', dropped_of .. user, lost) end
    end
  end
end

local said = format('%.0f', t)
-- Behind a clock that stepped back, a connection that begins next would take this for one that it hears.
if t > now and t > given then call('SET', clock, said) end
if begins then
  call('DEL', head_key, log)
  call('HSET', head_key, 'epoch', epoch, 'seq', seq, 't', said)
else
  call('HSET', head_key, 'seq', seq, 't', said)
end
-- A log takes 8 MiB of Redis's memory; a thousand messages of 8 KB never reach that. Beyond it the newest 6 MiB stay.
-- Where Redis may not be asked (an ACL without MEMORY), the count of messages alone bounds the log.
local about = '~'
if #frame > 8192 then
  local used = redis.pcall('MEMORY', 'USAGE', log)
  if type(used) == 'number' and used > 8388608 then about, kept = '=', floor(6291456 / #frame) end
end
call('XADD', log, 'MAXLEN', about, kept, seq .. '-0', 'm', frame, 'c', bus_start:sub(3, -2), 's', sender, 't', said)
-- Renewing the life with every message would be one more command in the append-only file each time.
local seconds = floor(t / 1000)
if seconds >= renew_at then
  local log_life = tonumber(seldom:match('^%S+ (%S+)'))
  call('PEXPIRE', log, log_life)
  call('PEXPIRE', head_key, log_life * 30)  -- numbers go on long after the messages are forgotten, but not for ever
  call('HSET', head_key, 'renew_at', format('%d', seconds + floor(log_life / 24000)))
end
call('PUBLISH', room_channel, bus_start .. id .. bus_end .. '\n' .. frame)
if dedup then call('SET', dedup, id .. ' ' .. format('%x', t) .. ' ' .. digest, 'EX', dedup_life) end
return { 1, id, time, filled }

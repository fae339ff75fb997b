-- SPDX-License-Identifier: Apache-2.0
-- A message to a room, as one step: idempotence, permission, order, history, mailboxes of the absent, and the broadcast.
-- KEYS 1 room_participants:{r}  2 room_members:{r}  3 room_head:{r}  4 room_log:{r}  5 online_users  6 room_absent:{r}
--      7 clock  [8 dedup of {r}, {u} and the clientMsgId]: `messageId, time in ms in hexadecimal, digest of the content`
-- ARGV 1 sender  2 frame's JSON up to and without `,"timestamp"`  3 the room's channel  4 bus header's start (`m <connection> `)
--      5 epoch to begin if the room has none  6 prefix offline_messages  7 prefix offline_dropped
--      8 messages kept in the log  9 the log's life in ms, kept to within 1/24  10 largest room whose mailboxes are filled  11 life of dedup in s
--      12 epoch  13 seq of the latest message that the sender's instance knows
--      14 what stands behind the messageId in the bus header (` <when it came>`), or nothing
--      15 prefix user_connections  16 digest of the content (with KEYS 8: 44 bytes are the most that Redis keeps in one piece with the value's head)
--      [17 `system`: the sender need not be a member, but somebody must be in the room]
-- Returns { 1 stored, messageId, timestamp, mailboxes filled }, { 2 duplicate, messageId, timestamp }, { 3 } when the clientMsgId stands for
--      another content, or { 0 } when the sender is not a member (or, for `system`, nobody is)
-- include lib/mailbox_room.lua
local call, format, floor = redis.call, string.format, math.floor
-- Of a time in ms (days to civil date, proleptic Gregorian calendar, years from March).
local function iso8601(t)
  local ms = t % 1000
  local rest = (t - ms) / 1000 % 86400
  local days = ((t - ms) / 1000 - rest) / 86400 + 719468
  local era = floor(days / 146097)
  local doe = days - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - floor((153 * mp + 2) / 5) + 1,
    floor(rest / 3600), floor(rest % 3600 / 60), rest % 60, ms)
end
local sender = ARGV[1]
if ARGV[17] then
  if call('EXISTS', KEYS[2], KEYS[1]) == 0 then return { 0 } end
elseif call('SISMEMBER', KEYS[2], sender) == 0 and call('SISMEMBER', KEYS[1], sender) == 0 then return { 0 } end
if KEYS[8] then
  local before = call('GET', KEYS[8])
  if before then
    local id, t, content = before:match('^(%S+) (%x+) (%S+)$')
    if content ~= ARGV[16] then return { 3 } end
    return { 2, id, iso8601(tonumber(t, 16)) }
  end
end
local head = call('HMGET', KEYS[3], 'epoch', 'renew_at', 'seq', 't')
local epoch, renew_at, seq, last = head[1], tonumber(head[2] or 0), tonumber(head[3] or 0), tonumber(head[4]) or 0
-- Behind what was heard, Redis has lost the latest messages, whose numbers are taken.
local begins = not epoch or epoch == ARGV[12] and seq < tonumber(ARGV[13])
if begins then epoch, renew_at, seq = ARGV[5], 0, 0 end
seq = format('%d', seq + 1)
local id = epoch .. ':' .. seq

-- A room's times never fall, and are behind none that a connection has begun at (lib/time_from.lua), though the clock may step back (a
-- replica's, after a failover): what a connection has heard is found by them. They rise only behind such a clock: several messages in one
-- millisecond must not run ahead of all other times.
local now, given = call('TIME'), tonumber(redis.pcall('GET', KEYS[7])) or 0
local now_ms = now[1] * 1000 + floor(now[2] / 1000)
local t = now_ms < last and last + 1 or now_ms
if given > t and given < t + 86400000 then t = given end
local time = iso8601(t)
local frame = ARGV[2] .. ',"timestamp":"' .. time .. '","messageId":"' .. id .. '","seq":' .. seq .. '}'

-- The mailboxes come before the log: where Redis refuses them nothing has changed, and the sender is told so instead of being promised
-- the mail. A key that another program has spoilt is its user's loss, not the room's; any other refusal is raised, by the same command.
local filled = 0
local function tolerant(command, key, value)
  local answer = redis.pcall(command, key, value)
  if type(answer) == 'number' then return answer end
  for _, spoilt in ipairs({ 'WRONGTYPE', 'not an integer', 'would overflow' }) do
    if answer.err:find(spoilt, 1, true) then return 0 end
  end
  return call(command, key, value)
end
-- A large message is not queued for more users than its budget allows, but for none: it stays in history, and they are told of it.
local function queue(users)
  local is_large, fits = #frame > small_bytes, #frame * #users <= message_bytes and #frame <= mailbox_bytes
  for _, user in ipairs(users) do
    local mailbox = ARGV[6] .. user
    if user == sender then  -- knows what was said
    elseif not fits then
      tolerant('INCRBY', ARGV[7] .. user, 1)
    else
      filled = filled + 1
      local lost = is_large and make_room(mailbox, #frame) or 0
      local length = tolerant('LPUSH', mailbox, frame)
      if length > 100 then
        -- A full mailbox loses exactly one, and RPOP costs two thirds of LTRIM.
        if length == 101 then call('RPOP', mailbox) else call('LTRIM', mailbox, 0, 99) end
        lost = lost + length - 100
      end
      if lost > 0 then tolerant('INCRBY', ARGV[7] .. user, lost) end
    end
  end
end
-- Comparing the sets costs a look-up per member and message, so the absent are counted instead. Only our scripts write room_absent.
-- Where another program has changed participants, the sum does not come out and the sets are compared after all; where two such
-- changes cancel out, whoever is missing from participants still has a connection of ours and hears the message live.
local members, absent, present = call('SCARD', KEYS[2]), call('SCARD', KEYS[6]), call('SCARD', KEYS[1])
if members - absent ~= present then
  if math.max(members, present) <= tonumber(ARGV[10]) then
    -- A user with a connection of ours hears the message live, though another program's disconnect has taken the user out; unless no connection
    -- may hear the room.
    local away = {}
    for _, users in ipairs({ call('SDIFF', KEYS[2], KEYS[1]), call('SDIFF', KEYS[1], KEYS[5]) }) do
      for _, user in ipairs(users) do
        if call('EXISTS', ARGV[15] .. user) == 0 or call('SISMEMBER', KEYS[6], user) == 1 then table.insert(away, user) end
      end
    end
    queue(away)
  end
elseif absent > 0 and members <= tonumber(ARGV[10]) then
  queue(call('SMEMBERS', KEYS[6]))
end

local said = format('%.0f', t)
-- Behind a clock that stepped back, a connection that begins next would take this for one that it hears.
if t > now_ms and t > given then call('SET', KEYS[7], said) end
if begins then
  call('DEL', KEYS[3], KEYS[4])
  call('HSET', KEYS[3], 'epoch', epoch, 'seq', seq, 't', said)
else
  call('HSET', KEYS[3], 'seq', seq, 't', said)
end
call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], seq .. '-0', 'm', frame, 'c', ARGV[4]:sub(3, -2), 's', sender, 't', said)
-- Renewing the life with every message would be one more command in the append-only file each time.
local seconds = floor(t / 1000)
if seconds >= renew_at then
  call('PEXPIRE', KEYS[4], ARGV[9])
  call('PEXPIRE', KEYS[3], ARGV[9] * 30)  -- numbers go on long after what was said is forgotten, but not for ever
  call('HSET', KEYS[3], 'renew_at', format('%d', seconds + floor(ARGV[9] / 24000)))
end
call('PUBLISH', ARGV[3], ARGV[4] .. id .. ARGV[14] .. '\n' .. frame)
if KEYS[8] then call('SET', KEYS[8], id .. ' ' .. format('%x', t) .. ' ' .. ARGV[16], 'EX', ARGV[11]) end
return { 1, id, time, filled }

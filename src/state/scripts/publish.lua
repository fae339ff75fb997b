-- SPDX-License-Identifier: Apache-2.0
-- A message to a room, as one step: idempotence, permission, order, history, mailboxes of the absent, and the broadcast.
-- KEYS 1 room_participants:{r}  2 room_members:{r}  3 room_head:{r}  4 room_log:{r}  5 online_users  [6 dedup:{r}:{u}:{clientMsgId}]
-- ARGV 1 sender  2 frame's JSON up to and without `,"timestamp"`  3 the room's channel  4 bus header's start (`m <connection> `)
--      5 epoch to begin if the room has none  6 prefix offline_messages  7 prefix offline_dropped
--      8 messages kept in the log  9 the log's life in ms  10 largest room whose mailboxes are filled  11 life of dedup in s
-- Returns { 1 stored | 2 duplicate, messageId, timestamp } or { 0 } when the sender is not a member
local sender = ARGV[1]
if redis.call('SISMEMBER', KEYS[2], sender) == 0 and redis.call('SISMEMBER', KEYS[1], sender) == 0 then return { 0 } end
if KEYS[6] then
  local before = redis.call('GET', KEYS[6])
  if before then
    local id, time = before:match('^(%S+) (%S+)$')
    return { 2, id, time }
  end
end
local epoch = redis.call('HGET', KEYS[3], 'epoch')
if not epoch then
  epoch = ARGV[5]
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[3], 'epoch', epoch)
end
local seq = redis.call('HINCRBY', KEYS[3], 'seq', 1)
local id = epoch .. ':' .. seq

-- Redis TIME as ISO 8601 (days to civil date, proleptic Gregorian calendar, years from March)
local now = redis.call('TIME')
local seconds = tonumber(now[1])
local days, rest = math.floor(seconds / 86400) + 719468, seconds % 86400
local era = math.floor(days / 146097)
local doe = days - era * 146097
local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
local mp = math.floor((5 * doy + 2) / 153)
local month = mp < 10 and mp + 3 or mp - 9
local year = yoe + era * 400 + (month <= 2 and 1 or 0)
local time = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
  math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60, math.floor(tonumber(now[2]) / 1000))

local frame = ARGV[2] .. ',"timestamp":"' .. time .. '","messageId":"' .. id .. '","seq":' .. seq .. '}'
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], seq .. '-0', 'm', frame, 'c', ARGV[4]:sub(3, -2),
  's', sender, 't', seconds * 1000 + math.floor(tonumber(now[2]) / 1000))
redis.call('PEXPIRE', KEYS[4], ARGV[9])

local function queue(users)
  for _, user in ipairs(users) do
    if user ~= sender then
      local mailbox = ARGV[6] .. user
      local extra = redis.call('LPUSH', mailbox, frame) - 100
      if extra > 0 then
        redis.call('LTRIM', mailbox, 0, 99)
        redis.call('INCRBY', ARGV[7] .. user, extra)
      end
    end
  end
end
if redis.call('SCARD', KEYS[2]) <= tonumber(ARGV[10]) then
  queue(redis.call('SDIFF', KEYS[2], KEYS[1]))
  queue(redis.call('SDIFF', KEYS[1], KEYS[5]))
end

redis.call('PUBLISH', ARGV[3], ARGV[4] .. id .. '\n' .. frame)
if KEYS[6] then redis.call('SET', KEYS[6], id .. ' ' .. time, 'EX', ARGV[11]) end
return { 1, id, time }

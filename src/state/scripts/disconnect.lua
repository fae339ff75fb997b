-- SPDX-License-Identifier: Apache-2.0
-- A connection of a user ends (the document's flow 6, by connection id: a late close never takes a newer connection offline).
-- Mail it had claimed and not confirmed goes back to the queue, and so does what it has not shown to have received. Sets that become empty are
-- removed by Redis itself, which is the document's removeRoomIfEmpty. State changes at once; the announcement waits for the grace period
-- (announce_due.lua), if there is one.
-- KEYS 1 user_connections:{u}  2 instance_connections:{i}  3 online_users  4 clients  5 user_rooms:{u}
--      6 typing_users  7 typing_users:{u}  8 last_seen:{u}  9 pending_offline
--      10 offline_messages:{u}  11 offline_inflight:{u}:{c}  12 offline_dropped:{u}  13 member_rooms:{u}  14 given:{u}:{c}
--      15 typing_marks
-- ARGV 1 user  2 connection  3 ISO time  4 prefix room_participants  5 prefix joined_room_participants
--      6 prefix of room channels  7 user as a JSON string  8 grace in ms  9 prefix room_log
--      10 `` or a time in ms: what the user's rooms said since may not have arrived (the instance is dead); `began`: since the connection
--         did (it never came to hear them)
--      11 prefix of instance channels  12 prefix room_head  13 prefix room_absent
--      14 since when the user's rooms that are not named below are owed, in ms (0: since the connection began): nobody told the instance of them
--      15 what the connection was given, for the client's next connection (mail_claim.lua)  16 how long that is kept in s, where it is in the mail
--      17… room, epoch, seq, last, …: what this connection has surely shown of its rooms; later messages, up to the last (0: all), it has not.
--         With epoch `` it was given nothing yet, and both are times in ms: since when it takes part (0: since it began), and until when
-- Returns the connections the user has left, or -1 when this one was not there any more. One of a neighbour counts as one.
-- include lib/rooms_heard.lua
-- include lib/mailbox_room.lua
local user, connection = ARGV[1], ARGV[2]
local call, floor = redis.call, math.floor
local first_room = 17
local mailbox, inflight, dropped, user_rooms = KEYS[10], KEYS[11], KEYS[12], KEYS[5]

-- Out of memory, Redis refuses a script's first write if it needs memory, and none that follows. This one needs none, and changes nothing.
call('HDEL', KEYS[1], '')

-- A key that another program has made another type must not keep the user online: what it should hold is lost. Nothing else may be.
local function mail(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then
    if not answer.err:find('^%-?WRONGTYPE') then error(answer) end
    return false
  end
  return answer
end

local function tolerant(what, ...)
  local ok, problem = pcall(what, ...)
  local text = ok and '' or type(problem) == 'table' and problem.err or tostring(problem)
  if not ok and not text:find('WRONGTYPE') then error(problem) end
end

local function give_back_claimed()
  local given_back, claimed = true, mail('LRANGE', inflight, 0, -1) or {}
  for _, message in ipairs(claimed) do given_back = mail('RPUSH', mailbox, message) and given_back end
  if given_back then mail('DEL', inflight) end
end

-- The user's other connections. Those for all rooms have been given everything since the first of them began, or was for all rooms, but for
-- what was said in that very millisecond; of one for some rooms nobody relies on that.
local function others()
  local all, jsons = call('HGETALL', KEYS[1]), {}
  local heard_since, instances = math.huge, {}
  for i = 2, #all, 2 do
    jsons[#jsons + 1] = all[i]
    local ok, about = pcall(cjson.decode, all[i])
    if ok and type(about) == 'table' then
      if not about.rooms then
        heard_since = math.min(heard_since, tonumber(all[i]:match('"all":(%d+),"at":%d+}$') or all[i]:match('"at":(%d+)}$') or 0) + 1)
      end
      if type(about.instance) == 'string' then instances[about.instance] = true end
    end
  end
  return jsons, heard_since, instances
end

-- The doubtful messages of all rooms, at most a mailbox's worth.
local unsure, skipped, oldest_kept = {}, 0, 0  -- { time, seq, frame }…; how many more there are; when the oldest of a full mailbox was said
local doubted = {}  -- room → seq → true, of `unsure`: a room may be named twice
local function keep_newest()
  table.sort(unsure, function(a, b) return a[1] > b[1] or a[1] == b[1] and a[2] > b[2] end)
  while #unsure > 100 do
    table.remove(unsure)
    skipped = skipped + 1
  end
  if #unsure == 100 then oldest_kept = unsure[100][1] end
end

local function read(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return tonumber(entry[1]:match('^%d+')), tonumber(fields.t or 0), fields
end
local function before(seq) return string.format('(%.0f-0', seq) end

-- The seq of a log's first message since a time; nothing if there is none. By halves: a log is in order.
local function first_since(log, time)
  local oldest, newest = call('XRANGE', log, '-', '+', 'COUNT', 1)[1], call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not newest then return nil end
  local low = read(oldest)
  local high, at = read(newest)
  if at < time then return nil end
  while low < high do
    local middle = floor((low + high) / 2)
    local seq, said = read(call('XRANGE', log, string.format('%.0f-0', middle), '+', 'COUNT', 1)[1])
    if said >= time then high = middle else low = seq + 1 end
  end
  return low
end

-- What a room said behind `heard` and since `since`, and before the user's other connections hear it: the newest hundred, latest first and in
-- growing portions, since mostly it is nothing. What fits no mailbox is only counted, by its numbers.
local function doubt(room, heard, since, heard_since, last)
  local log, to = ARGV[9] .. room, last and last > 0 and string.format('%.0f-0', last) or '+'
  doubted[room] = doubted[room] or {}
  if heard_since < math.huge then
    local theirs = first_since(log, heard_since)
    if theirs and not (last and last > 0 and last < theirs) then to = before(theirs) end
  end
  local kept, seen, portion, rest = 0, 0, 4, nil
  while kept < 100 and seen < 400 and not rest do
    local entries = call('XREVRANGE', log, to, before(heard), 'COUNT', portion)
    local oldest
    for _, entry in ipairs(entries) do
      local seq, at, fields = read(entry)
      if at < since then return keep_newest() end
      if at < oldest_kept then
        rest = seq + 1
        break
      end
      if fields.m and fields.s ~= user and not doubted[room][seq] then
        doubted[room][seq] = true
        table.insert(unsure, { at, seq, fields.m })
        kept = kept + 1
      end
      oldest = seq
    end
    if not rest and #entries < portion then return keep_newest() end
    seen, to, portion = seen + portion, oldest and before(oldest), math.min(2 * portion, 32)
    if kept >= 100 or seen >= 400 then rest = rest or oldest end
  end
  keep_newest()
  local first = math.max(heard + 1, since > 0 and first_since(log, since) or 0)
  skipped = skipped + math.max(0, rest - first)
end

-- Rooms that the instance named, and those of the user that nobody had told it of. Of a room that the user has left, nothing is owed any more.
-- `some_until`: until then the connection may have heard rooms that it may not hear any more.
local function doubt_all(began, heard_since, some_until)
  local belongs, named = {}, {}
  for _, room in ipairs(call('SMEMBERS', user_rooms)) do belongs[room] = true end
  if ARGV[10] ~= '' then
    -- What was said before the connection began is not its debt.
    local since = ARGV[10] == 'began' and began or math.max(tonumber(ARGV[10]), began)
    for room in pairs(belongs) do tolerant(doubt, room, 0, since, heard_since) end
    for _, room in ipairs(some_until and call('SMEMBERS', KEYS[13]) or {}) do
      if not belongs[room] then tolerant(doubt, room, 0, since, math.min(heard_since, some_until + 1)) end
    end
    return
  end
  for i = first_room, #ARGV, 4 do
    local room = ARGV[i]
    named[room] = true
    if belongs[room] or call('SISMEMBER', KEYS[13], room) == 1 then
      local head = mail('HMGET', ARGV[12] .. room, 'epoch', 'seq') or {}
      local same = head[1] == ARGV[i + 1]
      local heard = same and tonumber(ARGV[i + 2]) or 0
      local since = same and 0 or ARGV[i + 1] == '' and tonumber(ARGV[i + 2]) or 0
      if not same and since == 0 then since = began end
      local last = tonumber(ARGV[i + 3])
      if last > 0 and ARGV[i + 1] == '' then
        tolerant(doubt, room, 0, since, math.min(heard_since, last))
      elseif head[1] and tonumber(head[2] or 0) > heard and (same or last == 0) then  -- of an epoch that is over, nothing is left
        tolerant(doubt, room, heard, since, heard_since, last)
      end
    end
  end
  local since = tonumber(ARGV[14])
  for room in pairs(belongs) do
    if not named[room] then tolerant(doubt, room, 0, since > 0 and since or began, heard_since) end
  end
end

local function queue_unsure(left)
  local oldest_first, bytes = {}, 0
  for i = 1, #unsure do
    bytes = bytes + #unsure[i][3]
    if bytes > mailbox_bytes then skipped = skipped + 1 else table.insert(oldest_first, 1, unsure[i][3]) end
  end
  if #oldest_first > 0 then mail('LPUSH', mailbox, unpack(oldest_first)) end
  -- The mail may be another device's. And a device may be dead without anybody knowing; the latest messages then become mail: for five minutes.
  local in_mail = (mail('LLEN', mailbox) or 0) > 0
  if ARGV[15] ~= '' and (in_mail or left > 0) then
    call('SET', KEYS[14], ARGV[15], 'EX', in_mail and ARGV[16] or math.min(300, ARGV[16]))
  end
  local over = (mail('LLEN', mailbox) or 0) - 100
  if over > 0 then
    mail('LTRIM', mailbox, 0, 99)
    skipped = skipped + over
  end
  -- What was there before has its room, be it another program's; only where something is added, the oldest make room for it.
  if #oldest_first > 0 then skipped = skipped + make_room(mailbox, 0) end
  if skipped > 0 then mail('INCRBY', dropped, skipped) end
end

give_back_claimed()
call('HDEL', KEYS[2], connection)
local json = call('HGET', KEYS[1], connection) or ''
local began, some_until = tonumber(json:match('"at":(%d+)}$') or 0), tonumber(json:match('"some":(%d+),"'))
local was_there = call('HDEL', KEYS[1], connection) == 1
local jsons, heard_since, instances = others()
local left = #jsons
-- What may not have arrived goes to the queue; a client that had it sees the same messageId twice.
if was_there then doubt_all(began, heard_since, some_until) end
queue_unsure(left)

-- A user who is still here, or here again, gets it at once.
if left > 0 and call('EXISTS', mailbox) == 1 then
  for instance in pairs(instances) do call('PUBLISH', ARGV[11] .. instance, 'w ' .. user .. '\n') end
end
-- Redis knew nothing of the connection, yet the user took part in rooms through it: it joined them after all data had been lost.
-- Without a connection the user takes no part any more, or messages would be neither heard nor queued.
if not was_there and (left > 0 or call('EXISTS', user_rooms) == 0) then return -1 end
if left == 0 or ARGV[10] ~= '' then
  -- No timer will end the marks, be it that their instance is dead. If another connection types, it says so again.
  local typed, typing = {}, call('HGET', KEYS[6], user)
  if typing then
    typed[typing] = true
    call('HDEL', KEYS[6], user)
    call('DEL', KEYS[7])
  end
  for _, room in ipairs(call('EXISTS', KEYS[15]) == 1 and call('SMEMBERS', KEYS[5]) or {}) do
    if call('ZREM', KEYS[15], user .. '\n' .. room) == 1 then typed[room] = true end
  end
  for room in pairs(typed) do
    call('PUBLISH', ARGV[6] .. room,
      't ' .. user .. '\n{"type":"typing","userId":' .. ARGV[7] .. ',"roomId":' .. cjson.encode(room) .. ',"isTyping":false}')
  end
end
if left > 0 then
  -- Rooms that this connection alone was allowed to hear.
  local hears, all = rooms_heard(jsons)
  for _, room in ipairs(all and {} or call('SMEMBERS', user_rooms)) do
    if not hears(room) then
      mail('SREM', ARGV[4] .. room, user)
      mail('SREM', ARGV[5] .. room, user)
      call('SREM', user_rooms, room)
      if call('SISMEMBER', KEYS[13], room) == 1 then call('SADD', ARGV[13] .. room, user) end
    end
  end
  local client = redis.call('HGET', KEYS[4], user)
  if client then
    redis.call('HSET', KEYS[4], user, (client:gsub('"connections":%d+}$', '"connections":' .. left .. '}')))
  end
  return left
end

-- Another program on the same Redis has a connection of the user, and has said so in clients (connect.lua): the user
-- stays, and the entry is that program's again. If it died without cleaning up, nobody can tell.
do
  local entry = redis.call('HGET', KEYS[4], user)
  local kept, ours = (entry or ''):gsub(',"neighbour":true,"connections":%d+}$', '}')
  local theirs = ours == 1
  if entry and not theirs and not entry:find('"connections":%d+}$') then
    local ok, about = pcall(cjson.decode, entry)
    theirs = ok and type(about) == 'table' and type(about.connectedAt) == 'string'
  end
  if theirs and redis.call('SISMEMBER', KEYS[3], user) == 1 then
    redis.call('HSET', KEYS[4], user, kept)
    return 1
  end
end

redis.call('SREM', KEYS[3], user)
redis.call('DEL', KEYS[7])
for _, room in ipairs(redis.call('SMEMBERS', KEYS[5])) do
  mail('SREM', ARGV[4] .. room, user)
  mail('SREM', ARGV[5] .. room, user)
  if ARGV[8] == '0' then
    redis.call('PUBLISH', ARGV[6] .. room,
      'o ' .. user .. '\n{"type":"userOffline","userId":' .. ARGV[7] .. ',"roomId":' .. cjson.encode(room) .. '}')
  end
end
for _, room in ipairs(redis.call('SMEMBERS', KEYS[13])) do mail('SADD', ARGV[13] .. room, user) end
redis.call('DEL', KEYS[5])
redis.call('HDEL', KEYS[4], user)
redis.call('SET', KEYS[8], ARGV[3])
if ARGV[8] == '0' then return 0 end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[9], now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[8], user)
return 0

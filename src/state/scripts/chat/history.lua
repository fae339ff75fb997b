-- SPDX-License-Identifier: Apache-2.0
-- A page of a room's log, together with where the log stands, so that a reader can tell whether something is missing.
-- The size ends a page too, and it is read in growing portions: 200 messages of 64 KB would keep all clients of Redis
-- waiting, and then the reader's connection. Entries with another id than `seq-0` are not ours, and are passed over.
-- KEYS 1 room_head:{r}  2 room_log:{r}
-- ARGV 1 `after` | `before`  2 seq (not included)  3 most messages  4 most bytes, though one message at least
-- Returns { epoch, newest seq, oldest seq kept (0 = none), 1 if there is more in this direction, else 0,
--           [seq, frame, connection]… in order }
local head_key, log = KEYS[1], KEYS[2]
local direction, seq, most, bytes = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local head = redis.call('HMGET', head_key, 'epoch', 'seq')
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)
local forward, room_left = direction == 'after', tonumber(bytes)
most = tonumber(most)
local command, edge, portion = forward and 'XRANGE' or 'XREVRANGE', forward and '+' or '-', 4
local found, more, from = {}, 0, '(' .. seq .. '-0'
while more == 0 and (forward or seq ~= '0') do  -- before the first there is nothing, and no range of Redis's says so
  local wanted = math.min(portion, most + 1 - #found)
  local entries = redis.call(command, log, from, edge, 'COUNT', wanted)
  for _, entry in ipairs(entries) do
    local number, part = entry[1]:match('^(%d+)%-(%d+)$')
    if part == '0' then
      local fields = {}
      for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
      local frame = fields.m or ''
      if #found == most or #found > 0 and #frame > room_left then
        more = 1
        break
      end
      room_left = room_left - #frame
      table.insert(found, { tonumber(number), frame, fields.c or '' })
    end
    from = '(' .. entry[1]
  end
  portion = math.min(2 * portion, 64)
  if #entries < wanted then break end
end
local out = { head[1] or '', tonumber(head[2] or 0), oldest[1] and tonumber(oldest[1][1]:match('^%d+')) or 0, more }
for i = 1, #found do table.insert(out, found[forward and i or #found + 1 - i]) end
return out

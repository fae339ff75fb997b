-- SPDX-License-Identifier: Apache-2.0
-- A page of a room's log, together with where the log stands, so that a reader can tell whether something is missing.
-- KEYS 1 room_head:{r}  2 room_log:{r}
-- ARGV 1 `after` | `before`  2 seq (not included)  3 most messages
-- Returns { epoch, newest seq, oldest seq kept (0 = none), [seq, frame, connection]… in order }
local head = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local out = { head[1] or '', tonumber(head[2] or 0), oldest[1] and tonumber(oldest[1][1]:match('^%d+')) or 0 }
local page
if ARGV[1] == 'after' then
  page = redis.call('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
else
  local newest_first = redis.call('XREVRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '-', 'COUNT', ARGV[3])
  page = {}
  for i = #newest_first, 1, -1 do table.insert(page, newest_first[i]) end
end
for _, entry in ipairs(page) do
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  table.insert(out, { tonumber(entry[1]:match('^%d+')), fields.m or '', fields.c or '' })
end
return out

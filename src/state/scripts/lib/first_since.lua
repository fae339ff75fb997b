-- SPDX-License-Identifier: Apache-2.0
-- The seq and the time in ms of an entry of a room's log.
local function seq_and_time(entry)
  local seq, fields = tonumber(entry[1]:match('^%d+')), entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 't' then return seq, tonumber(fields[i + 1]) end
  end
  return seq, 0
end

-- The seq of a log's first message since a time; nil if there is none, or the key is of another type. By halves: a log
-- is in order.
local function first_since(log, time)
  local oldest = redis.pcall('XRANGE', log, '-', '+', 'COUNT', 1)
  if oldest.err or not oldest[1] then return nil end
  local low = seq_and_time(oldest[1])
  local high, latest = seq_and_time(redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1])
  if latest < time then return nil end
  while low < high do
    local middle = math.floor((low + high) / 2)
    local seq, said = seq_and_time(redis.call('XRANGE', log, string.format('%.0f-0', middle), '+', 'COUNT', 1)[1])
    if said >= time then high = middle else low = seq + 1 end
  end
  return low
end

-- SPDX-License-Identifier: Apache-2.0
-- Can a room's messages still be counted and kept? Found and mended in one step.
-- KEYS 1 room_head:{r}  2 room_log:{r}
-- ARGV 1 `repair` or ``
-- Returns a finding or '', and two numbers: the head's count, and the newest message that the log has
local head_key, log = KEYS[1], KEYS[2]
local repair = ARGV[1] == 'repair'

local head = redis.pcall('HMGET', head_key, 'epoch', 'seq', 'renew_at')
if head.err then return { '', 0, 0 } end -- another type; that is a finding of its own
local newest = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', 1)
if newest.err then return { '', 0, 0 } end
local last = newest[1] and tonumber(newest[1][1]:match('^%d+')) or 0
if not head[1] then
  if last == 0 then return { '', 0, 0 } end
  if repair then redis.call('DEL', log) end
  return { 'log_without_head', 0, last }
end
local seq = head[2] or '0'
if not seq:match('^%d+$') or (head[3] and not tonumber(head[3])) then
  if repair then redis.call('DEL', head_key, log) end
  return { 'head_unreadable', 0, last }
end
if tonumber(seq) < last then
  if repair then redis.call('HSET', head_key, 'seq', string.format('%d', last)) end
  return { 'seq_behind_log', tonumber(seq), last }
end
return { '', tonumber(seq), last }

-- SPDX-License-Identifier: Apache-2.0
-- Hands a frame to every connection of some users, through the channels of the instances that hold them; with a key,
-- once.
-- KEYS [1 idempotency:{caller}:{key}]
-- ARGV 1 prefix user_connections  2 prefix of instance channels  3 bus kind  4 the frame's JSON
--      [with a key: 5 digest of the request  6 life of the key in s]  5… or 7… users
-- Returns { how many users had a connection, 1 when the key's first request has done it before }; { -1 } when the key
--      stands for another request
-- include lib/instance_of.lua
local once = KEYS[1]
local connections_of, instance_channel_of, kind, frame = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local digest, life = ARGV[5], ARGV[6]  -- with a key only
local first_user = once and 7 or 5

local before = once and redis.call('GET', once)
if before then
  local its_digest, reached = before:match('^(%x+):(%d+)$')
  if its_digest ~= digest then return { -1 } end
  return { tonumber(reached), 1 }
end
local reached = 0
for i = first_user, #ARGV do
  local user, told = ARGV[i], {}
  local jsons = redis.call('HVALS', connections_of .. user)
  for n = 1, #jsons do
    local instance = instance_of(jsons[n])
    if instance and not told[instance] then
      told[instance] = true
      redis.call('PUBLISH', instance_channel_of .. instance, kind .. ' ' .. user .. '\n' .. frame)
    end
  end
  if next(told) then reached = reached + 1 end
end
if once then redis.call('SET', once, digest .. ':' .. reached, 'EX', life) end
return { reached, 0 }

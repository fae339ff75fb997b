-- SPDX-License-Identifier: Apache-2.0
-- Hands a frame to every connection of some users, through the channels of the instances that hold them; with a key, once.
-- KEYS [1 idempotency:{caller}:{key}]
-- ARGV 1 prefix user_connections  2 prefix of instance channels  3 bus kind  4 the frame's JSON
--      [with a key: 5 digest of the request  6 life of the key in s]  5… or 7… users
-- Returns { how many users had a connection, 1 when the key's first request has done it before }; { -1 } when the key stands for another request
local once = KEYS[1]
local before = once and redis.call('GET', once)
if before then
  local digest, reached = before:match('^(%x+):(%d+)$')
  if digest ~= ARGV[5] then return { -1 } end
  return { tonumber(reached), 1 }
end
local reached = 0
for i = once and 7 or 5, #ARGV do
  local user, told = ARGV[i], {}
  for _, json in ipairs(redis.call('HVALS', ARGV[1] .. user)) do
    local ok, about = pcall(cjson.decode, json)
    local instance = ok and type(about) == 'table' and about.instance
    if type(instance) == 'string' and not told[instance] then
      told[instance] = true
      redis.call('PUBLISH', ARGV[2] .. instance, ARGV[3] .. ' ' .. user .. '\n' .. ARGV[4])
    end
  end
  if next(told) then reached = reached + 1 end
end
if once then redis.call('SET', once, ARGV[5] .. ':' .. reached, 'EX', ARGV[6]) end
return { reached, 0 }

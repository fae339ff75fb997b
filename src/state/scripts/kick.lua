-- SPDX-License-Identifier: Apache-2.0
-- Ends every connection of a user, on whatever instance, and perhaps keeps the user out for a while.
-- KEYS 1 user_connections:{u}  2 banned:{u}  3 kicked:{u}  4 clock
-- ARGV 1 user  2 seconds to keep the user out (0: none)  3 prefix of instance channels  4 close code  5 reason
--      6 for how many seconds an instance that did not hear of it may still learn of it (compare.lua)
-- Returns how many connections somebody who listens was told to end
-- include lib/time_from.lua
local user = ARGV[1]
if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[2]) end
-- The connections that there are have begun by then, and all others begin later.
local now, text = time_from(KEYS[4], 0)
redis.call('SET', KEYS[3], text, 'EX', ARGV[6])
redis.call('SET', KEYS[4], string.format('%.0f', now + 1))
local listens, told = {}, 0
for _, json in ipairs(redis.call('HVALS', KEYS[1])) do
  local ok, about = pcall(cjson.decode, json)
  local instance = ok and type(about) == 'table' and about.instance
  if type(instance) == 'string' then
    if listens[instance] == nil then
      listens[instance] = redis.call('PUBLISH', ARGV[3] .. instance, 'k ' .. user .. '\n' .. ARGV[4] .. ' * ' .. ARGV[5]) > 0
    end
    if listens[instance] then told = told + 1 end
  end
end
return told

-- SPDX-License-Identifier: Apache-2.0
-- Hands a frame to every connection of some users, through the channels of the instances that hold them.
-- ARGV 1 prefix user_connections  2 prefix of instance channels  3 bus kind  4 the frame's JSON  5… users
-- Returns how many users had a connection
local reached = 0
for i = 5, #ARGV do
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
return reached

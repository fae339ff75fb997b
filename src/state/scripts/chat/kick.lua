-- SPDX-License-Identifier: Apache-2.0
-- Ends every connection of a user, on all instances, and perhaps keeps the user out for a while.
-- KEYS 1 user_connections:{u}  2 banned:{u}  3 kicked:{u}
-- ARGV 1 user  2 seconds to keep the user out (0: none)  3 prefix of instance channels  4 close code  5 reason
--      6 for how many seconds an instance that did not hear of it may still learn of it (compare.lua)
-- Returns { connections that a listening instance was told to end, Redis's refusal to store the rest, or `` }: to
--      publish is no write, so connections end also while Redis refuses writes.
-- include lib/now.lua
-- include lib/instance_of.lua
-- include chat/bus_letters.hpp
local user_connections, banned, kicked = KEYS[1], KEYS[2], KEYS[3]
local user, ban, instance_channel_of, close_code, reason, life = unpack(ARGV)

-- By this number connections know that a kick came behind their beginning (connect.lua): any but the one that they
-- found then. So it differs from all of late, though the clock steps back.
local kick = now
local latest = tonumber(redis.pcall('GET', kicked) or 0) or 0
if kick <= latest then kick = latest + 1 end
local listens, told = {}, 0
for _, json in ipairs(redis.call('HVALS', user_connections)) do
  local instance = instance_of(json)
  if instance then
    if listens[instance] == nil then
      local notice = bus.ending .. user .. '\n' .. close_code .. ' * ' .. reason
      listens[instance] = redis.call('PUBLISH', instance_channel_of .. instance, notice) > 0
    end
    if listens[instance] then told = told + 1 end
  end
end
-- Out of memory, Redis refuses a script's first write if it needs memory, and none that follows. This one needs none,
-- and changes nothing.
local refused = redis.pcall('HDEL', user_connections, '')
local function store(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then refused = answer end
end
if tonumber(ban) > 0 then store('SET', banned, reason, 'EX', ban) end
store('SET', kicked, string.format('%.0f', kick), 'EX', life)
return { told, type(refused) == 'table' and refused.err or '' }

-- SPDX-License-Identifier: Apache-2.0
-- Users have shown that they are there. Entries that are gone, or that another program has written without a lastSeen, stay as they are.
-- KEYS 1 clients
-- ARGV 1 ISO time  2… users
-- Returns how many entries say so now
local users, changed = {}, {}
for i = 2, #ARGV do users[#users + 1] = ARGV[i] end
local entries = redis.call('HMGET', KEYS[1], unpack(users))
for i, user in ipairs(users) do
  local entry, count = entries[i] or '', 0
  entry, count = entry:gsub('"lastSeen":"[^"]*"', '"lastSeen":"' .. ARGV[1] .. '"', 1)
  if count == 1 then
    changed[#changed + 1] = user
    changed[#changed + 1] = entry
  end
end
if #changed > 0 then redis.call('HSET', KEYS[1], unpack(changed)) end
return #changed / 2

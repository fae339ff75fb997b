-- SPDX-License-Identifier: Apache-2.0
-- Do users have the connections that an instance lists? Told and mended in one step.
-- KEYS 1 instance_connections:{i}
-- ARGV 1 `repair` or ``  2 prefix user_connections  3… connections
-- Returns { { connection, user }… }: those that their user does not have
local out = {}
for i = 3, #ARGV do
  local user = redis.pcall('HGET', KEYS[1], ARGV[i])
  if type(user) == 'string' and redis.pcall('HEXISTS', ARGV[2] .. user, ARGV[i]) ~= 1 then
    table.insert(out, { ARGV[i], user })
    if ARGV[1] == 'repair' then redis.pcall('HDEL', KEYS[1], ARGV[i]) end
  end
end
return out

-- SPDX-License-Identifier: Apache-2.0
-- Do users have the connections that an instance lists? Found and mended in one step.
-- KEYS 1 instance_connections:{i}
-- ARGV 1 `repair` or ``  2 prefix user_connections  3… connections
-- Returns { { connection, user }… }: those that their user does not have
local listed = KEYS[1]
local repair, connections_of = ARGV[1] == 'repair', ARGV[2]
local first = 3

local out = {}
for i = first, #ARGV do
  local connection = ARGV[i]
  local user = redis.pcall('HGET', listed, connection)
  if type(user) == 'string' and redis.pcall('HEXISTS', connections_of .. user, connection) ~= 1 then
    table.insert(out, { connection, user })
    if repair then redis.pcall('HDEL', listed, connection) end
  end
end
return out

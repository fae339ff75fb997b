-- SPDX-License-Identifier: Apache-2.0
-- include lib/instance_of.lua
-- The connections of a user: their values in user_connections:{u}; the time in ms since which they have been given
-- every message; and their instances, as a set. Connections for all rooms have been given every message since the first
-- of them began, or was for all rooms, except messages of that very millisecond. A connection for some rooms does not
-- count.
local function connections_left(user_connections)
  local jsons = redis.call('HVALS', user_connections)
  local heard_since, instances = math.huge, {}
  for _, json in ipairs(jsons) do
    local instance, about = instance_of(json)
    if about and not about.rooms then
      local since = json:match('"all":(%d+),"at":%d+}$') or json:match('"at":(%d+)}$') or 0
      heard_since = math.min(heard_since, tonumber(since) + 1)
    end
    if instance then instances[instance] = true end
  end
  return jsons, heard_since, instances
end

-- SPDX-License-Identifier: Apache-2.0
-- include lib/instance_of.lua
-- The connections of a user: their values in user_connections:{u}; the time in ms since which they have been given everything; and their
-- instances, as a set. Those for all rooms have been given everything since the first of them began, or was for all rooms, but for what was said
-- in that very millisecond; of one for some rooms nobody relies on that.
local function connections_left(user_connections)
  local jsons = redis.call('HVALS', user_connections)
  local heard_since, instances = math.huge, {}
  for _, json in ipairs(jsons) do
    local instance, about = instance_of(json)
    if about and not about.rooms then
      heard_since = math.min(heard_since, tonumber(json:match('"all":(%d+),"at":%d+}$') or json:match('"at":(%d+)}$') or 0) + 1)
    end
    if instance then instances[instance] = true end
  end
  return jsons, heard_since, instances
end

-- SPDX-License-Identifier: Apache-2.0
-- The instance that holds a connection, of the connection's value in user_connections:{u}, or nil; and the whole value
-- as a table, or nil where another program has spoilt it.
local function instance_of(json)
  local ok, about = pcall(cjson.decode, json)
  if not ok or type(about) ~= 'table' then return nil, nil end
  local instance = about.instance
  return type(instance) == 'string' and instance or nil, about
end

-- SPDX-License-Identifier: Apache-2.0
-- Whether an entry of clients says that another program on the same Redis (the document's own service) has a connection
-- of the user, too: the entry is that program's, which counts no connections; or ours, which has taken its place and
-- remembers it.
local function has_neighbour(entry)
  if not entry then return false end
  if entry:find('"connections":%d+}$') then return entry:find(',"neighbour":true,"connections":%d+}$') ~= nil end
  local ok, about = pcall(cjson.decode, entry)
  return ok and type(about) == 'table' and type(about.connectedAt) == 'string'
end

-- SPDX-License-Identifier: Apache-2.0
-- The list of rooms that a connection's token names, as the text of a JSON array, of the connection's value in
-- user_connections:{u}. Nil where there is none, and where another program has spoilt the value. A name may have
-- brackets; behind the list, connect.lua writes nothing but times.
local function rooms_text(json)
  local at = json:find('"rooms":', 1, true)
  return at and json:find('{"instance":"', 1, true) == 1 and json:match('^(%[.*%])[%w",:]*}$', at + 8) or nil
end

-- SPDX-License-Identifier: Apache-2.0
-- include lib/room_globs.lua
-- include lib/rooms_text.lua
-- Which rooms some connections of a user hear. A connection whose token is for some rooms names them (`rooms`:
-- patterns, * stands for any text). `jsons` are values of user_connections:{u}. Returns a function that answers for a
-- room, and whether one of them hears all. It is asked for hundreds of rooms, of a dozen devices with the same token:
-- the list of the devices counts once, and names without a star are found at once.
local function rooms_heard(jsons)
  local names, globs, read = {}, new_globs(), {}
  for _, json in ipairs(jsons) do
    local text = rooms_text(json)
    if not text or not read[text] then
      local ok, about = false, nil
      if json:find('"rooms":', 1, true) then ok, about = pcall(cjson.decode, json) end
      if not ok or type(about) ~= 'table' or type(about.rooms) ~= 'table' then return function() return true end, true end
      for _, pattern in ipairs(about.rooms) do
        pattern = tostring(pattern)
        if pattern:find('*', 1, true) then globs.add(pattern) else names[pattern] = true end
      end
      if text then read[text] = true end
    end
  end
  return function(room) return names[room] or globs.match(room) end, false
end

-- SPDX-License-Identifier: Apache-2.0
-- Which rooms some connections of a user hear. A connection whose token is for some rooms names them (`rooms`:
-- patterns, * stands for any text). `jsons` are values of user_connections:{u}. Returns a function that answers for a
-- room, and whether one of them hears all.
local function rooms_heard(jsons)
  local patterns = {}
  for _, json in ipairs(jsons) do
    local ok, about = false, nil
    if json:find('"rooms":', 1, true) then ok, about = pcall(cjson.decode, json) end
    if not ok or type(about) ~= 'table' or type(about.rooms) ~= 'table' then return function() return true end, true end
    for _, pattern in ipairs(about.rooms) do
      table.insert(patterns, '^' .. tostring(pattern):gsub('[%^%$%(%)%%%.%[%]%+%-%?]', '%%%0'):gsub('%*', '.*') .. '$')
    end
  end
  return function(room)
    for _, pattern in ipairs(patterns) do
      if room:find(pattern) then return true end
    end
    return false
  end, false
end

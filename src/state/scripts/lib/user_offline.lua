-- SPDX-License-Identifier: Apache-2.0
-- What a room's channel hears of a user's absence. `user_json` is the user as a JSON string.
local function user_offline(user, user_json, room)
  return 'o ' .. user .. '\n{"type":"userOffline","userId":' .. user_json .. ',"roomId":' .. cjson.encode(room) .. '}'
end

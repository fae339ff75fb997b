-- SPDX-License-Identifier: Apache-2.0
-- include chat/bus_letters.hpp
-- The notice of a user's absence to a room's channel. `user_json` is the user as a JSON string.
local function user_offline(user, user_json, room)
  return bus.offline .. user .. '\n{"type":"userOffline","userId":' .. user_json .. ',"roomId":' .. cjson.encode(room) .. '}'
end

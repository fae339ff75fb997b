-- SPDX-License-Identifier: Apache-2.0
-- include chat/bus_letters.hpp
-- The notice to a room's channel that a user types no more. `user_json` is the user as a JSON string.
local function typing_ended(user, user_json, room)
  return bus.typing .. user .. '\n{"type":"typing","userId":' .. user_json .. ',"roomId":' .. cjson.encode(room) ..
    ',"isTyping":false}'
end

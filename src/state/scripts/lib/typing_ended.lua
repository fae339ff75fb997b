-- SPDX-License-Identifier: Apache-2.0
-- What a room's channel hears when somebody types no more. `user_json` is the user as a JSON string.
local function typing_ended(user, user_json, room)
  return 't ' .. user .. '\n{"type":"typing","userId":' .. user_json .. ',"roomId":' .. cjson.encode(room) .. ',"isTyping":false}'
end

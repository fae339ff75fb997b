-- SPDX-License-Identifier: Apache-2.0
-- Removes a room's participants if there are none. As two commands, somebody who joins in between would be deleted.
-- KEYS[1]  ws:room_participants:{room}
-- returns  1 nobody is in the room now (also if it never was there), 0 somebody is
if redis.call('SCARD', KEYS[1]) > 0 then
  return 0
end
redis.call('DEL', KEYS[1])
return 1

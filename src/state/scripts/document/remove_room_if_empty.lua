-- SPDX-License-Identifier: Apache-2.0
-- Removes a room's participants if there are none. As two commands, somebody who joins in between would be deleted.
-- KEYS 1 room_participants:{r}
-- Returns 1 when nobody is in the room now (also if it never was there), 0 when somebody is
local participants = KEYS[1]

if redis.call('SCARD', participants) > 0 then return 0 end
redis.call('DEL', participants)
return 1

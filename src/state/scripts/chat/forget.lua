-- SPDX-License-Identifier: Apache-2.0
-- Nothing waits any more for a user who has not been seen for long, and who is a member of no room.
-- KEYS 1 last_seen:{u}  2 user_connections:{u}  3 online_users  4 member_rooms:{u}  5 offline_messages:{u}
--      6 offline_dropped:{u}
-- ARGV 1 user
-- Returns 1, or 0 when the user is here, is a member again, or was forgotten already
local last_seen, user_connections, online_users, member_rooms, mailbox, dropped = unpack(KEYS)
local user = ARGV[1]

if redis.call('EXISTS', user_connections) == 1 or redis.call('SISMEMBER', online_users, user) == 1 then return 0 end
if redis.call('EXISTS', member_rooms) == 1 then return 0 end
redis.call('UNLINK', mailbox, dropped)
return redis.call('DEL', last_seen)

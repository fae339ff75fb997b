-- SPDX-License-Identifier: Apache-2.0
-- Claimed mail has arrived, and so has the number of those the cap had dropped.
-- KEYS 1 offline_inflight:{u}:{c}  2 offline_dropped:{u}
-- ARGV 1 how many the claim had reported as dropped  2 how many of the oldest messages arrived
redis.call('LTRIM', KEYS[1], 0, -1 - ARGV[2])
if redis.call('DECRBY', KEYS[2], ARGV[1]) <= 0 then redis.call('DEL', KEYS[2]) end
return 0

-- SPDX-License-Identifier: Apache-2.0
-- Does what each message needs, to learn whether Redis lets this user do it: a script that writes and publishes. No
-- instance has an empty name, so nothing changes (XX adds none), and nobody hears it. The write comes first: a script
-- that has written may go on when memory has run out.
-- KEYS 1 instances
-- ARGV 1 the channel of the instance with the empty name
-- Returns 1
local instances, channel = KEYS[1], ARGV[1]

redis.call('ZADD', instances, 'XX', 0, '')
redis.call('PUBLISH', channel, '')
return 1

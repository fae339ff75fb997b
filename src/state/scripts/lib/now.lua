-- SPDX-License-Identifier: Apache-2.0
-- `now`: Redis's time in ms. A statement, not a function: most scripts look at the clock once, and to make a function
-- costs as much as to call it.
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)

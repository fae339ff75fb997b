-- SPDX-License-Identifier: Apache-2.0
-- One command with many values, at most a thousand at a time: a Lua function takes no more than some thousands.
-- `call`: redis.call or redis.pcall.
local function in_portions(call, command, key, values)
  for i = 1, #values, 1000 do call(command, key, unpack(values, i, math.min(i + 999, #values))) end
end

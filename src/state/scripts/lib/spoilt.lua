-- SPDX-License-Identifier: Apache-2.0
-- A key that another program has made another type, or a counter that is no number any more, must not keep the user
-- online: its content is lost. Nothing else may be.
local function is_spoilt(problem)
  return problem:find('^%-?WRONGTYPE') or problem:find('not an integer', 1, true)
    or problem:find('would overflow', 1, true)
end
-- redis.call, or false where the key is spoilt.
local function unless_spoilt(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then
    if not is_spoilt(answer.err) then error(answer) end
    return false
  end
  return answer
end
-- Calls a function, which ends where it meets such a key.
local function as_far_as_possible(what, ...)
  local ok, problem = pcall(what, ...)
  local text = ok and '' or type(problem) == 'table' and problem.err or tostring(problem)
  if not ok and not text:find('WRONGTYPE') then error(problem) end
end

-- SPDX-License-Identifier: Apache-2.0
-- Patterns with stars, each of which stands for any text; every other byte stands for itself. auth::matches decides
-- alike. Nothing is tried twice: the text before the first star and the text behind the last one have their places, and
-- every text in between is taken where it stands first. (As a Lua pattern, `*a*a*a*a*a*b` held Redis up for half a
-- second in a room of sixty letters.)
local function new_globs()
  local lengths, by_length, known = {}, {}, {}  -- length of the text before the first star → that text → patterns
  local function add(pattern)
    if known[pattern] then return end
    known[pattern] = true
    local head, tail = pattern:match('^([^*]*).*%*([^*]*)$')
    local glob = { head = head, tail = tail, least = #head + #tail }
    for text in pattern:sub(#head + 1, #pattern - #tail):gmatch('[^*]+') do
      glob[#glob + 1] = text
      glob.least = glob.least + #text
    end
    if not by_length[#head] then
      by_length[#head] = {}
      lengths[#lengths + 1] = #head
    end
    local alike = by_length[#head]
    alike[head] = alike[head] or {}
    table.insert(alike[head], glob)
  end
  local function holds(glob, room)  -- of a room that begins with the pattern's head
    if #room < glob.least then return false end
    local last = #room - #glob.tail
    if room:sub(last + 1) ~= glob.tail then return false end
    local at = #glob.head
    for i = 1, #glob do
      local _, found = room:find(glob[i], at + 1, true)
      if not found or found > last then return false end
      at = found
    end
    return true
  end
  local function match(room)
    for _, length in ipairs(lengths) do
      for _, glob in ipairs(by_length[length][room:sub(1, length)] or {}) do
        if holds(glob, room) then return true end
      end
    end
    return false
  end
  return { add = add, match = match }
end

-- SPDX-License-Identifier: Apache-2.0
-- include lib/mailbox_cap.lua
-- include lib/first_since.lua
-- Messages that may not have arrived at a user: the newest of all rooms, at most a mailbox's worth.
local function new_doubts(user, log_of)
  return {
    user = user, log_of = log_of,
    messages = {},    -- { time, seq, frame }…
    known = {},       -- room → seq → true, of these: a room may be doubted twice
    skipped = 0,      -- how many more there are
    oldest_kept = 0,  -- when the oldest of a full mailbox was said
  }
end

local function keep_newest(doubts)
  local messages = doubts.messages
  table.sort(messages, function(a, b) return a[1] > b[1] or a[1] == b[1] and a[2] > b[2] end)
  while #messages > mailbox_cap do
    table.remove(messages)
    doubts.skipped = doubts.skipped + 1
  end
  if #messages == mailbox_cap then doubts.oldest_kept = messages[mailbox_cap][1] end
end

local function before(seq) return string.format('(%.0f-0', seq) end

-- Doubts the messages of a room behind seq `heard`, since the time `since` and up to seq `last` (0 or nil: all), and
-- before the user's other connections hear it (since `heard_since`): the newest first and in growing portions, since
-- mostly there is none. Messages beyond a mailbox's worth are only counted, by their numbers.
local function doubt(doubts, room, heard, since, heard_since, last)
  local log, to = doubts.log_of .. room, last and last > 0 and string.format('%.0f-0', last) or '+'
  local known, user = doubts.known[room] or {}, doubts.user
  doubts.known[room] = known
  if heard_since < math.huge then
    local theirs = first_since(log, heard_since)
    if theirs and not (last and last > 0 and last < theirs) then to = before(theirs) end
  end
  local kept, seen, portion, rest = 0, 0, 4, nil
  while kept < mailbox_cap and seen < 4 * mailbox_cap and not rest do
    local entries = redis.call('XREVRANGE', log, to, before(heard), 'COUNT', portion)
    local oldest
    for _, entry in ipairs(entries) do
      local fields = {}
      for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
      local seq, said = tonumber(entry[1]:match('^%d+')), tonumber(fields.t or 0)
      if said < since then return keep_newest(doubts) end
      if said < doubts.oldest_kept then
        rest = seq + 1
        break
      end
      if fields.m and fields.s ~= user and not known[seq] then
        known[seq] = true
        table.insert(doubts.messages, { said, seq, fields.m })
        kept = kept + 1
      end
      oldest = seq
    end
    if not rest and #entries < portion then return keep_newest(doubts) end
    seen, to, portion = seen + portion, oldest and before(oldest), math.min(2 * portion, 32)
    if kept >= mailbox_cap or seen >= 4 * mailbox_cap then rest = rest or oldest end
  end
  keep_newest(doubts)
  local first = math.max(heard + 1, since > 0 and first_since(log, since) or 0)
  doubts.skipped = doubts.skipped + math.max(0, rest - first)
end

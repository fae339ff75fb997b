-- SPDX-License-Identifier: Apache-2.0
-- Do connections, instances, online_users and clients agree about some users? Found and mended in one step, except
-- connections that nobody will ever end: their end takes disconnect.lua.
-- KEYS 1 online_users  2 clients  3 instances  4 sweeps  5 pending_offline
-- ARGV 1 `repair` or ``  2 prefix user_connections  3 prefix instance_connections
--      4 ms after the end of a lease in which living instances may sweep  5… users
-- Returns { { user, finding, connection or '', its instance or '', lease end or '', its `at` or '' }… }
-- include lib/now.lua
-- include lib/instance_of.lua
local online_users, clients, instances, sweeps, pending_offline = unpack(KEYS)
local mode, connections_of, listed_of, patience = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local first = 5
local repair = mode == 'repair'

local call, out = redis.pcall, {}
local function score(key, name) -- a number, or nothing; also where the key is of another type
  local found = call('ZSCORE', key, name)
  return type(found) == 'string' and tonumber(found) or nil
end

for i = first, #ARGV do
  local user = ARGV[i]
  local function tell(finding, connection, instance, lease, at)
    lease = lease and string.format('%.0f', lease) or ''
    table.insert(out, { user, finding, connection or '', instance or '', lease, at or '' })
  end
  local held = call('HGETALL', connections_of .. user)
  local newest, newest_at, count = nil, -1, #held / 2
  for c = 1, #held, 2 do
    local connection, json = held[c], held[c + 1]
    local instance, about = instance_of(json)
    local at = json:match('"at":(%d+)}$')
    if not instance then
      tell('connection_of_nobody', connection, '', nil, at)
    else
      if tonumber(at or 0) > newest_at then newest, newest_at = about, tonumber(at or 0) end
      local lease, sweep = score(instances, instance), score(sweeps, instance)
      -- The list of a dead or unknown instance is one finding, of the instance.
      if not (sweep and sweep >= now) and call('HGET', listed_of .. instance, connection) ~= user then
        if not lease then
          tell('connection_of_unknown_instance', connection, instance, nil, at)
        elseif lease < now - patience then
          tell('connection_of_dead_instance', connection, instance, lease, at)
        else
          tell('connection_not_listed', connection, instance)
          if repair then call('HSET', listed_of .. instance, connection, user) end
        end
      end
    end
  end

  local online, client = call('SISMEMBER', online_users, user) == 1, call('HGET', clients, user)
  if type(client) ~= 'string' then client = nil end
  if count == 0 then
    if online then
      tell('ghost')
      if repair then
        call('SREM', online_users, user)
        call('ZADD', pending_offline, now, user)
      end
    end
    if client then
      tell('client_without_connection')
      if repair then call('HDEL', clients, user) end
    end
  else
    if not online then
      tell('connected_but_not_online')
      if repair then
        call('SADD', online_users, user)
        call('ZREM', pending_offline, user)
      end
    end
    local ok, about = pcall(cjson.decode, client or '')
    local counted = client and client:match('"connections":(%d+)}$')
    local counts = '"connections":' .. string.format('%d', count) .. '}'
    if not ok or type(about) ~= 'table' then
      if newest then
        tell('client_missing')
        local since = cjson.encode(type(newest.since) == 'string' and newest.since or '')
        local has_address = type(newest.ip) == 'string' and newest.ip ~= ''
        local address = has_address and ',"ipAddress":' .. cjson.encode(newest.ip) or ''
        local entry = '{"connectedAt":' .. since .. ',"lastSeen":' .. since .. address .. ',' .. counts
        if repair then call('HSET', clients, user, entry) end
      end
    elseif counted and tonumber(counted) ~= count then
      tell('client_miscounted')
      if repair then call('HSET', clients, user, (client:gsub('"connections":%d+}$', counts))) end
    end
  end
end
return out

-- Functions of the scripts for legacy gateways, see section 6 of the specification.
local function key_of(id)
  return P .. ':session:' .. id
end

local function publish(kind, id, session, fence)
  redis.call('PUBLISH', P .. ':news', cjson.encode({'', {{kind, id, session, fence}}}))
end

-- Create a session for a station, because a legacy gateway creates none. Its version is a guess until the processor
-- corrects it.
local function begin(id, session, gateway, address, lease_ms, fields)
  local before = redis.call('HMGET', key_of(id), 'session_id', 'channel', 'fence', 'ws_server_id')
  local fence = math.max(time[1] * 1000000 + time[2], tonumber(before[3] or '0') + 1)
  redis.call('DEL', key_of(id), P .. ':responses:' .. id, P .. ':server:ended:' .. id)
  redis.call('HSET', key_of(id), 'charge_point_id', id, 'session_id', session, 'ws_server_id', gateway,
    'remote_addr', address, 'protocol', 'ocpp1.6', 'dialect', 'older', 'last_activity', text(time[1]),
    'fence', text(fence), unpack(fields))
  if before[1] then
    redis.call('HSET', key_of(id), 'replaced_id', before[1], 'replaced_channel', before[2] or '',
      'replaced_server', before[4] or '')
  end
  redis.call('ZADD', P .. ':clients', text(now + lease_ms), id)
  redis.call('SADD', P .. ':active', id)
  publish('online', id, session, text(fence))
end

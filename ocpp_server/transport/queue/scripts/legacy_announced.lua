-- Handle the announcement of a connection or of its end. Every processor receives it; only the first one acts.
-- ARGV  REDIS_STATE_TTL in ms, identity, "connect" | "disconnect", gateway, time of the announcement, remote
--       address, a new session id, lease in ms, the connect control, time of the connection
-- Returns 1 for the processor that acts.
local id, event, gateway, at, address, session, lease_ms, control, since =
  unpack(ARGV, 2, 10)  -- equivalent (10): no name takes a tenth value
local known = redis.call('HMGET', key_of(id), 'session_id', 'ws_server_id', 'announced_at', 'is_implied', 'dialect')
if event == 'connect' then
  if known[3] and known[3] >= at then
    return 0
  end
  if known[4] and known[2] == gateway then
    -- The first frame arrived before the announcement and created the session.
    redis.call('HSET', key_of(id), 'announced_at', at, 'remote_addr', address)
    redis.call('HDEL', key_of(id), 'is_implied')
    return 0
  end
  if redis.call('HGET', P .. ':server:ended:' .. id, 'ended_at') then
    local ended_at = redis.call('HGET', P .. ':server:ended:' .. id, 'ended_at')
    if ended_at >= at then
      return 0
    end
  end
  begin(id, session, gateway, address, lease_ms, {'announced_at', at, 'connected_at', since})
  request(id, control)
  return 1
end
if known[5] ~= 'older' or known[2] ~= gateway or (known[3] and known[3] > at) then
  return 0
end
request(id, cjson.encode({
  charge_point_id = id, message_type = 0, event = 'disconnect', reason = 'announced', timestamp = at,
  ws_server_id = gateway, v = 1, session_id = known[1],
}))
local ended = P .. ':server:ended:' .. id
redis.call('RENAME', key_of(id), ended)
redis.call('HSET', ended, 'ended_at', at)
redis.call('PEXPIRE', ended, 3600000)
redis.call('ZREM', P .. ':clients', id)
redis.call('SREM', P .. ':active', id)
publish('offline', id)
return 1

-- Find or create the session of a frame from a legacy gateway: the frame shows that the station is connected.
-- ARGV  REDIS_STATE_TTL in ms, identity, gateway, time of the frame, a new session id, lease in ms, the current time
-- Returns {session id, 1 when it is new, remote address}.
local id, gateway, at, session, lease_ms, since = unpack(ARGV, 2, 7)  -- equivalent (7): no name takes a seventh value
local known = redis.call('HMGET', key_of(id), 'session_id', 'dialect', 'remote_addr')
if known[2] == 'older' then
  redis.call('ZADD', P .. ':clients', text(now + lease_ms), id)
  redis.call('HSET', key_of(id), 'last_activity', text(time[1]))
  return {known[1], 0, known[3]}
end
local ended = redis.call('HMGET', P .. ':server:ended:' .. id, 'session_id', 'ended_at')
if known[1] or (ended[2] and ended[2] >= at) then
  -- The frame is older than a connection elsewhere, or than the disconnect.
  return {ended[1] or '', 0, ''}
end
begin(id, session, gateway, '', lease_ms, {'is_implied', '1', 'connected_at', since})
return {session, 1, ''}

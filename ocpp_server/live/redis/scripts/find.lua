-- The connection of a station; empty without one or when its lease has expired.
-- KEYS  clients, session
-- ARGV  identity
local now = redis.call('TIME')
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) <= now[1] * 1000 + now[2] / 1000 then
  return {}
end
return redis.call('HGETALL', KEYS[2])

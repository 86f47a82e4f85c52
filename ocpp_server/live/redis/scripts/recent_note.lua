-- Count an event. Returns the number of events within the window.
-- KEYS  the times of the events
-- ARGV  the window in ms, a unique id of this event
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[1])
-- Limits are far below 1000, and the set must not grow with an attack.
if redis.call('ZCARD', KEYS[1]) >= 1000 then
  redis.call('ZPOPMIN', KEYS[1])
end
redis.call('ZADD', KEYS[1], ms, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZCARD', KEYS[1])

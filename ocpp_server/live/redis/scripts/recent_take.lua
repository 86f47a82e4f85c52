-- Count an event if the window has fewer than the limit. Returns 0 then; else the ms until one more may be counted.
-- KEYS  the times of the events
-- ARGV  the window in ms, a unique id of this event, the limit
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[1])
local count = redis.call('ZCARD', KEYS[1])
local limit = tonumber(ARGV[3])
if count < limit then
  redis.call('ZADD', KEYS[1], ms, ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  return 0
end
local first = redis.call('ZRANGE', KEYS[1], count - limit, count - limit, 'WITHSCORES')
return first[2] + ARGV[1] - ms

-- Forget a station whose holder has died, unless its lease was renewed since it was listed.
-- KEYS  clients, session
-- ARGV  identity, channel of the news, the news
local now = redis.call('TIME')
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) > now[1] * 1000 + now[2] / 1000 then
  return 0
end
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('HEXISTS', KEYS[2], 'channel') == 0 then
  -- A gateway's: its end has to reach the processors (gateway_sweep).
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1

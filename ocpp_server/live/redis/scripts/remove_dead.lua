-- Remove the connection of a station whose lease has expired, unless it was renewed since it was listed.
-- KEYS  clients, session
-- ARGV  identity, channel of the news, the news
local now = redis.call('TIME')
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) > now[1] * 1000 + now[2] / 1000 then
  return 0
end
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('HEXISTS', KEYS[2], 'channel') == 0 then
  -- A gateway holds the connection: gateway_sweep ends it, because the processors must get its end too.
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1

-- Remove a connection if it is still the current one: a late close of a replaced one changes nothing.
-- KEYS  clients, session
-- ARGV  identity, connection id, channel of the news, the news
if redis.call('HGET', KEYS[2], 'session_id') ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1

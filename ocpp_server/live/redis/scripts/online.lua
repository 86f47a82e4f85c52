-- The identities whose lease is valid (ARGV[1] = 'living') or expired ('dead').
-- KEYS  clients
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
if ARGV[1] == 'living' then
  return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ms, '+inf')
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms)

-- The next transaction number.
-- KEYS  the last number issued
-- ARGV  the least that the last one must have been, or "": then nothing is issued while the key is missing
-- This script is only ever run by EVALSHA without a floor and by EVAL with one, so that after a restart of Redis,
-- which forgets scripts and perhaps the last numbers too, the first caller brings the floor from the
-- database.
local last = redis.call('GET', KEYS[1])
if ARGV[1] == '' then
  if not last then
    return false
  end
elseif not last or tonumber(last) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return redis.call('INCR', KEYS[1])

-- The next transaction numbers. Returns the last one of them.
-- KEYS  the last number issued
-- ARGV  the floor: the next number is above it; or "": no number is issued while the key is missing; then how
--       many numbers, 1 if it is left out
-- Callers use EVALSHA without a floor and EVAL with one. After a restart Redis has lost its scripts, and perhaps
-- the last numbers: EVALSHA fails, and the first caller passes the floor from the database.
local last = redis.call('GET', KEYS[1])
if ARGV[1] == '' then
  if not last then
    return false
  end
elseif not last or tonumber(last) < tonumber(ARGV[1]) then  -- equivalent (<): the same number is stored again
  redis.call('SET', KEYS[1], ARGV[1])
end
return redis.call('INCRBY', KEYS[1], ARGV[2] or 1)

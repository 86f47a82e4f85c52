-- One process does the housekeeping: take or keep the office. Returns 1 for the one that holds it.
-- KEYS  the office
-- ARGV  process, lease in ms
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0

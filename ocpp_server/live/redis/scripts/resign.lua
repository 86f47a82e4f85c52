-- Release the housekeeper's lease when the process ends, so that the next one need not wait for its expiry.
-- KEYS  the housekeeper, the process with the role housekeeping
-- ARGV  process
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0

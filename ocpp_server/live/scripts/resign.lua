-- Give the office back when the process ends, so that the next one need not wait for the lease.
-- KEYS  the office
-- ARGV  process
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0

-- Elect the housekeeper: take or renew its lease. Returns 1 to the process that is elected.
-- A process with the role housekeeping (`first`) takes precedence over the others (`spare`): an elected spare
-- resigns as soon as there is a first one, which is elected at its next call. So two are never elected at once.
-- KEYS  the housekeeper, the process with the role housekeeping
-- ARGV  process, lease in ms, first or spare
local is_first = ARGV[3] == 'first'
if is_first then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
end
local holder = redis.call('GET', KEYS[1])
local gives_way = not is_first and redis.call('EXISTS', KEYS[2]) == 1
if gives_way then
  if holder == ARGV[1] then
    redis.call('DEL', KEYS[1])
  end
  return 0
end
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0

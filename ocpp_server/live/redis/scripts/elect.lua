-- One process does the housekeeping: take or keep the office. Returns 1 for the one that holds it.
-- A process that was started for it (`first`) goes before one that would do it besides (`spare`): a spare
-- holder that sees one resigns, and the other takes the office at its next call. So two never hold it at
-- once.
-- KEYS the office, the sign that a process was started for it
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

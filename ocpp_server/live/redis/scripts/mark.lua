-- Detect a flush or a restart of Redis. A flush removes the mark; after a restart Redis has another run id and
-- perhaps older data. The first caller that notices sets a new mark.
-- KEYS  the mark
-- ARGV  a new mark, the run id of Redis that the caller has, "1" when the caller has just read the run id
-- Returns {the mark, its age in ms, 1 when this call has set it}
local now = redis.call('TIME')
local ms = now[1] * 1000 + now[2] / 1000
local known = redis.call('HMGET', KEYS[1], 'mark', 'at', 'run')
if known[1] and (ARGV[3] ~= '1' or known[3] == ARGV[2]) then  -- equivalent (1): a mark has all fields
  return {known[1], string.format('%.0f', ms - tonumber(known[2])), 0}
end
redis.call('HSET', KEYS[1], 'mark', ARGV[1], 'at', string.format('%.0f', ms), 'run', ARGV[2])
return {ARGV[1], '0', 1}

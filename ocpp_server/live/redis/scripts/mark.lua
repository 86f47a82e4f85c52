-- Whether this is the Redis we know. A flush takes the mark away, a restart gives Redis another run id, perhaps with
-- an older copy of what it held; the first caller that notices sets a new mark.
-- KEYS  the mark
-- ARGV  a new mark, the id of Redis' run as the caller knows it, "1" when it has asked for it just now
-- Returns {the mark, its age in ms, 1 when it was set just now}
local now = redis.call('TIME')
local ms = now[1] * 1000 + now[2] / 1000
local known = redis.call('HMGET', KEYS[1], 'mark', 'at', 'run')
if known[1] and (ARGV[3] ~= '1' or known[3] == ARGV[2]) then
  return {known[1], string.format('%.0f', ms - tonumber(known[2])), 0}
end
redis.call('HSET', KEYS[1], 'mark', ARGV[1], 'at', string.format('%.0f', ms), 'run', ARGV[2])
return {ARGV[1], '0', 1}

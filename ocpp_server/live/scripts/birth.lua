-- Whether this is the Redis we know. A flush takes the mark away; whoever sees that first sets a new one.
-- KEYS  the mark
-- ARGV  a new mark
-- Returns {the mark, its age in ms, 1 when it was set just now}
local now = redis.call('TIME')
local ms = now[1] * 1000 + now[2] / 1000
local mark = redis.call('HGET', KEYS[1], 'mark')
if mark then
  local age = ms - tonumber(redis.call('HGET', KEYS[1], 'at'))
  return {mark, string.format('%.0f', age), 0}
end
redis.call('HSET', KEYS[1], 'mark', ARGV[1], 'at', string.format('%.0f', ms))
return {ARGV[1], '0', 1}

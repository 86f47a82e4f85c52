-- The number of events of each kind within the window.
-- KEYS  the times of each kind
-- ARGV  the window in ms
local now = redis.call('TIME')
local since = now[1] * 1000 + math.floor(now[2] / 1000) - ARGV[1]
local counts = {}
for place, key in ipairs(KEYS) do
  counts[place] = redis.call('ZCOUNT', key, '(' .. since, '+inf')
end
return counts

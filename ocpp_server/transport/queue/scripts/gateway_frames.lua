-- Push the frames of stations, each once. A repeated push, after its reply was lost, changes nothing.
-- KEYS  ready, wake-ups, then for each station: session, requests
-- ARGV  for each station: identity, session id, number of the first frame, how many, the frames
-- Returns one text, which is cheapest to parse, with a number for each station, joined by commas: the length of its
-- queue, -1 when a newer connection holds the station, -2 when its session is missing.
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
local found = {}
local wakeups = 0
local at = 1
for i = 3, #KEYS, 2 do
  local identity, session, first, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local known = redis.call('HMGET', KEYS[i], 'session_id', 'seq')
  if not known[1] then
    found[#found + 1] = -2
  elseif known[1] ~= session then
    found[#found + 1] = -1
  else
    local pushed = tonumber(known[2] or '0')
    local length
    for n = math.max(0, pushed - first + 1), count - 1 do
      length = redis.call('LPUSH', KEYS[i + 1], ARGV[at + 4 + n])
    end
    if length then
      redis.call('HSET', KEYS[i], 'seq', first + count - 1)
      wakeups = wakeups + redis.call('ZADD', KEYS[1], 'NX', ms, identity)
    end
    found[#found + 1] = length or redis.call('LLEN', KEYS[i + 1])  -- equivalent (or): a push returns the length
  end
  at = at + 4 + count
end
for _ = 1, math.min(wakeups, 64) do  -- equivalent (64): the trim cuts the rest
  redis.call('LPUSH', KEYS[2], '1')
end
redis.call('LTRIM', KEYS[2], 0, 63)
return table.concat(found, ',')

-- Push the frames of stations, each once. A repeated push, after its reply was lost, changes nothing.
-- KEYS  ready, wake-ups, then for each station: session, requests
-- ARGV  for each station: identity, session id, numbers of the first and the last frame, the frames
-- Returns one text, which is cheapest to parse, with a number for each station, joined by commas: the length of its
-- queue, -1 when a newer connection holds the station, -2 when its session is missing.
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
local found, ready = {}, {}
local refused
local at = 1
for i = 3, #KEYS, 2 do
  local identity, session, first, last = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local behind = at + 5 + last - first
  local known = redis.pcall('HMGET', KEYS[i], 'session_id', 'seq')
  local length
  if known.err then
    length = known
  elseif not known[1] then
    length = -2
  elseif known[1] ~= session then
    length = -1
  else
    local pushed = tonumber(known[2] or '0')
    local from = at + 4 + math.max(0, pushed - first + 1)
    if from < behind then
      length = redis.pcall('LPUSH', KEYS[i + 1], unpack(ARGV, from, behind - 1))
      if type(length) == 'number' then
        redis.call('HSET', KEYS[i], 'seq', last)
        ready[#ready + 1] = ms
        ready[#ready + 1] = identity
      end
    else
      length = redis.pcall('LLEN', KEYS[i + 1])
    end
  end
  if type(length) == 'table' then
    -- The stations before this one must become due nevertheless: their frames are in their queues.
    refused = length
    break
  end
  found[#found + 1] = length
  at = behind
end
if #ready > 0 then  -- equivalent (0): a station adds two texts
  local wakeups, due = {}, redis.call('ZADD', KEYS[1], 'NX', unpack(ready))
  for n = 1, math.min(due, 64) do  -- equivalent: the trim cuts the rest, and `unpack` begins at 1
    wakeups[n] = '1'
  end
  if #wakeups > 0 then
    redis.call('LPUSH', KEYS[2], unpack(wakeups))
    redis.call('LTRIM', KEYS[2], '0', '63')
  end
end
return refused or table.concat(found, ',')

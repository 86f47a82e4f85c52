-- Register a connection, or restore it after its session was lost: the newest authenticated one wins.
-- KEYS  clients, session
-- ARGV  identity, lease in ms, fence ("" for a new connection), channel of the news, the news, field, value, ...
-- Returns {fence, the previous session}; fence 0: there is a newer connection, and nothing was changed.
local now = redis.call('TIME')
local microseconds = now[1] * 1000000 + now[2]
local before = redis.call('HGETALL', KEYS[2])
local known = tonumber(redis.call('HGET', KEYS[2], 'fence') or '0')
local fence = tonumber(ARGV[3])
if fence then
  if known > fence then
    return {'0', before}
  end
else
  -- Redis' own clock, so that hosts need not agree on the time, and a counter lost with a flush does not matter.
  fence = math.max(microseconds, known + 1)
end
local written = string.format('%.0f', fence)
-- ZADD first, because a full Redis refuses it before anything was changed; after a DEL it would run the rest.
redis.call('ZADD', KEYS[1], string.format('%.0f', microseconds / 1000 + ARGV[2]), ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'fence', written, unpack(ARGV, 6))
redis.call('PUBLISH', ARGV[4], ARGV[5])
return {written, before}

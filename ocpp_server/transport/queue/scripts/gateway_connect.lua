-- Register a gateway's connection, or restore it after its session was lost. The newest connection of a station wins.
-- KEYS  session, clients, responses, requests, ready, wake-ups, ended
-- ARGV  identity, lease in ms, fence ("" for a new connection), session id, channel of changes, prefix of
--       the keys of gateways, the longest queue, the connect control, field, value, ...
-- Returns {fence, fields of the previous session}. The fence is "0" when a newer connection holds the station, and
-- "full" when its queue is too long. In both cases nothing was changed.
local now = redis.call('TIME')
local microseconds = now[1] * 1000000 + now[2]
local before = redis.call('HGETALL', KEYS[1])
local was = {}
for i = 1, #before, 2 do  -- equivalent (2): no value has the name of a field
  was[before[i]] = before[i + 1]
end
local known = tonumber(was.fence or '0')
local fence = tonumber(ARGV[3])
local is_new = not fence
local seq = '0'
if is_new then
  if redis.call('LLEN', KEYS[4]) > tonumber(ARGV[7]) then
    return {'full', {}}
  end
  fence = math.max(microseconds, known + 1)
else
  if known > fence then
    return {'0', before}
  end
  if was.session_id == ARGV[4] then
    -- A repeated call: the connection is already restored.
    return {was.fence, before}
  end
  -- Frames that were pushed before must not be pushed again, so the numbers continue.
  local ended = redis.call('HMGET', KEYS[7], 'session_id', 'seq')
  if ended[1] == ARGV[4] then
    seq = ended[2] or '0'
  end
end
local written = string.format('%.0f', fence)
-- First the command that Redis refuses when it is out of memory, so that a refusal changes nothing.
redis.call('LPUSH', KEYS[4], ARGV[8])
redis.call('DEL', KEYS[1], KEYS[7])
redis.call('HSET', KEYS[1], 'fence', written, 'seq', seq, unpack(ARGV, 9))
if was.session_id and was.session_id ~= ARGV[4] then
  -- When a process of the server holds the old socket, the processor waits until that process has finished.
  redis.call('HSET', KEYS[1], 'replaced_id', was.session_id, 'replaced_channel', was.channel or '')
  if not was.channel and was.ws_server_id then
    local wakeups = ARGV[6] .. was.ws_server_id
    redis.call('RPUSH', wakeups, ARGV[1])
    redis.call('PEXPIRE', wakeups, 120000)
  end
end
redis.call('ZADD', KEYS[2], string.format('%.0f', microseconds / 1000 + ARGV[2]), ARGV[1])
if is_new then
  redis.call('DEL', KEYS[3])
end
if redis.call('ZADD', KEYS[5], 'NX', string.format('%.0f', microseconds / 1000), ARGV[1]) == 1 then
  redis.call('LPUSH', KEYS[6], '1')
  redis.call('LTRIM', KEYS[6], 0, 63)
end
redis.call('PUBLISH', ARGV[5], cjson.encode({'', {{'online', ARGV[1], ARGV[4], written}}}))
return {written, before}

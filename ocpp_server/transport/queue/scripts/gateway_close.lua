-- Remove closed connections, each only if it is the current one of its station. A late close of a replaced connection
-- changes nothing.
-- KEYS  clients, ready, wake-ups, then for each station: session, requests
-- ARGV  channel of changes, then for each station: identity, session id, the disconnect control
-- Returns how many were current.
-- Push a control. An error of a key with a wrong type is ignored: the station must become offline nevertheless.
local function push(key, control)
  local done = redis.pcall('LPUSH', key, control)
  if type(done) == 'table' and not done.err:find('WRONGTYPE') then
    return done
  end
end
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
local current = 0
for i = 4, #KEYS, 2 do
  local at = 2 + (i - 4) / 2 * 3
  local identity, session, control = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if redis.call('HGET', KEYS[i], 'session_id') == session then
    local refused = push(KEYS[i + 1], control)
    if refused then
      return refused
    end
    redis.call('DEL', KEYS[i])
    redis.call('ZREM', KEYS[1], identity)
    if redis.call('ZADD', KEYS[2], 'NX', ms, identity) == 1 then
      redis.call('LPUSH', KEYS[3], '1')
    end
    redis.call('PUBLISH', ARGV[1], cjson.encode({'', {{'offline', identity}}}))
    current = current + 1
  end
end
redis.call('LTRIM', KEYS[3], 0, 63)
return current

-- Renew the leases of the connections that a process holds.
-- KEYS  clients, one session for each station
-- ARGV  lease in ms, then identity and connection id for each station
-- Returns for each station: 1 renewed, 0 its session is missing or of another connection.
local now = redis.call('TIME')
local until_ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000 + ARGV[1])
local seconds = string.format('%.0f', now[1] * 1)
local states = {}
for i = 2, #KEYS do
  local identity, connection = ARGV[2 * i - 2], ARGV[2 * i - 1]
  local current = redis.call('HGET', KEYS[i], 'session_id')
  if current == connection then
    redis.call('ZADD', KEYS[1], until_ms, identity)
    redis.call('HSET', KEYS[i], 'last_activity', seconds)
    states[#states + 1] = 1
  else
    states[#states + 1] = 0
  end
end
return states

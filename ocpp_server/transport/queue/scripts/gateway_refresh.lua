-- Renew the leases of a gateway and of its connections.
-- KEYS  clients, gateways, then for each station: session, responses
-- ARGV  gateway, lease in ms, then for each station: identity, session id
-- Returns one text with a letter for each station: k (kept), a (kept, and answers wait), m (its session is missing),
-- r (a newer connection has replaced it).
local now = redis.call('TIME')
local until_ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000 + ARGV[2])
local seconds = string.format('%.0f', now[1] * 1)
redis.call('ZADD', KEYS[2], until_ms, ARGV[1])
local states = {}
for i = 3, #KEYS, 2 do
  local identity, session = ARGV[i], ARGV[i + 1]
  local current = redis.call('HGET', KEYS[i], 'session_id')
  if current == session then
    redis.call('ZADD', KEYS[1], until_ms, identity)
    redis.call('HSET', KEYS[i], 'last_activity', seconds)
    states[#states + 1] = redis.call('EXISTS', KEYS[i + 1]) == 1 and 'a' or 'k'
  else
    states[#states + 1] = current and 'r' or 'm'
  end
end
return table.concat(states)

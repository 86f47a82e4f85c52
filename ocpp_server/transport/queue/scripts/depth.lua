-- The length of the queue, for metrics and probes. Changes nothing.
-- KEYS  ready, dead letters, gateways, processors, deadlines
-- ARGV  prefix of the keys of requests, stations to count, heads to return
-- Returns {stations due, unread envelopes, dead letters, gateways alive, processors alive, stations with
-- a call in flight, heads...}; the heads are those of the stations that have been due longest.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local unread, heads = 0, {}
for _, identity in ipairs(redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)) do
  local requests = ARGV[1] .. identity
  local count = redis.call('LLEN', requests)
  unread = unread + count
  if count > 0 and #heads < tonumber(ARGV[3]) then
    heads[#heads + 1] = redis.call('LINDEX', requests, -1)
  end
end
local found = {
  redis.call('ZCARD', KEYS[1]), unread, redis.call('LLEN', KEYS[2]),
  redis.call('ZCOUNT', KEYS[3], ms, '+inf'), redis.call('ZCOUNT', KEYS[4], ms, '+inf'),
  redis.call('ZCARD', KEYS[5]),
}
for _, head in ipairs(heads) do
  found[#found + 1] = head
end
return found

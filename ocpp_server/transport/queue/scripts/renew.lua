-- Renew the lease of a processor and of its claims.
-- ARGV  REDIS_STATE_TTL in ms, processor, lifetime of a claim in ms, then for each station: identity, epoch
-- Returns one text with a letter for each station: k (kept), f (another processor has claimed it).
redis.call('ZREMRANGEBYSCORE', P .. ':server:processors', '-inf', text(now - 60000))
redis.call('ZADD', P .. ':server:processors', text(now + ARGV[3]), ARGV[2])
local states = {}
for at = 4, #ARGV, 2 do
  local known = redis.call('HMGET', P .. ':server:lease:' .. ARGV[at], 'owner', 'epoch')
  if known[1] == ARGV[2] and known[2] == ARGV[at + 1] then
    redis.call('ZADD', P .. ':server:ready', 'XX', text(now + ARGV[3]), ARGV[at])
    states[#states + 1] = 'k'
  else
    states[#states + 1] = 'f'
  end
end
return table.concat(states)

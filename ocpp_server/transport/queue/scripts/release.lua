-- Release stations whose heads were not handled.
-- ARGV  REDIS_STATE_TTL in ms, processor, then for each station: identity, epoch, in how many ms it is due again,
--       "1" when this does not count as an attempt
-- Returns how many were released.
local released = 0
for at = 3, #ARGV, 4 do
  local id, epoch, delay, is_no_attempt = unpack(ARGV, at, at + 3)  -- equivalent (3): no name takes a fifth value
  local lease = P .. ':server:lease:' .. id
  local known = redis.call('HMGET', lease, 'owner', 'epoch')
  if known[1] == ARGV[2] and known[2] == epoch then
    if is_no_attempt == '1' then
      redis.call('HINCRBY', lease, 'attempts', -1)
    end
    redis.call('ZADD', P .. ':server:ready', 'XX', text(now + delay), id)
    released = released + 1
    if tonumber(delay) == 0 then
      wake_up(P .. ':server:bell')
    end
  end
end
return released

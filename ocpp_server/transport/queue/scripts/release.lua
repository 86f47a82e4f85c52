-- Release stations whose heads are not handled.
-- ARGV  REDIS_STATE_TTL in ms, processor, then for each station: identity, epoch, in how many ms it is due again,
--       "1" for no attempt
-- Returns how many were still ours.
local ours = 0
for at = 3, #ARGV, 4 do
  local id, epoch, delay, is_forgiven = unpack(ARGV, at, at + 3)
  local lease = P .. ':server:lease:' .. id
  local known = redis.call('HMGET', lease, 'owner', 'epoch')
  if known[1] == ARGV[2] and known[2] == epoch then
    if is_forgiven == '1' then
      redis.call('HINCRBY', lease, 'attempts', -1)
    end
    redis.call('ZADD', P .. ':server:ready', 'XX', text(now + delay), id)
    ours = ours + 1
    if tonumber(delay) == 0 then
      ring(P .. ':server:bell')
    end
  end
end
return ours

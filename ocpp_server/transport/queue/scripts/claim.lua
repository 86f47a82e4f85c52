-- Claim the stations that have been due longest. A station is left for a moment to the processor that had it last
-- and has it loaded, while that one is alive.
-- ARGV  REDIS_STATE_TTL in ms, processor, lifetime of a claim in ms, how many, how long a station is left to
--       the last processor in ms
-- Returns {how many were left, claimed}; claimed: {identity, epoch, attempts, session id, channel, settles_at, head}.
local processor, count = ARGV[2], tonumber(ARGV[4])
local ready = P .. ':server:ready'
local claimed, left, bells = {}, 0, {}
-- Other writers may round the time up: a station that is due within this millisecond is due.
local due = redis.call('ZRANGEBYSCORE', ready, '-inf', text(now + 1), 'WITHSCORES', 'LIMIT', 0, count + 64)
for i = 1, #due, 2 do
  if #claimed == count then
    break
  end
  local id, since = due[i], tonumber(due[i + 1])
  local key = P .. ':server:lease:' .. id
  local lease = redis.call('HMGET', key, 'owner', 'attempts')
  local owner = lease[1]
  local is_left = false
  if owner and owner ~= processor and now - since < tonumber(ARGV[5]) and lease[2] == '0' then
    local alive = redis.call('ZSCORE', P .. ':server:processors', owner)
    is_left = alive and tonumber(alive) > now
  end
  if is_left then
    left = left + 1
    bells[owner] = true
  else
    local head = redis.call('LINDEX', P .. ':requests:' .. id, -1)
    if head then
      local epochs = P .. ':server:epoch'
      if redis.call('HEXISTS', epochs, id) == 0 then
        -- After a flush no earlier number may come again: its holder would seem to hold the new claim.
        redis.call('HSET', epochs, id, text(time[1] * 1000000 + time[2]))
      end
      local epoch = redis.call('HINCRBY', epochs, id, 1)
      local attempts = tonumber(lease[2] or '0') + 1
      redis.call('HSET', key, 'owner', processor, 'epoch', text(epoch), 'attempts', attempts)
      redis.call('PEXPIRE', key, 3600000)
      redis.call('ZADD', ready, text(now + ARGV[3]), id)
      local session = session_of(id)
      claimed[#claimed + 1] = {id, epoch, attempts, session.id or '', session.channel or '',
        session.settles_at and text(session.settles_at) or '', head}
    else
      redis.call('ZREM', ready, id)
    end
  end
end
for owner in pairs(bells) do
  ring(P .. ':server:bell:' .. owner)
end
if #claimed == count then
  ring(P .. ':server:bell')
elseif left == 0 then
  -- No station is due: a processor that an earlier wake-up wakes would find none.
  redis.call('DEL', P .. ':server:bell')
end
return {left, claimed}

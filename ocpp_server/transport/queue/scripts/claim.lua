-- Take the stations that have been due longest. Who is at work on a station again and again knows it: for a moment
-- it is left to the processor that had it last, while that one is alive.
-- ARGV  REDIS_STATE_TTL in ms, processor, how long the claim holds in ms, how many, how long it is left to the last
--       one in ms
-- Returns {how many were left, claimed}; claimed: {identity, epoch, attempts, session id, channel, settles_at, head}.
local processor, count = ARGV[2], tonumber(ARGV[4])
local ready = P .. ':server:ready'
local claimed, left, bells = {}, 0, {}
-- Others may round the moment up: what is due within this millisecond is due.
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
        -- After a flush none may come again that was there before: who has it would take itself for the claimant.
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
  -- Nothing is due any more: whoever wakes by an earlier ring would find nothing.
  redis.call('DEL', P .. ':server:bell')
end
return {left, claimed}

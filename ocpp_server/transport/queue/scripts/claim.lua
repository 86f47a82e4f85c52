-- Claim the stations that have been due longest. A due station is reserved for a moment for its last processor, which
-- has it loaded, while that processor is alive.
-- ARGV  REDIS_STATE_TTL in ms, processor, lifetime of a claim in ms, how many, how long a station is
--       reserved for its last processor in ms
-- Returns {number of reserved stations, claimed}; claimed: {identity, epoch, attempts, session id, channel, settles_at, head}.
local processor, count = ARGV[2], tonumber(ARGV[4])
local ready = P .. ':server:ready'
local claimed, reserved, owners = {}, 0, {}
-- Other writers may round the time up, so a station that is due within this millisecond counts as due.
local due = redis.call('ZRANGEBYSCORE', ready, '-inf', text(now + 1), 'WITHSCORES', 'LIMIT', 0, count + 64)
for i = 1, #due, 2 do
  if #claimed == count then
    break
  end
  local id, since = due[i], tonumber(due[i + 1])
  local key = P .. ':server:lease:' .. id
  local lease = redis.call('HMGET', key, 'owner', 'attempts')
  local owner = lease[1]
  local is_reserved = false
  if owner ~= processor and now - since < tonumber(ARGV[5]) and lease[2] == '0' then
    local alive = redis.call('ZSCORE', P .. ':server:processors', owner)
    is_reserved = alive and tonumber(alive) > now
  end
  if is_reserved then
    reserved = reserved + 1
    owners[owner] = true
  else
    local head = redis.call('LINDEX', P .. ':requests:' .. id, -1)
    if head then
      local epochs = P .. ':server:epoch'
      if redis.call('HEXISTS', epochs, id) == 0 then
        -- A new epoch starts at the time: after a flush, a repeated number would make an old claim look current.
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
for owner in pairs(owners) do
  wake_up(P .. ':server:bell:' .. owner)
end
if #claimed == count then
  wake_up(P .. ':server:bell')
elseif reserved == 0 then
  -- No station is due, so the remaining wake-ups are useless.
  redis.call('DEL', P .. ':server:bell')
end
return {reserved, claimed}

-- Claim the stations that have been due longest. A due station is reserved for a moment for its last processor, which
-- has it loaded, while that processor is alive.
-- ARGV  REDIS_STATE_TTL in ms, processor, lifetime of a claim in ms, how many, how long a station is
--       reserved for its last processor in ms
-- Returns one text (see `packed`): the number of reserved stations, then for each claimed station: identity, epoch,
-- attempts, session id, channel, settles_at, head.
local processor, count = ARGV[2], tonumber(ARGV[4])
local ready = P .. ':server:ready'
local ids, leases, heads, reserved, owners = {}, {}, {}, 0, {}
-- Other writers may round the time up, so a station that is due within this millisecond counts as due.
local due = redis.call('ZRANGEBYSCORE', ready, '-inf', text(now + 1), 'WITHSCORES', 'LIMIT', 0, count + 64)
for i = 1, #due, 2 do
  if #ids == count then
    break
  end
  local id, since = due[i], tonumber(due[i + 1])
  local lease = redis.call('HMGET', P .. ':server:lease:' .. id, 'owner', 'attempts', 'expires')
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
    local head = redis.call('LINDEX', P .. ':requests:' .. id, '-1')
    if head then
      ids[#ids + 1], leases[#leases + 1], heads[#heads + 1] = id, lease, head
    else
      redis.call('ZREM', ready, id)
    end
  end
end
local parts = {text(reserved)}
if #ids > 0 then
  local epochs = redis.call('HMGET', P .. ':server:epoch', unpack(ids))
  local written, scores, until_ms = {}, {}, text(now + ARGV[3])
  for i, id in ipairs(ids) do
    -- A new epoch starts at the time: after a flush, a repeated number would make an old claim look current.
    epochs[i] = text((epochs[i] or time[1] * 1000000 + time[2]) + 1)
    written[2 * i - 1], written[2 * i] = id, epochs[i]
    scores[2 * i - 1], scores[2 * i] = until_ms, id
  end
  -- First the command that Redis refuses when it is out of memory, so that a refusal changes nothing.
  redis.call('HSET', P .. ':server:epoch', unpack(written))
  redis.call('ZADD', ready, unpack(scores))
  for i, id in ipairs(ids) do
    local key, attempts = P .. ':server:lease:' .. id, text(tonumber(leases[i][2] or '0') + 1)
    redis.call('HSET', key, 'owner', processor, 'epoch', epochs[i], 'attempts', attempts)
    -- A lease lives for an hour; it is prolonged only in the second half of it.
    if tonumber(leases[i][3] or '0') < now + 1800000 then
      redis.call('HSET', key, 'expires', text(now + 3600000))
      redis.call('PEXPIRE', key, 3600000)
    end
    local session = session_of(id)
    for _, part in ipairs({id, epochs[i], attempts, session.id or '', session.channel or '',
      session.settles or '', heads[i]}) do
      parts[#parts + 1] = part
    end
  end
end
for owner in pairs(owners) do
  wake_up(P .. ':server:bell:' .. owner)
end
if #ids == count then
  wake_up(P .. ':server:bell')
elseif reserved == 0 then
  -- No station is due, so the remaining wake-ups are useless.
  redis.call('DEL', P .. ':server:bell')
end
return packed(parts)

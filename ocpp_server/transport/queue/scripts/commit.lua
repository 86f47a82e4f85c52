-- Commit the handled head of each station's queue: push the answers, remove the head, continue or release the station.
-- ARGV  REDIS_STATE_TTL in ms, processor, lifetime of a claim in ms, then for each station: identity, epoch,
--       the session its answers are for, "1" when the processor handles the next head too, message id of the
--       call in flight that has ended or "", settles_at ("+" and ms from now) or "", dead letter or "", how many
--       answers, the answers
-- Returns one text (see `packed`) with three parts for each station: result, next head or "", sent. result: "fenced"
-- (another processor has claimed the station; nothing was changed), "next", "back" (released, with more in its queue),
-- "idle" (released, its queue is empty). sent: id of the call that was sent, or "".
local processor, at, done, idle, answered = ARGV[2], 4, {}, {}, {}
local ready = P .. ':server:ready'
local function note(result, head, sent)
  done[#done + 1], done[#done + 2], done[#done + 3] = result, head, sent or ''
end
while at <= #ARGV do  -- equivalent (<=): a station has at least eight arguments
  local id, epoch, answers_to, goes_on, ends, settles, letter, count =
    unpack(ARGV, at, at + 7)  -- equivalent (7): no name takes a ninth value
  local answers_at = at + 8
  at = answers_at + count
  local lease = P .. ':server:lease:' .. id
  local known = redis.call('HMGET', lease, 'owner', 'epoch')
  if known[1] ~= processor or known[2] ~= epoch then
    note('fenced', '')
  else
    local requests = P .. ':requests:' .. id
    local session = session_of(id)
    local is_current = session.id == answers_to
    local sent = false
    -- First the command that Redis refuses when it is out of memory, so that a refusal changes nothing.
    if is_current and at > answers_at then
      push_answers(id, unpack(ARGV, answers_at, at - 1))
      if session.gateway then
        answered[session.gateway] = answered[session.gateway] or {}
        table.insert(answered[session.gateway], id)
      end
    end
    if letter ~= '' then
      for key, kept in pairs({[P .. ':server:dead'] = 999, [P .. ':server:dead:' .. id] = 99}) do
        redis.call('LPUSH', key, letter)
        redis.call('LTRIM', key, 0, kept)
      end
    end
    if is_current and settles ~= '' then
      if string.sub(settles, 1, 1) == '+' then  -- equivalent (1): a part from 0 on begins at 1
        settles = text(now + settles)
      end
      redis.call('HSET', P .. ':session:' .. id, 'settles_at', settles)
      session.settles_at = tonumber(settles)
    end
    local pending = P .. ':server:pending:' .. id
    if ends ~= '' and redis.call('HGET', pending, 'message_id') == ends then  -- equivalent (and): no id is empty
      redis.call('DEL', pending)
    end
    if ends ~= '' or settles ~= '' then
      sent = advance(id, session)
      note_deadline(id, session)
    end
    redis.call('RPOP', requests)
    local head = redis.call('LINDEX', requests, '-1')
    if not head then
      redis.call('HSET', lease, 'attempts', '0')
      idle[#idle + 1] = id
      note('idle', '', sent)
    elseif goes_on == '1' then
      redis.call('HSET', lease, 'attempts', '1')
      redis.call('ZADD', ready, text(now + ARGV[3]), id)
      note('next', head, sent)
    else
      redis.call('HSET', lease, 'attempts', '0')
      redis.call('ZADD', ready, text(now), id)
      wake_up(P .. ':server:bell')
      note('back', '', sent)
    end
  end
end
if #idle > 0 then
  redis.call('ZREM', ready, unpack(idle))
end
for gateway, ids in pairs(answered) do
  wake_up_gateway(gateway, ids)
end
return packed(done)

-- End the calls whose deadline has passed, and send the queued calls behind them.
-- ARGV  REDIS_STATE_TTL in ms, how many stations at most
-- Returns {ms until the next deadline or -1, ended, sent}; ended: {identity, message id, "timeout" |
-- "disconnected", ms since it was sent or -1, reply channel, envelope}, sent: message ids.
local ended, sent = {}, {}
local deadlines = P .. ':server:deadlines'
for _, id in ipairs(redis.call('ZRANGEBYSCORE', deadlines, '-inf', text(now), 'LIMIT', 0, ARGV[2])) do
  local session, key = session_of(id), P .. ':server:pending:' .. id
  local call = redis.call('HMGET', key, 'message_id', 'session_id', 'deadline', 'answering', 'sent_at', 'reply_to',
    'envelope')
  local is_late = call[1] and tonumber(call[3]) <= now  -- equivalent (1): a call has all fields
  if is_late and tonumber(call[4] or '0') <= now then
    redis.call('DEL', key)
    local state = call[2] == session.id and 'timeout' or 'disconnected'
    ended[#ended + 1] = {id, call[1], state, text(now - call[5]), call[6], call[7]}
  end
  for _, one in ipairs(waiting_of(id)) do
    if tonumber(one.call.expires) <= now or one.call.session ~= session.id then
      redis.call('LREM', P .. ':server:calls:' .. id, -1, one.text)  -- equivalent (1): no call is queued twice
      local state = one.call.session == session.id and 'timeout' or 'disconnected'
      ended[#ended + 1] = {id, one.call.id, state, '-1', one.call.reply_to, one.call.envelope}
    end
  end
  sent[#sent + 1] = advance(id, session)
  note_deadline(id, session)
end
local first = redis.call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')  -- equivalent (0): the others are not read
local wait = first[2] and text(math.max(0, first[2] - now)) or '-1'  -- equivalent (2): all members have scores
return {wait, ended, sent}

-- End the calls of a station that belong to an earlier session. None of them is sent again in the current one.
-- ARGV  REDIS_STATE_TTL in ms, identity
-- Returns for each ended call {identity, message id, "disconnected", ms since it was sent or -1, reply channel, envelope}.
local id = ARGV[2]
local session, key, ended = session_of(id), P .. ':server:pending:' .. id, {}
local call = redis.call('HMGET', key, 'message_id', 'session_id', 'sent_at', 'reply_to', 'envelope')
if call[1] and call[2] ~= session.id then  -- equivalent (1): a call has both fields
  redis.call('DEL', key)
  ended[1] = {id, call[1], 'disconnected', text(now - call[3]), call[4], call[5]}
end
for _, one in ipairs(waiting_of(id)) do
  if one.call.session ~= session.id then
    redis.call('LREM', P .. ':server:calls:' .. id, -1, one.text)  -- equivalent (1): no call is queued twice
    ended[#ended + 1] = {id, one.call.id, 'disconnected', '-1', one.call.reply_to, one.call.envelope}
  end
end
note_deadline(id, session)
return ended

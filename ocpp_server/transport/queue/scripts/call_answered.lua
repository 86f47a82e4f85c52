-- Find the call in flight that an answer belongs to. No other process may end the call while the answer is handled.
-- ARGV  REDIS_STATE_TTL in ms, identity, message id, how long handling the answer may take in ms
-- Returns {} or {action, ms since it was sent, ms until an answer is too late, timeout, reply channel, envelope,
-- who sent it or ""}.
local key = P .. ':server:pending:' .. ARGV[2]
local call = redis.call('HMGET', key, 'message_id', 'action', 'sent_at', 'expires', 'timeout', 'reply_to', 'envelope',
  'actor')
if call[1] ~= ARGV[3] then
  return {}
end
redis.call('HSET', key, 'answering', text(now + ARGV[4]))
-- While a call is in flight, the deadline does not depend on the session.
note_deadline(ARGV[2], {})
return {call[2], text(now - call[3]), text(call[4] - now), call[5], call[6], call[7], call[8] or ''}

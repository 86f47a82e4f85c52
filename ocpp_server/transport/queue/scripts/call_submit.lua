-- Accept a call to a station: send it, or queue it.
-- ARGV  REDIS_STATE_TTL in ms, identity, session id, message id, action, timeout in ms, reply channel, the envelope,
--       the longest queue, who sent it
-- Returns {"gone" | "full" | "taken", id of the call that was sent or ""}. A repeated call is queued only once.
local id, session = ARGV[2], session_of(ARGV[2])
local alive = redis.call('ZSCORE', P .. ':clients', id)
if session.id ~= ARGV[3] or not alive or tonumber(alive) <= now then
  return {'gone', ''}
end
if redis.call('HGET', P .. ':server:pending:' .. id, 'message_id') == ARGV[4] then
  return {'taken', ARGV[4]}
end
local waiting = waiting_of(id)
for _, one in ipairs(waiting) do
  if one.call.id == ARGV[4] then
    return {'taken', ''}
  end
end
if #waiting >= tonumber(ARGV[9]) then
  return {'full', ''}
end
redis.call('LPUSH', P .. ':server:calls:' .. id, cjson.encode({
  id = ARGV[4], action = ARGV[5], session = session.id, expires = text(now + ARGV[6]), timeout = ARGV[6],
  reply_to = ARGV[7], envelope = ARGV[8], actor = ARGV[10],
}))
local sent = advance(id, session)
note_deadline(id, session)
return {'taken', sent or ''}

-- Push a control about a station at a gateway, unless it has another session by now.
-- ARGV  REDIS_STATE_TTL in ms, identity, session id or "", "request" | "response", the envelope
-- Returns 1 when it was pushed.
local id, session = ARGV[2], session_of(ARGV[2])
if ARGV[3] ~= '' and session.id ~= ARGV[3] then
  return 0
end
if ARGV[4] == 'request' then
  request(id, ARGV[5])
elseif redis.call('HEXISTS', P .. ':session:' .. id, 'dialect') == 1 then
  -- A legacy gateway does not know controls and would forward them to the station.
  return 0
else
  respond(id, session, ARGV[5])
end
return 1

-- Mark the stations of dead gateways as offline. Sessions with a channel belong to processes of the server, and the
-- housekeeping handles them.
-- KEYS  clients, gateways, ready, wake-ups
-- ARGV  prefix, channel of changes, time of the disconnect controls (RFC 3339), how many at most
-- Returns their identities.
-- Push a control. An error of a key with a wrong type is ignored: the station must become offline nevertheless.
local function push(key, control)
  local done = redis.pcall('LPUSH', key, control)
  if type(done) == 'table' and not done.err:find('WRONGTYPE') then
    return done
  end
end
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + now[2] / 1000)
local gone = {}
for _, identity in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms)) do
  local key = ARGV[1] .. ':session:' .. identity
  local session = redis.call('HMGET', key, 'session_id', 'ws_server_id', 'protocol', 'channel')
  if session[1] and not session[4] then
    local refused = push(ARGV[1] .. ':requests:' .. identity, cjson.encode({
      charge_point_id = identity, message_type = 0, event = 'disconnect', reason = 'The gateway has died.',
      timestamp = ARGV[3], ws_server_id = session[2] or '', v = 1, session_id = session[1],
      protocol = session[3] or '',
    }))
    if refused then
      return refused
    end
    -- The gateway may return and continue the numbers of its frames.
    local ended = ARGV[1] .. ':server:ended:' .. identity
    redis.call('RENAME', key, ended)
    redis.call('PEXPIRE', ended, 3600000)
    redis.call('ZREM', KEYS[1], identity)
    if redis.call('ZADD', KEYS[3], 'NX', ms, identity) == 1 then
      redis.call('LPUSH', KEYS[4], '1')
    end
    redis.call('PUBLISH', ARGV[2], cjson.encode({'', {{'offline', identity}}}))
    gone[#gone + 1] = identity
    if #gone >= tonumber(ARGV[4]) then
      break
    end
  end
end
redis.call('LTRIM', KEYS[4], 0, 63)
-- Last: after any write, a full Redis would no longer refuse the commands above. No gateway can renew its leases in a
-- full Redis, so they all seem dead.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ms)
return gone

-- Functions of the scripts of the processor: the queued calls to a station, and the answers to its gateway.
-- KEYS  the prefix of all keys: the keys of the stations are computed while the script runs
-- Numbers are written as texts where a script runs for every message: making a text of a number is dear in Lua.
local P = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number)
  return string.format('%.0f', number)
end

local function wake_up(list)
  redis.call('LPUSH', list, '1')
  redis.call('LTRIM', list, '0', '63')
end

local function session_of(id)
  local found = redis.call('HMGET', P .. ':session:' .. id, 'session_id', 'ws_server_id', 'channel', 'settles_at')
  return {id = found[1], gateway = found[2], channel = found[3], settles = found[4], settles_at = tonumber(found[4])}
end

-- Several texts as one, which is cheapest to parse: their sizes, joined by commas, a semicolon, the texts.
local function packed(parts)
  local sizes, texts = {}, {}
  for i, part in ipairs(parts) do
    local size = #part
    texts[size] = texts[size] or text(size)
    sizes[i] = texts[size]
  end
  return table.concat(sizes, ',') .. ';' .. table.concat(parts)
end

-- Push envelopes to the gateway, which has to be woken up.
local function push_answers(id, ...)
  local responses = P .. ':responses:' .. id
  redis.call('LPUSH', responses, ...)
  redis.call('PEXPIRE', responses, '120000')
end

-- Wake up a gateway, which then takes the answers for these stations.
local function wake_up_gateway(gateway, ids)
  local wakeups = P .. ':gateway:' .. gateway
  redis.call('RPUSH', wakeups, unpack(ids))
  redis.call('PEXPIRE', wakeups, 120000)
end

-- Push an envelope to the gateway and wake it up.
local function respond(id, session, envelope)
  push_answers(id, envelope)
  if session.gateway then
    wake_up_gateway(session.gateway, {id})
  end
end

local function request(id, envelope)
  redis.call('LPUSH', P .. ':requests:' .. id, envelope)
  if redis.call('ZADD', P .. ':server:ready', 'NX', text(now), id) == 1 then
    wake_up(P .. ':server:bell')
  end
end

-- The queued calls of a station, oldest first. A queued call is {id, action, session, expires, timeout, reply_to,
-- envelope, actor}, with times in milliseconds. A process of an earlier release stores no actor.
local function waiting_of(id)
  local calls = redis.call('LRANGE', P .. ':server:calls:' .. id, 0, -1)
  local found = {}
  for i = #calls, 1, -1 do
    found[#found + 1] = {text = calls[i], call = cjson.decode(calls[i])}
  end
  return found
end

-- Store the next deadline of a station's calls: for an answer, for the first message, or of a queued call.
local function note_deadline(id, session)
  local due
  local function sooner(moment)
    if moment and (not due or moment < due) then  -- equivalent (<): the same time is stored again
      due = moment
    end
  end
  local pending = redis.call('HMGET', P .. ':server:pending:' .. id, 'deadline', 'answering')
  if pending[1] then
    sooner(math.max(tonumber(pending[1]), tonumber(pending[2] or '0')))
  end
  local waiting = waiting_of(id)
  for _, one in ipairs(waiting) do
    sooner(tonumber(one.call.expires))
  end
  if #waiting > 0 and not pending[1] then
    sooner(session.settles_at)
  end
  if due then
    redis.call('ZADD', P .. ':server:deadlines', text(due), id)
  else
    redis.call('ZREM', P .. ':server:deadlines', id)
  end
end

-- Send the next call of a station if none is in flight and the first message of the station has arrived.
-- Returns the id of the call that was sent, nil when none was.
local function advance(id, session)
  local key = P .. ':server:pending:' .. id
  if session.channel or not session.settles_at or session.settles_at > now or redis.call('EXISTS', key) == 1 then
    return nil
  end
  for _, one in ipairs(waiting_of(id)) do
    local call = one.call
    if call.session == session.id and tonumber(call.expires) > now then
      redis.call('LREM', P .. ':server:calls:' .. id, -1, one.text)  -- equivalent (1): no call is queued twice
      local deadline = now + tonumber(call.timeout)
      redis.call('HSET', key, 'message_id', call.id, 'action', call.action, 'session_id', call.session,
        'sent_at', text(now), 'deadline', text(deadline), 'expires', call.expires, 'timeout', call.timeout,
        'reply_to', call.reply_to, 'envelope', call.envelope, 'actor', call.actor or '')
      -- The key outlives the wait of any caller, and expires even if no processor ends the call.
      redis.call('PEXPIRE', key, text(tonumber(call.timeout) + tonumber(ARGV[1])))
      respond(id, session, call.envelope)
      return call.id
    end
  end
end

-- Take the answers that wait for the stations of a gateway. A repeated number returns the same reply again, because
-- the first one was lost.
-- KEYS  the gateway's list of wake-ups, the answers of its last take
-- ARGV  number of this take, gateway, prefix, how many stations, how many answers of each, then identities to
--       poll without a wake-up
-- Returns one text: the sizes of its parts, joined by commas, a semicolon, the parts. The parts of each station are
-- its identity, its current session ("" when it is not this gateway's), the length of its queue, the number of
-- answers, and the answers.
local last = redis.call('HMGET', KEYS[2], 'number', 'text')
if last[1] == ARGV[1] then
  return last[2]
end
-- Call Redis; false for an error. A station with broken keys must not block the others.
local function got(...)
  local found = redis.pcall(...)
  return not (type(found) == 'table' and found.err) and found
end
local asked = redis.call('LPOP', KEYS[1], ARGV[4]) or {}
for i = 6, #ARGV do
  asked[#asked + 1] = ARGV[i]
end
local seen, parts, sizes, texts, more = {}, {}, {}, {}, {}
local function put(part)
  local size = #part
  -- Making a text of a number is dear in Lua, and many parts are of the same size.
  texts[size] = texts[size] or tostring(size)
  parts[#parts + 1] = part
  sizes[#sizes + 1] = texts[size]
end
for _, identity in ipairs(asked) do
  if not seen[identity] then
    seen[identity] = true
    local session = got('HMGET', ARGV[3] .. ':session:' .. identity, 'session_id', 'ws_server_id') or {}
    put(identity)
    if session[1] and session[2] == ARGV[2] then
      local answers = got('RPOP', ARGV[3] .. ':responses:' .. identity, ARGV[5]) or {}
      put(session[1])
      put(tostring(got('LLEN', ARGV[3] .. ':requests:' .. identity) or 0))
      put(tostring(#answers))
      for _, answer in ipairs(answers) do
        put(answer)
      end
      if #answers == tonumber(ARGV[5]) then
        more[#more + 1] = identity
      end
    else
      put('')
      put('0')
      put('0')
    end
  end
end
if #parts == 0 then
  return ''
end
if #more > 0 then
  redis.call('RPUSH', KEYS[1], unpack(more))
  redis.call('PEXPIRE', KEYS[1], '120000')
end
local text = table.concat(sizes, ',') .. ';' .. table.concat(parts)
redis.call('HSET', KEYS[2], 'number', ARGV[1], 'text', text)
redis.call('PEXPIRE', KEYS[2], '120000')
return text

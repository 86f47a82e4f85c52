-- Move envelopes from the list of the legacy gateways into the lists of the stations, in order.
-- ARGV  REDIS_STATE_TTL in ms, how many at most
-- Returns how many were moved.
local shared, moved = P .. ':requests', 0
while moved < tonumber(ARGV[2]) do
  local envelope = redis.call('LINDEX', shared, -1)
  if not envelope then
    break
  end
  local _, content = pcall(cjson.decode, envelope)
  local id = type(content) == 'table' and content.charge_point_id
  if type(id) == 'string' and id ~= '' then
    request(id, envelope)
  else
    redis.call('LPUSH', P .. ':server:dead', cjson.encode({reason = 'no charge_point_id', envelope = envelope}))
    redis.call('LTRIM', P .. ':server:dead', 0, 999)
  end
  -- Last: if Redis is out of memory, it refuses the commands above, and the envelope stays in the list.
  redis.call('RPOP', shared)
  moved = moved + 1
end
return moved

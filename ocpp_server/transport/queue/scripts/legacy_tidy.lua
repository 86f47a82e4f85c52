-- Remove the stations that no longer have a session of a legacy gateway from the set of active stations.
-- ARGV  REDIS_STATE_TTL in ms
for _, id in ipairs(redis.call('SMEMBERS', P .. ':active')) do
  if redis.call('HGET', key_of(id), 'dialect') ~= 'older' then
    redis.call('SREM', P .. ':active', id)
  end
end
return 1

-- Store the OCPP version of a session of a legacy gateway.
-- ARGV  REDIS_STATE_TTL in ms, identity, session id, version
if redis.call('HGET', key_of(ARGV[2]), 'session_id') == ARGV[3] then
  redis.call('HSET', key_of(ARGV[2]), 'protocol', ARGV[4])
end
return 1

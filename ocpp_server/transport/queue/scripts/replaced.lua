-- A socket elsewhere took the station over from a gateway: the gateway looks and closes the old one, the processor
-- says when it has done with what came before.
-- ARGV  REDIS_STATE_TTL in ms, identity, the gateway, the control for the processor
request(ARGV[2], ARGV[4])
if ARGV[3] ~= '' then
  local bell = P .. ':gateway:' .. ARGV[3]
  redis.call('RPUSH', bell, ARGV[2])
  redis.call('PEXPIRE', bell, 120000)
end
return 1

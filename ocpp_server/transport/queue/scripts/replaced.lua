-- A newer connection elsewhere has replaced that of a gateway: wake up the gateway, which closes the old socket, and
-- the processor, which confirms when everything before is stored.
-- ARGV  REDIS_STATE_TTL in ms, identity, the gateway, the control for the processor
request(ARGV[2], ARGV[4])
if ARGV[3] ~= '' then
  local bell = P .. ':gateway:' .. ARGV[3]
  redis.call('RPUSH', bell, ARGV[2])
  redis.call('PEXPIRE', bell, 120000)
end
return 1

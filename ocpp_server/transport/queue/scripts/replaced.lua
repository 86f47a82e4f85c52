-- A newer connection elsewhere has replaced a connection at a gateway. Wake up the gateway, which closes the socket,
-- and the processor, which confirms when the earlier messages are stored.
-- ARGV  REDIS_STATE_TTL in ms, identity, the gateway, the control for the processor
request(ARGV[2], ARGV[4])
if ARGV[3] ~= '' then
  wake_up_gateway(ARGV[3], {ARGV[2]})
end
return 1

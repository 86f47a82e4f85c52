"""The Redis queue between WebSocket gateways and the processes that handle messages (`ocpp-queue/1`)."""

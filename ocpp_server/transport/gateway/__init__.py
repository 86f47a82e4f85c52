"""The stand-alone gateway: station WebSockets on one side, the Redis queue on the other, no OCPP in between.

It need not be restarted when the server is deployed, and it decides nothing: `handshake.admission` admits the
stations (the only use of the database), the processors handle the frames. While Redis is away the gateway
refuses new stations, reads no socket and answers nothing; the open sockets stay and continue afterwards.
"""

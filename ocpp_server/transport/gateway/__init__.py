"""The stand-alone gateway: it passes frames between station WebSockets and the Redis queue, and handles no
OCPP
but the messages of unknown stations.

A deployment of the server does not need to restart it. `handshake.admission` admits the stations and
`handshake.first_boot` adds unknown ones, which is the only use of the database; the processors handle the
frames of known stations. While Redis is unavailable, the gateway
refuses new stations, reads no socket and sends nothing; the open sockets stay open and continue afterwards.
"""

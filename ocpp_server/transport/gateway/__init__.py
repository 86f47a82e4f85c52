"""The stand-alone front: station WebSockets on one side, the Redis queue on the other, no OCPP in between.

It need not be restarted when the server is deployed, and it decides nothing: who may come in is `admission`'s
rule (the one thing the database is asked for), what a frame means is the processors'. While Redis is away
nobody new is let in, sockets are not read, and nothing is answered; they stay, and go on where they were.
"""

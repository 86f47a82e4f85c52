"""The settings of ports, addresses and TLS: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import file, port
from ocpp_server.environment.variable import Variable

SERVER = "The server"

NETWORK_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "HTTP_PORT", "8081", port, "The port of the REST API, the admin and the station WebSockets.", SERVER
    ),
    Variable(
        "ACCOUNTS_PORT",
        "59800",
        port,
        "The port of the accounts API where it runs alone (run.py accounts).",
        SERVER,
    ),
    Variable(
        "TLS_CERT",
        "",
        file,
        "A PEM file with the server's certificate and its chain: https and wss without a proxy. A renewed "
        "file is loaded without a restart.",
        SERVER,
    ),
    Variable("TLS_KEY", "", file, "The private key, if TLS_CERT does not contain it.", SERVER),
)

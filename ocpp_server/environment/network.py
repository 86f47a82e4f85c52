"""The settings of ports, addresses and TLS: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.parsers import file, header_name, listen_addresses, port, port_or_off
from ocpp_server.environment.variable import Variable

SERVER = "The server"


def _client_port(values: Mapping[str, Any]) -> str:
    """The default of TLS_CLIENT_PORT: a server with TLS serves security profile 3 without being told."""
    return str(values["HTTP_PORT"] + 1) if values["TLS_CERT"] else "off"


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
        "LISTEN_ADDRESS",
        "0.0.0.0,::",
        listen_addresses,
        "The addresses of this machine on which HTTP_PORT, ACCOUNTS_PORT and METRICS_PORT are open, IPv4 and "
        "IPv6, separated by commas. 0.0.0.0 is every IPv4 address, :: every IPv6 address if the machine has "
        "IPv6.",
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
    Variable(
        "TLS_SECOND_CERT",
        "",
        file,
        "A second certificate with the other kind of key (RSA or ECDSA), so that every cipher suite that "
        "OCPP 2.0.1 and 2.1 require can be used (A00.FR.318, TC_A_04).",
        SERVER,
    ),
    Variable("TLS_SECOND_KEY", "", file, "The private key, if TLS_SECOND_CERT does not contain it.", SERVER),
    Variable(
        "TLS_CLIENT_PORT",
        _client_port,
        port_or_off,
        "A second port with TLS, on which stations need a client certificate (security profile 3). It needs "
        "TLS_CERT. off: none, as behind a proxy that asks for client certificates.",
        SERVER,
        "HTTP_PORT + 1 with TLS_CERT, otherwise off",
    ),
    Variable(
        "TLS_CLIENT_CERT_HEADER",
        "",
        header_name,
        "The header in which a proxy in front passes the client certificate of a station on, as URL-encoded "
        "PEM, such as X-SSL-Client-Cert (nginx: $ssl_client_escaped_cert). It is used from the addresses in "
        "FORWARDED_ALLOW_IPS alone, not with *, and the proxy must replace it in every request. Empty: none.",
        SERVER,
    ),
)

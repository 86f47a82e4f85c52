"""The settings of Plug & Charge: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import boolean, hosts
from ocpp_server.environment.variable import Variable

_GROUP = "Plug & Charge"

CONTRACT_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "OCPP_OCSP_ALLOWED_HOSTS",
        "",
        hosts,
        "OCSP responders and places of revocation lists that may have private addresses, separated by "
        "commas: ocsp.example.internal. Write host:port for another port than 80 and 443. All others must "
        "have public addresses, because stations name them.",
        _GROUP,
    ),
    Variable(
        "OCPP_OCSP_SOFT_FAIL",
        "0",
        boolean,
        "Whether a contract certificate is accepted whose revocation can't be checked, because its OCSP "
        "responder is down, does not know it or can't be believed. 0 refuses it with CertChainError.",
        _GROUP,
    ),
)

"""The settings of Plug & Charge: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import boolean, file, hosts, positive_duration
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
    Variable(
        "OCPP_CONTRACT_PROVIDERS",
        "",
        file,
        "A JSON file with the pools that have the contract certificates of vehicles, in their order; see "
        "docs/plug-and-charge.md. Keep it readable for the server alone: it has secrets. Empty: vehicles "
        "get no certificates.",
        _GROUP,
    ),
    Variable(
        "OCPP_CONTRACT_PROVIDER_TIMEOUT",
        "4500ms",
        positive_duration,
        "Time for all of these pools together. A vehicle waits about 5 s for its certificate.",
        _GROUP,
    ),
)

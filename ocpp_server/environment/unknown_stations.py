"""The settings for unknown stations: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import one_of, positive_count
from ocpp_server.environment.variable import Variable

STATIONS = "Stations"

UNKNOWN_STATIONS_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "OCPP_UNKNOWN_STATIONS",
        lambda known: "refuse" if known["REDIS_DISTRIBUTED_STATE"] else "accept",
        one_of("refuse", "pending", "accept"),
        "The treatment of unknown stations: refuse (404), pending (the first BootNotification adds the "
        "station, and an operator has to accept it) or accept (the first BootNotification adds it).",
        STATIONS,
        "accept when embedded, refuse when distributed",
    ),
    Variable(
        "OCPP_UNKNOWN_STATIONS_PER_MINUTE",
        "120",
        positive_count,
        "How many different unknown identities one address (an IPv4 address, or the /64 of an IPv6 address) "
        "may try in a minute, at each process; further ones are answered with 429. Known stations are not "
        "counted.",
        STATIONS,
    ),
)

"""The rules of a request for a log, whatever its action and version."""

from __future__ import annotations

from typing import Any

from chargepoints.services.diagnostics import addresses
from ocpp_server.domain import Invalid
from ocpp_server.given_times import given_time


def checked(
    *, url: str = "", start_at: str = "", stop_at: str = "", with_login: bool = False, **others: Any
) -> dict[str, Any]:
    """The arguments of a request with its times read. Raises Invalid."""
    if url:
        addresses.check(url)
        if with_login:
            raise Invalid("Only an address of this server can get a login.", field="withLogin")
        others["url"] = url
    begin, end = given_time(start_at, "startTime"), given_time(stop_at, "stopTime")
    if begin and end and end <= begin:
        raise Invalid("Must be later than startTime.", field="stopTime")
    times = {"start_at": begin, "stop_at": end}
    return others | {"with_login": with_login} | {name: at for name, at in times.items() if at}

"""The rules of a request for a log, whatever its action and version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from chargepoints.services.diagnostics import addresses
from ocpp_server.domain import Invalid


def checked(
    *, url: str = "", start_at: str = "", stop_at: str = "", with_login: bool = False, **others: Any
) -> dict[str, Any]:
    """The arguments of a request with its times read. Raises Invalid."""
    if url:
        addresses.check(url)
        if with_login:
            raise Invalid("Only an address of this server can get a login.", field="withLogin")
        others["url"] = url
    begin, end = _moment(start_at, "startTime"), _moment(stop_at, "stopTime")
    if begin and end and end <= begin:
        raise Invalid("Must be later than startTime.", field="stopTime")
    times = {"start_at": begin, "stop_at": end}
    return others | {"with_login": with_login} | {name: at for name, at in times.items() if at}


def _moment(text: str, field: str) -> datetime | None:
    """The time in a field. Raises Invalid."""
    if not text:
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid("Use a time with its zone, such as 2026-11-28T14:00:00Z.", field=field)
    return found.astimezone(UTC)

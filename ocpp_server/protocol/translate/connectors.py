"""EVSEs and connectors: from the connector number of 1.6, or from the EVSE and connector of 2.x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Place(NamedTuple):
    """An EVSE and a connector of a station; (0, 0) is the station itself, None is a number not known yet."""

    evse: int | None
    connector: int | None


# The largest number that the database column holds; stations have sent -1 and more than 32 bits.
_MAX_NUMBER = 2**31 - 1


def place(evse_number: int | None, connector_number: int | None = None) -> Place:
    """The place with these numbers; a number that no EVSE or connector can have becomes None."""
    return Place(_number(evse_number), _number(connector_number))


def _number(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= _MAX_NUMBER else None


def zeros(evse_number: int | None, connector_number: int | None) -> tuple[str, ...]:
    """The kinds of deviation of a 2.x place with a 0: EVSEs and connectors are counted from 1."""
    if evse_number and connector_number != 0:
        return ()
    numbers = (("evse-0", evse_number), ("connector-0", connector_number))
    return tuple(kind for kind, number in numbers if number == 0)


def zeros_of_evse(value: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The kinds of deviation of a 2.x EVSEType, see `zeros`."""
    return zeros(value.get("id"), value.get("connectorId")) if value else ()


def connector(number: int) -> Place:
    """The place of a 1.6 connector: every connector is an EVSE of its own."""
    return place(number, number)


def evse(value: Mapping[str, Any] | None) -> Place:
    """The place of a 2.x EVSEType (2.21); some stations omit the connector, or send 0 for it."""
    if not value:
        return Place(None, None)
    return place(value.get("id"), value.get("connectorId") or None)

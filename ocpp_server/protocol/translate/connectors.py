"""Connectors: where at a station, by 1.6's connector number or by 2.x's EVSE and connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A place at a station: EVSE and connector; (0, 0) is the station itself, None is not known yet."""

    evse: int | None
    connector: int | None


# The largest number of a column; stations have sent -1 and more than 32 bits.
_MAX_NUMBER = 2**31 - 1


def place(evse_number: int | None, connector_number: int | None = None) -> Place:
    """A place of the numbers that an EVSE or connector can have; any other number becomes None."""
    return Place(_number(evse_number), _number(connector_number))


def _number(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= _MAX_NUMBER else None


def connector(number: int) -> Place:
    """1.6: every connector is an EVSE of its own."""
    return place(number, number)


def evse(value: Mapping[str, Any] | None) -> Place:
    """2.x EVSEType (2.21); some stations leave the connector out, or call it 0."""
    if not value:
        return Place(None, None)
    return place(value.get("id"), value.get("connectorId") or None)

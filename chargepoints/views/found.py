"""Find what an address names, or say that it was never seen."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes

from chargepoints.models import ChargePoint, Connector, Site
from ocpp_server.api import extensions
from ocpp_server.api.documents import NUMBER
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

# For the documents: how the address of a station is described everywhere.
STATION_PATH: dict[str, tuple[Any, str]] = {
    "client_id": (OpenApiTypes.STR, "The station's identity, URL-escaped; case makes no difference.")
}

SITE_PATH: dict[str, tuple[Any, str]] = {"site_id": (NUMBER, "The number that we gave it.")}


def station(identity: str) -> ChargePoint:
    """The charge point of this identity. Raises Missing."""
    # PostgreSQL can't even be asked for a text with NUL in it.
    found = None if "\0" in identity else ChargePoint.objects.by_identity(identity).first()
    if found is None:
        raise Missing(f"The charge point {identity!r} was never seen.")
    return found


def site(site_id: str, *, lock: bool = False) -> Site:
    """The site of this number. Raises Invalid for a bad number, Missing."""
    rows = Site.objects.select_for_update() if lock else Site.objects.all()
    found = rows.filter(pk=number(site_id, "site")).first()
    if found is None:
        raise Missing(f"There is no site {site_id}.")
    return found


def number(text: str, what: str) -> int:
    """A number out of the address. Raises Invalid: a bad number is the caller's mistake, not a missing
    thing.
    """
    found = row_number(text)
    if found is None:
        raise Invalid(f"{text!r} is not a {what} number.", field=what)
    return found


def connectors(charge_point: ChargePoint) -> list[Connector]:
    """The connectors of a station, with what other apps add to them."""
    rows = list(charge_point.connectors.select_related("evse").order_by("evse__number", "number"))
    extensions.attach("connectors", rows)
    return rows

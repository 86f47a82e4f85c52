"""Look-ups of the objects that a URL names. Each raises Missing when the object does not exist."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes

from chargepoints.models import ChargePoint, Connector, Site
from ocpp_server.api import extensions
from ocpp_server.api.lookups import Lookup
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

# The description of a station's path parameter in the API documents.
STATION_PATH: dict[str, tuple[Any, str]] = {
    "client_id": (OpenApiTypes.STR, "The station's identity, URL-escaped; case makes no difference.")
}


def station(identity: str) -> ChargePoint:
    """The charge point of this identity. Raises Missing."""
    # PostgreSQL refuses a query for text with NUL.
    found = None if "\0" in identity else ChargePoint.objects.by_identity(identity).first()
    if found is None:
        raise Missing(f"Unknown station {identity!r}.")
    return found


def site(site_id: str, *, lock: bool = False) -> Site:
    """The site of this number. Raises Invalid for a bad number, Missing."""
    rows = Site.objects.select_for_update() if lock else Site.objects.all()
    found = rows.filter(pk=number(site_id, "site")).first()
    if found is None:
        raise Missing(f"Site {site_id} not found.")
    return found


SITE = Lookup("site_id", "The number of the site.", find=site)


def number(text: str, noun: str) -> int:
    """A number from the URL. Raises Invalid: a bad number is the caller's mistake, not a missing object."""
    found = row_number(text)
    if found is None:
        raise Invalid(f"{text!r} is not a {noun} number.", field=noun)
    return found


def connectors(charge_point: ChargePoint) -> list[Connector]:
    """The connectors of a station, with the fields that other apps add."""
    rows = list(charge_point.connectors.select_related("evse").order_by("evse__number", "number"))
    extensions.attach("connectors", rows)
    return rows

"""Look-ups of the objects that a URL names. Those of one object raise Missing when it does not exist."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes

from chargepoints.models import Campaign, ChargePoint, FirmwareFile, Site
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.domain import Invalid, Missing
from ocpp_server.error_codes import Code
from ocpp_server.storage.row_numbers import row_number


def station(identity: str) -> ChargePoint:
    """The charge point of this identity. Raises Missing."""
    # PostgreSQL refuses a query for text with NUL.
    found = None if "\0" in identity else ChargePoint.objects.by_identity(identity).first()
    if found is None:
        raise Missing(f"Unknown station {identity!r}.", code=Code.UNKNOWN_STATION)
    return found


def of_station(rows: QuerySet[Any], identity: str) -> QuerySet[Any]:
    """The rows of the station with this identity; none if there is no such station.

    Its key is read first: the planner sees one number, not a join, and uses the station's index.
    """
    found = ChargePoint.objects.by_identity(identity).values_list("pk", flat=True).first()
    return rows.none() if found is None else rows.filter(charge_point=found)


def site(site_id: str, *, lock: bool = False) -> Site:
    """The site of this number. Raises Invalid for a bad number, Missing."""
    rows = Site.objects.select_for_update() if lock else Site.objects.all()
    found = rows.filter(pk=number(site_id, "site")).first()
    if found is None:
        raise Missing(f"Site {site_id} not found.")
    return found


def campaign(campaign_id: str, *, lock: bool = False) -> Campaign:
    """The campaign of this number. Raises Invalid for a bad number, Missing."""
    return by_number(Campaign.objects.all(), campaign_id, noun="campaign", field="campaign_id", lock=lock)


def firmware(firmware_id: str, *, lock: bool = False) -> FirmwareFile:
    """The firmware file of this number. Raises Invalid for a bad number, Missing."""
    rows = FirmwareFile.objects.all()
    return by_number(rows, firmware_id, noun="firmware file", field="firmware_id", lock=lock)


def named_site(site_id: int, field: str = "siteId") -> Site:
    """The site that a request body names in `field`. Raises Invalid."""
    try:
        return site(str(site_id))
    except Missing as missing:
        raise Invalid(missing.sentence, field=field) from None


STATION = Lookup(
    "client_id",
    "The station's identity, URL-escaped; case makes no difference.",
    OpenApiTypes.STR,
    station,
    "identity",
    is_of_sites=True,
)
STATION_PATH = STATION.path
CAMPAIGN = Lookup("campaign_id", "The number of the campaign.", find=campaign, is_of_sites=True)
FIRMWARE = Lookup("firmware_id", "The number of the firmware file.", find=firmware)
SITE = Lookup("site_id", "The number of the site.", find=site, is_of_sites=True)


def number(text: str, noun: str) -> int:
    """A number from the URL. Raises Invalid: a bad number is the caller's mistake, not a missing object."""
    found = row_number(text)
    if found is None:
        raise Invalid(f"{text!r} is not a {noun} number.", field=noun)
    return found

"""The selection of events for a consumer, by type, station and site: as a query and in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoints.models import ChargePoint
from events.models import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The filters of a consumer; None and "" select every event.

    `station` is the identity as its row spells it. A station may change the spelling, so that case makes no
    difference for an event that comes later.
    """

    types: frozenset[str] | None = None
    station: str = ""
    site: int | None = None
    # The sites that the consumer is limited to (`ocpp_server.sites`).
    limited_to: frozenset[int] | None = None

    @property
    def conditions(self) -> dict[str, Any]:
        """The filters as conditions of a query."""
        found: dict[str, Any] = {}
        if self.types is not None:
            found["type__in"] = sorted(self.types)
        if self.station:
            found["station"] = self.station
        if self.site is not None:
            found["site_id"] = self.site
        return found

    def matches(self, event: Event) -> bool:
        """Whether the event passes the filters, by its fields alone."""
        return (
            (self.types is None or event.type in self.types)
            and (not self.station or _is_same(event.station, self.station))
            and (self.site is None or event.site_id == self.site)
            and (self.limited_to is None or event.is_of_sites(self.limited_to))
        )


def _is_same(identity: str, other: str) -> bool:
    return identity == other or identity.casefold() == other.casefold()


def spelled(identity: str) -> str:
    """The identity as the station's row spells it; as it is given for a station that was deleted."""
    # PostgreSQL refuses a query for text with NUL.
    identity = identity.replace("\0", "")
    return ChargePoint.objects.by_identity(identity).values_list("identity", flat=True).first() or identity

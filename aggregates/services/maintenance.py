"""Maintenance windows: add, change, delete, and whether a station is in one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from aggregates.models import MaintenanceWindow
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint
from ocpp_server.domain import Invalid

PLACES: Final = ("charge_point", "site")
# Another place is another window.
_CHANGEABLE: Final = frozenset({"begins_at", "ends_at", "reason", "note"})


def is_in_maintenance(charge_point: ChargePoint, at: datetime) -> bool:
    """Whether a window of the station or of its site covers this moment. One query."""
    return MaintenanceWindow.objects.of(charge_point).covering(at).exists()


def in_maintenance(at: datetime) -> set[int]:
    """The keys of all stations that are in a window of theirs or of their site. Two queries."""
    covering = MaintenanceWindow.objects.covering(at).order_by()
    places = list(covering.values_list("charge_point", "site"))
    found = {station for station, _ in places if station is not None}
    sites = {site for _, site in places if site is not None}
    if sites:
        found.update(ChargePoint.objects.filter(site__in=sites).order_by().values_list("pk", flat=True))
    return found


def add(*, author: str, **settings: Any) -> MaintenanceWindow:
    """Add a window for one of `charge_point` and `site`. Raises Invalid."""
    given = {name: value for name, value in settings.items() if value is not None}
    if len(given.keys() & set(PLACES)) != 1:
        raise Invalid("Exactly one of clientId and siteId is required.", field="clientId")
    window = MaintenanceWindow(author=author, **given)
    _check(window)
    with transaction.atomic():
        window.save()
        recount(window, window.begins_at)
    return window


def change(window: MaintenanceWindow, **settings: Any) -> None:
    """Change times, reason or note. Raises Invalid."""
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a maintenance window: {', '.join(sorted(unexpected))}")
    before = window.begins_at
    for name, value in settings.items():
        setattr(window, name, value)
    _check(window)
    with transaction.atomic():
        window.save()
        recount(window, min(before, window.begins_at))


def delete(window: MaintenanceWindow) -> None:
    with transaction.atomic():
        recount(window, window.begins_at)
        window.delete()


def recount(window: MaintenanceWindow, since: datetime) -> None:
    """Have the hours of the window's stations counted again, from a time on that is in the past."""
    if since > datetime.now(UTC):
        return
    if window.charge_point_id is not None:
        stations = [window.charge_point_id]
    else:
        stations = list(
            ChargePoint.objects.filter(site=window.site_id).order_by().values_list("pk", flat=True)
        )
    mark(dict.fromkeys(stations, since))


def _check(window: MaintenanceWindow) -> None:
    window.note = window.note.strip()
    if window.ends_at <= window.begins_at:
        raise Invalid("Must be later than `from`.", field="until")

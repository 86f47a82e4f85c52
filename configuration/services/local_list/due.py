"""When lists are updated: a change marks all of them due, and a job picks those whose time has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F, Q

from accounts.services.token_cache import is_irrelevant
from chargepoints.models import ChargePoint
from configuration.models import ListChange, LocalList
from configuration.services.local_list import campaigns
from configuration.services.local_list.knowledge import CLAIM_KEPT

_State = LocalList.State
# An up-to-date list is compared again after this long: uses grow old, and tokens expire.
LOOK_AGAIN: Final = timedelta(days=1)
# The waits after the first failure, the second and so on; the last one repeats.
_WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (60, 300, 1800, 7200, 86_400))


def note_change(sender: object, **kwargs: Any) -> None:
    """A signal receiver: a row that lists depend on is saved or deleted.

    Inserts a row in the transaction of the change. It costs the change no search for the lists, and no lock
    that two changes would wait for.
    """
    if not is_irrelevant(kwargs):
        ListChange.objects.create()


def take_changes(now: datetime) -> bool:
    """Update the automatic lists in one campaign if anything has changed; returns whether.

    It begins after OCPP_LOCAL_LIST_DELAY: the changes of the time until then go to the stations together. A
    list that is being updated now becomes due again then.
    """
    last = ListChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return False
    ListChange.objects.filter(pk__lte=last).delete()
    lists = LocalList.objects.filter(is_automatic=True).exclude(state=_State.UNSUPPORTED)
    at = now + timedelta(seconds=settings.OCPP_LOCAL_LIST_DELAY)
    under_way = lists.filter(Q(state=_State.SENDING) | campaigns.is_ordered())
    under_way.filter(Q(due_at__isnull=True) | Q(due_at__gt=at)).update(due_at=at, updated_at=now)
    lists.filter(state=_State.IN_SYNC).update(state=_State.DUE, updated_at=now)
    stations = lists.order_by("charge_point__identity_key").values_list("charge_point", flat=True)
    campaigns.follow_change(list(stations), now=now, at=at)
    return True


def pick(now: datetime, most: int) -> list[ChargePoint]:
    """The connected stations whose list is due, or that have booted since their last update; without those
    that a campaign takes care of (`campaigns.holds`).
    """
    rows = LocalList.objects.filter(
        charge_point__is_online=True,
        charge_point__registration_status=ChargePoint.Registration.ACCEPTED,
    )
    has_booted = Q(is_automatic=True, charge_point__last_boot_at__gt=F("claimed_at"))
    is_due = Q(due_at__lte=now) | has_booted
    rows = rows.filter(is_due).exclude(state=_State.UNSUPPORTED)
    rows = rows.exclude(state=_State.SENDING, claimed_at__gte=now - CLAIM_KEPT).exclude(campaigns.holds())
    picked = rows.select_related("charge_point").order_by(F("due_at").asc(nulls_last=True), "pk")
    return [row.charge_point for row in picked[:most]]


def request(charge_point_pk: int, now: datetime, *, is_full: bool) -> None:
    """Make the list of a station due now, also one that is not updated by itself."""
    row, _ = LocalList.objects.get_or_create(charge_point_id=charge_point_pk, defaults={"is_automatic": True})
    row.due_at = now
    if row.state != _State.SENDING:
        row.state, row.reason = _State.DUE, ""
    if is_full:
        row.entries, row.digest = None, ""
    row.save(update_fields=["due_at", "state", "reason", "entries", "digest", "updated_at"])


def look_again(charge_point_pk: int) -> None:
    """See the port `LocalLists`."""
    rows = LocalList.objects.filter(charge_point=charge_point_pk, is_automatic=True)
    rows = rows.exclude(state__in=(_State.UNSUPPORTED, _State.SENDING))
    if rows.exists():
        request(charge_point_pk, datetime.now(UTC), is_full=False)


def after_success(now: datetime, changes_at: datetime | None) -> datetime:
    """The time of the next look at an up-to-date list."""
    again = now + LOOK_AGAIN
    return again if changes_at is None else min(again, changes_at)


def after_failure(now: datetime, attempts: int) -> datetime:
    """The time of the next attempt. `attempts` are the failures before this one."""
    return now + _WAITS[min(attempts, len(_WAITS) - 1)]

"""New campaigns: their arguments are checked and their stations chosen, once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Site
from chargepoints.models.campaign import MOST_STATIONS
from chargepoints.services.campaigns import kinds
from chargepoints.services.campaigns.kinds import Kind
from chargepoints.services.follow_ups import personal
from chargepoints.services.provisioning import tags
from ocpp_server.domain import Invalid

# A campaign without a deadline of its own ends after this time.
USUAL_TIME: Final = timedelta(days=7)
_BATCH: Final = 500
_NAMED: Final = 10  # unknown stations in a refusal


def create(
    *,
    name: str,
    kind: str,
    arguments: Mapping[str, Any],
    stations: Mapping[str, Any],
    actor: str,
    deadline_at: datetime | None = None,
    **options: Any,
) -> Campaign:
    """Store a campaign, which begins at once or at its `starts_at`.

    `stations` are the keywords of `chosen`, and `options` columns of the campaign. A later change of a
    station does not change the choice. Raises Invalid.
    """
    name = checked_name(name)
    found = find_kind(kind)
    checked = found.check(arguments)
    now = timezone.now()
    deadline_at = deadline_at or (options.get("starts_at") or now) + USUAL_TIME
    check_times(now=now, deadline_at=deadline_at, starts_at=options.get("starts_at"))
    check_window(options.get("window_from"), options.get("window_to"))
    keys = chosen(**stations)
    return store(found, checked, keys, now=now, name=name, actor=actor, deadline_at=deadline_at, **options)


@transaction.atomic
def store(
    kind: Kind, arguments: dict[str, Any], stations: Iterable[int], *, now: datetime, **columns: Any
) -> Campaign:
    """Store a campaign with checked arguments and columns for these stations, by key."""
    if not columns.get("has_canary", True):
        columns["step"] = Campaign.Step.ALL
    campaign = Campaign.objects.create(kind=kind.name, **_stored(kind, arguments), **columns)
    add(campaign, stations, now=now)
    return campaign


def add(
    campaign: Campaign, stations: Iterable[int], *, now: datetime, not_before: datetime | None = None
) -> None:
    """Add stations, by key, that wait for their turn. A station that was deleted meanwhile is left out."""
    keys = list(stations)
    for start in range(0, len(keys), _BATCH):
        some = keys[start : start + _BATCH]
        present = set(ChargePoint.objects.filter(pk__in=some).values_list("pk", flat=True))
        CampaignStation.objects.bulk_create(
            CampaignStation(campaign=campaign, charge_point_id=key, not_before=not_before or now)
            for key in some
            if key in present
        )


def find_kind(name: str) -> Kind:
    """The kind of this name. Raises Invalid."""
    kind = kinds.find(name)
    if kind is None:
        raise Invalid(f"Must be one of {', '.join(kinds.names())}.", field="kind")
    return kind


def chosen(
    *,
    client_ids: Sequence[str] = (),
    site: Site | None = None,
    tag: str = "",
    everything: bool = False,
    **columns: str,
) -> list[int]:
    """The keys of the stations that meet all of these conditions, in the order of their identities.

    `columns` are columns of a station with their values. Raises Invalid for an unknown identity, without a
    condition unless `everything` says so, and for no station or more than MOST_STATIONS.
    """
    if not (client_ids or site or tag or columns or everything):
        raise Invalid("Name the stations, or set all to true.", field="stations")
    rows = ChargePoint.objects.filter(**columns)
    if site is not None:
        rows = rows.filter(site=site)
    if tag:
        rows = tags.with_tag(rows, tag)
    if client_ids:
        wanted = {identity.casefold(): identity for identity in client_ids}
        known = set(
            ChargePoint.objects.filter(identity_key__in=wanted).values_list("identity_key", flat=True)
        )
        unknown = [identity for key, identity in wanted.items() if key not in known]
        if unknown:
            named = ", ".join(unknown[:_NAMED])
            raise Invalid(f"Unknown: {named}.", field="stations.clientIds")
        rows = rows.filter(identity_key__in=wanted)
    keys = list(rows.order_by("identity_key").values_list("pk", flat=True)[: MOST_STATIONS + 1])
    if not keys:
        raise Invalid("No station meets these conditions.", field="stations")
    if len(keys) > MOST_STATIONS:
        raise Invalid(f"More than {MOST_STATIONS:,} stations.", field="stations")
    return keys


def check_times(*, now: datetime, deadline_at: datetime, starts_at: datetime | None = None) -> None:
    """Raise Invalid for a deadline that has passed, or that comes before the start."""
    if deadline_at <= max(now, starts_at or now):
        raise Invalid("Must be in the future, and after startsAt.", field="deadlineAt")


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises Invalid for a blank one."""
    if not name.strip():
        raise Invalid("Must not be blank.", field="name")
    return name.strip()


def check_window(begin: time | None, end: time | None) -> None:
    """Raise Invalid for half a window, or an empty one."""
    if (begin is None) != (end is None):
        raise Invalid("A window needs both windowFrom and windowTo.", field="windowFrom")
    if begin is not None and begin == end:
        raise Invalid("Must differ from windowFrom.", field="windowTo")


# -- arguments -----------------------------------------------------------------------------------------------


def _stored(kind: Kind, arguments: dict[str, Any]) -> dict[str, Any]:
    """The columns of the arguments. Those with secrets are shown masked and kept encrypted."""
    shown = kind.masked(arguments)
    sealed = personal.seal(json.dumps(arguments)) if shown != arguments else ""
    return {"arguments": shown, "sealed_arguments": sealed}


def arguments_of(campaign: Campaign) -> dict[str, Any] | None:
    """The arguments with their secrets; None if they were encrypted with a key that is no longer set."""
    if not campaign.sealed_arguments:
        return dict(campaign.arguments)
    text = personal.unseal(campaign.sealed_arguments)
    return None if text is None else json.loads(text)

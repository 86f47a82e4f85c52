"""The condition of stations at which tokens are tried out."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count

from accounts.models.token import normalise_uid
from alerts.services import words
from alerts.services.codes import attempts
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from ocpp_server.protocol.translate import Verdict, status_2x
from transactions.models import Refusal

_MOST: Final = 2000
_MOST_REFUSALS: Final = 50_000


def guessed(look: Look) -> Found:
    """Stations at which many different unknown tokens were presented. No title has a token."""
    code = attempts.TOKEN_GUESSING.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    least = look.rules.lowest(code, "tokens")
    unknown = Refusal.objects.order_by().filter(at__gte=since, status=status_2x(Verdict.UNKNOWN))
    counted = unknown.values("charge_point").annotate(Count("id_token", distinct=True))
    suspects = list(counted.filter(id_token__count__gte=least).values_list("charge_point", flat=True)[:_MOST])
    if not suspects:
        return Found([])
    presented: dict[tuple[int, str, int | None], dict[str, datetime]] = defaultdict(dict)
    columns = ("charge_point", "charge_point__identity", "charge_point__site", "id_token", "at")
    rows = unknown.filter(charge_point__in=suspects).order_by("-at")
    selected = list(rows.values_list(*columns)[:_MOST_REFUSALS])
    for pk, identity, site, uid, at in selected:
        # The newest comes first.
        presented[pk, identity, site].setdefault(normalise_uid(uid), at)
    found = []
    for (pk, identity, site), last in presented.items():
        limits = look.rules.of(code, station=pk, site=site).parameters
        after = look.now - timedelta(seconds=limits["within_s"])
        number = sum(at >= after for at in last.values())
        if number < limits["tokens"]:
            continue
        within = words.duration(limits["within_s"])
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity),
                title=f"{number:,} different unknown tokens at {identity} in {within}",
                station=identity,
                charge_point=pk,
                site=site,
                value=number,
            )
        )
    return Found(found, is_complete=len(selected) < _MOST_REFUSALS and len(suspects) < _MOST)

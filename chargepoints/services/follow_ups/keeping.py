"""How long follow-ups are kept: the newest of each station and action, and personal data for a month."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Count, QuerySet

from chargepoints.models import FollowUp
from chargepoints.services.follow_ups import personal
from chargepoints.services.follow_ups.table import PERSONAL

# A stream of one action must not delete the reports of another one, so each action has its own limit.
KEPT_PER_ACTION: Final = 1000
PERSONAL_KEPT: Final = timedelta(days=30)
# A text that came with the clearing of the station's own copy.
CLEARED_KEPT: Final = timedelta(days=1)
# A shorter name is part of too many texts about other persons.
SHORTEST_WORD: Final = 4


def trim() -> None:
    """Keep the newest KEPT_PER_ACTION rows of each station and action (S11)."""
    crowded = (
        FollowUp.objects.order_by()
        .values_list("charge_point", "action")
        .annotate(rows=Count("pk"))
        .filter(rows__gt=KEPT_PER_ACTION)
    )
    for charge_point_pk, action, _ in crowded:
        rows = FollowUp.objects.filter(charge_point=charge_point_pk, action=action).order_by("-pk")
        oldest_kept = rows.values_list("pk", flat=True)[KEPT_PER_ACTION - 1]
        rows.filter(pk__lt=oldest_kept).delete()


def delete_personal() -> None:
    """Delete messages with personal data after PERSONAL_KEPT, or CLEARED_KEPT."""
    now = datetime.now(UTC)
    texts = FollowUp.objects.filter(action__in=PERSONAL)
    texts.filter(received_at__lt=now - PERSONAL_KEPT).delete()
    texts.filter(received_at__lt=now - CLEARED_KEPT, command__payload__clear=True).delete()


def erase_personal(words: Collection[str], *, among: QuerySet[FollowUp] | None = None) -> int:
    """Erase the customer information that contains one of these words, or that was asked for with one;
    `among` limits the search.

    It must run before the words are replaced in the payloads of commands. A text that another secret key has
    encrypted can't be searched, and is erased too. Returns the number of erased texts.
    """
    folded = [word.casefold() for word in words if len(word) >= SHORTEST_WORD]
    found = []
    texts = FollowUp.objects.all() if among is None else among
    for row in texts.exclude(personal_data="").select_related("command"):
        text = personal.unseal(row.personal_data)
        asked = json.dumps(row.command.payload, ensure_ascii=False) if row.command else ""
        searched = f"{text} {asked}".casefold()
        if text is None or any(word in searched for word in folded):
            found.append(row.pk)
    return FollowUp.objects.filter(pk__in=found).update(personal_data="")

"""The operator's inbox of unknown tokens: presented at a station, but never added."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from accounts.models import UnknownToken
from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint

# A station can invent any number of tokens; the oldest one is deleted at the limit.
MAX_UNKNOWN = 10_000


def note(uid: str, where: str, at: datetime) -> None:
    """Add an unknown token to the inbox, or count it there. Those at the test site are left out."""
    if ChargePoint.objects.of_test().by_identity(where).exists():
        return
    key = normalise_uid(uid)[:255]
    known = UnknownToken.objects.filter(uid_key=key)
    seen = {"last_seen_where": where[:300], "last_seen_at": at}
    if known.update(count=F("count") + 1, **seen):
        return
    if UnknownToken.objects.count() >= MAX_UNKNOWN:
        UnknownToken.objects.filter(pk=UnknownToken.objects.earliest("last_seen_at").pk).delete()
    # Another process may add the token at the same moment: then this one counts it.
    _, is_new = UnknownToken.objects.get_or_create(
        uid_key=key, defaults={"uid": uid[:255], "first_seen_at": at, **seen}
    )
    if not is_new:
        known.update(count=F("count") + 1, **seen)

"""The operator's inbox of tokens that were presented and that nobody has added."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from accounts.models import UnknownToken
from accounts.models.token import normalise_uid

# A station can invent tokens without end; the oldest makes room.
MAX_UNKNOWN = 10_000


def note(uid: str, where: str, at: datetime) -> None:
    """Put a token nobody knows into the inbox, or count it there."""
    key = normalise_uid(uid)[:255]
    known = UnknownToken.objects.filter(uid_key=key)
    seen = {"last_seen_where": where[:300], "last_seen_at": at}
    if known.update(count=F("count") + 1, **seen):
        return
    if UnknownToken.objects.count() >= MAX_UNKNOWN:
        UnknownToken.objects.filter(pk=UnknownToken.objects.earliest("last_seen_at").pk).delete()
    # Another process may see it for the first time at the same moment: then this is one time more.
    _, is_new = UnknownToken.objects.get_or_create(
        uid_key=key, defaults={"uid": uid[:255], "first_seen_at": at, **seen}
    )
    if not is_new:
        known.update(count=F("count") + 1, **seen)

"""The log of the requests of API keys: written in batches, and bounded for each key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count

from accounts.models import ApiKey, ApiKeyRequest
from ocpp_server.api.request_log import Noted

# Of each key the newest requests are kept, and none for longer.
MOST: Final = 1000
KEPT: Final = timedelta(days=30)


def store(noted: Sequence[Noted]) -> None:
    """Write requests, in one statement. A key that was deleted meanwhile has no log."""
    known = set(ApiKey.objects.filter(pk__in={one.key_id for one in noted}).values_list("pk", flat=True))
    ApiKeyRequest.objects.bulk_create(ApiKeyRequest(**one._asdict()) for one in noted if one.key_id in known)


def delete_old(now: datetime) -> None:
    """Delete what is too old, and all but the newest requests of each key."""
    ApiKeyRequest.objects.filter(at__lt=now - KEPT).delete()
    counted = ApiKeyRequest.objects.order_by().values("key").annotate(count=Count("pk"))
    for key in counted.filter(count__gt=MOST).values_list("key", flat=True):
        newest = ApiKeyRequest.objects.filter(key=key).order_by("-pk")
        last_kept = newest.values_list("pk", flat=True)[MOST - 1]
        ApiKeyRequest.objects.filter(key=key, pk__lt=last_kept).delete()

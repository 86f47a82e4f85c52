"""Erasing a person from the stored events.

Events hold the first characters of a token, its number and the numbers of users. The token's row stays with
a pseudonym for its uid, so its number no longer identifies a person; the characters and the user's number are
removed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from django.db.models import Q

from events.models import Event
from ocpp_server.events.outbox import MASKED

# Conditions of one query.
_AT_ONCE = 50  # equivalent: any number of conditions finds the same rows
_TOKEN, _USER = ("tokenId", "token_id"), ("user_id",)


def erase(*, user: int, tokens: Collection[int]) -> int:
    """Remove what the stored events say about a person. Returns how many were rewritten."""
    wanted = [(name, pk) for pk in sorted(tokens) for name in _TOKEN] + [(name, user) for name in _USER]
    rewritten = 0
    for start in range(0, len(wanted), _AT_ONCE):
        condition = Q()
        for name, pk in wanted[start : start + _AT_ONCE]:
            # `outbox` writes JSON without blanks. A longer number has the same beginning.
            for end in (",", "}"):
                condition |= Q(data__contains=f'"{name}":{pk}{end}')
        rows = Event.objects.filter(condition, is_personal=True).order_by("id").values_list("id", "data")
        for id, data in rows.iterator():
            content = orjson.loads(data)
            _forget(content, user)
            Event.objects.filter(pk=id).update(data=orjson.dumps(content).decode())
            rewritten += 1
    return rewritten


def _forget(content: dict[str, Any], user: int) -> None:
    for name in ("idTag", "uid"):
        if content.get(name):
            content[name] = MASKED
    if content.get("user_id") == user:
        content["user_id"] = None

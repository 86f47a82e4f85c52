"""The dashboard's card of unknown tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import UnknownToken
from ocpp_server import sites
from ocpp_server.admin import access, cards, cells
from ocpp_server.admin.cards import Cards
from ocpp_server.rights import Right

RECENT = 8


def draw(now: datetime, user: Any) -> Cards:
    return Cards(tables={"tokens": _tokens(may_add=access.may(user, Right.TOKENS))})


def _tokens(*, may_add: bool) -> list[cells.Row]:
    rows = []
    found = sites.limited(UnknownToken.objects.filter(is_ignored=False))
    for unknown in found.order_by("-last_seen_at")[:RECENT]:
        add = cells.button(gettext("Add"), reverse("admin:unknown-token-add", args=[unknown.pk]))
        ignore = cells.button(
            gettext("Ignore"), reverse("admin:unknown-token-ignore", args=[unknown.pk]), tone="quiet"
        )
        rows.append([
            cells.text(unknown.uid, note=unknown.last_seen_where),
            cells.text(f"{unknown.count}×"),
            cells.moment(unknown.last_seen_at),
            cells.buttons([add, ignore] if may_add else []),
        ])  # fmt: skip
    return rows


cards.register("accounts", draw)

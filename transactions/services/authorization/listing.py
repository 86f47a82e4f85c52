"""The tokens that a station may keep in its local authorization list, by the rule of `decision`.

A station decides by its list while it is offline, and before it asks where it pre-authorizes (1.6 3.5, 2.0.1
C13, C14). Unlike an answer to Authorize, an entry stays for days: it has no verdict about budgets and running
sessions, which change with each session.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec import structs

from accounts.models import Token
from ocpp_server.live.records import TokenRecord
from ocpp_server.protocol.translate import Verdict
from transactions.live.tokens import records_of
from transactions.models import Transaction
from transactions.services.authorization import access

# A token counts as used at a station for this long.
USED_WITHIN: Final = timedelta(days=90)
# The newest sessions of a station that are searched for its tokens.
_MOST_SESSIONS: Final = 20_000


class Use(NamedTuple):
    """The last use of a token at a station: when, and the 2.x type that the station named."""

    at: datetime
    type: str


def listable(after: int, most: int) -> list[TokenRecord]:
    """The next `most` tokens behind this primary key that stations may keep. Uses the database.

    Tokens that must always be asked for are missing, and master passes: offline, one would start sessions.
    """
    rows = Token.objects.exclude(whitelist=Token.Whitelist.NEVER).filter(is_master=False, pk__gt=after)
    return records_of(list(rows.select_related("user", "contract").order_by("pk")[:most]))


def verdict(record: TokenRecord, *, now: datetime, station: int, site: int | None) -> Verdict:
    """The verdict about a token at a station, by its state, its contract, the time and the access rules."""
    refused = access.standing(record, now)
    if refused is None:
        without = structs.replace(record, budgets=()) if record.budgets else record
        refused = access.circumstances(without, now=now, station=station, site=site)
    return Verdict.ACCEPTED if refused is None else refused.verdict


def used_at(charge_point_pk: int, since: datetime) -> dict[int, Use]:
    """The tokens that began a session at a station since then, by primary key. Uses the database."""
    rows = Transaction.objects.filter(charge_point=charge_point_pk).order_by("-id")
    found: dict[int, Use] = {}
    for token, at, kind in rows.values_list("token_id", "started_at", "id_token_type")[:_MOST_SESSIONS]:
        if token is not None and at >= since:
            found.setdefault(token, Use(at, kind))
    return found

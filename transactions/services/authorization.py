"""May this token charge here? One rule for every message that asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import F

from accounts.models import Token, UnknownToken
from accounts.models.token import normalise_uid
from ocpp_server import live
from ocpp_server.journal import journal
from ocpp_server.live.loading import SIGN_OF_LIFE
from ocpp_server.live.records import TokenRecord
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from transactions.services.suspicion import is_doubtful


@dataclass(frozen=True, slots=True)
class Decision:
    """`status` is 1.6's AuthorizationStatus; `is_unknown` tells a token nobody added from one that was made
    invalid.
    """

    status: str
    group_id: str = ""
    expires_at: datetime | None = None
    token_pk: int | None = None
    is_unknown: bool = False

    @property
    def is_accepted(self) -> bool:
        return self.status == "Accepted"


ACCEPTED = Decision("Accepted")

# The inbox of unknown tokens: a station can invent them without end, the oldest makes room.
MAX_UNKNOWN = 10_000

# The token type that a 2.x IdTokenType stands for; others are looked up by their value alone.
_TYPES = {
    "ISO14443": Token.Type.RFID,
    "ISO15693": Token.Type.RFID,
    "eMAID": Token.Type.APP_USER,
    "MacAddress": Token.Type.OTHER,
}


async def decide(
    *, station: Station, token: IdToken, place: Place | None = None, for_start: bool = False
) -> Decision:
    """Blocked, then Expired, then ConcurrentTx, then Accepted; unknown is Invalid, and goes to the inbox.

    ConcurrentTx is only for what would start charging: whoever wants to stop has a running transaction by
    nature
    (1.6 7.2). A running transaction on the same connector does not count: the new one replaces it.
    """
    key = normalise_uid(token.value)
    record = _choose(await live.state().tokens(key), token.type)
    if record is None:
        if station.accepts_unknown_tokens:
            return ACCEPTED
        if key:
            await journal.run(_note_unknown, token.value, station.identity, station.received_at)
        return Decision("Invalid", is_unknown=True)
    refusal = _refusal(record)
    status = refusal or "Accepted"
    if not refusal and for_start and await _charges_elsewhere(station, key, place):
        status = "ConcurrentTx"
    return Decision(status, group_id=record.group_id, expires_at=record.expires_at, token_pk=record.pk)


def _choose(records: tuple[TokenRecord, ...], type_2x: str) -> TokenRecord | None:
    if len(records) < 2:
        return records[0] if records else None
    wanted = _TYPES.get(type_2x)
    return next((record for record in records if record.type == wanted), records[0])


def _refusal(record: TokenRecord) -> str:
    if record.status in (Token.Status.BLOCKED, Token.Status.LOST):
        return "Blocked"
    if record.status == Token.Status.EXPIRED or (
        record.expires_at and record.expires_at <= datetime.now(UTC)
    ):
        return "Expired"
    if record.status == Token.Status.INVALID or not record.valid:
        return "Invalid"
    return ""


async def _charges_elsewhere(station: Station, key: str, place: Place | None) -> bool:
    if settings.OCPP_CONCURRENT_TX == "allow":
        return False
    alive_since = station.received_at - SIGN_OF_LIFE
    return any(
        # Without signs of life, or contradictory: a ghost must not keep a paying customer out.
        running.last_message_at >= alive_since
        and not is_doubtful(running)
        and not (running.station == station.identity and place is not None and running.evse == place.evse)
        for running in await live.state().running(key)
    )


def _note_unknown(uid: str, where: str, at: datetime) -> None:
    """Put a token nobody knows into the operator's inbox, or count it there."""
    key = normalise_uid(uid)[:255]
    known, seen = UnknownToken.objects.filter(uid_key=key), {"last_seen_where": where[:300], "last_seen_at": at}
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

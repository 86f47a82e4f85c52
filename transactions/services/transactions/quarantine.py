"""Messages about money that cannot be applied: kept unchanged except for secrets, and shown to the operator.

Fills the engine's port `Quarantine`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

from chargepoints.services import security
from ocpp_server import live
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_text
from ocpp_server.protocol.actions import ABOUT_MONEY
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.storage.journal import journal
from transactions.models import QuarantinedMessage
from transactions.tables import QUARANTINE

# More than any working station needs. Further messages are in the message log only.
MAX_PER_STATION = 10_000  # equivalent: only a bound


def keep(
    station: Station,
    *,
    reason: QuarantinedMessage.Reason,
    transaction_id: int | None = None,
    detail: str = "",
) -> None:
    """Keep the current message, as part of its own unit of work."""
    station.unit.insert(
        QUARANTINE,
        charge_point_id=station.pk,
        transaction_id=transaction_id,
        action=station.action,
        reason=reason.value,
        detail=detail[:500],
        payload=masked_text(_normalised(station), station.action),
        received_at=station.received_at,
    )
    station.emit(
        charging.QUARANTINED,
        action=station.action,
        reason=reason.value,
        detail=detail[:500],
        transactionId=transaction_id,
        receivedAt=station.received_at,
    )


async def is_repeated(station: Station) -> bool:
    """Whether the current message was handled and kept before: a station repeats a message without an answer.

    One that was kept because it got an error was not handled yet.
    """
    return await journal.run(
        _is_kept, station.pk, station.action, _normalised(station), but=QuarantinedMessage.Reason.BAD_MESSAGE
    )


def _normalised(station: Station) -> str:
    """The payload of the message byte for byte, or as it was repaired, so that it is valid when it is read
    again.
    """
    try:
        is_as_received = orjson.loads(station.payload) == station.request
    except orjson.JSONDecodeError:
        is_as_received = True
    return (
        station.payload if is_as_received or not station.request else orjson.dumps(station.request).decode()
    )


def _is_kept(charge_point_pk: int, action: str, payload: str, *, but: str = "") -> bool:
    """Whether a message is kept, for another reason than `but`, or no more may be."""
    kept = QuarantinedMessage.objects.filter(charge_point_id=charge_point_pk)
    same = kept.filter(action=action, payload=masked_text(payload, action)).exclude(reason=but)
    return same.exists() or kept.count() >= MAX_PER_STATION


def resolve(station: Station, pk: int, transaction_id: int) -> None:
    """Mark a kept message as resolved by this transaction."""
    station.unit.update(QUARANTINE, pk, resolved_at=station.received_at, transaction_id=transaction_id)


def mark_resolved(message: QuarantinedMessage) -> None:
    """Mark a kept message as resolved by an operator. The row stays, with the time of the first mark."""
    if message.resolved_at is None:
        message.resolved_at = timezone.now()
        message.save(update_fields=["resolved_at"])


def note_foreign(station: Station, number: int) -> None:
    """Store a security event: a station named another station's transaction, after a swap of hardware or in
    an attack (S10).
    """
    security.notice(
        station=station,
        type="ForeignTransaction",
        tech_info=f"The station tried to stop transaction {number} of another station.",
    )


def note_orphan(station: Station, number: int) -> None:
    """Store a security event: the stop of a transaction that was never started here. Its start was lost, or
    the stop is invented (S14).
    """
    security.notice(
        station=station,
        type="OrphanStop",
        tech_info=f"Stopped transaction {number}, which was not started here.",
    )


async def keep_refused(station: Station, exchange: Exchange) -> None:
    """Keep a transaction message that is answered with an error: the charger will discard it.

    A station that is not accepted has no right to billable transactions, so none of its messages are kept.
    """
    if exchange.call.action not in ABOUT_MONEY or not station.is_accepted or exchange.error is None:
        return
    if await journal.run(_is_kept, station.pk, station.action, _normalised(station)):
        return
    keep(
        station,
        reason=QuarantinedMessage.Reason.BAD_MESSAGE,
        detail=exchange.error.description,
    )


def keep_given_up(
    charge_point_pk: int, action: str, payload: str, detail: str, received_at: datetime
) -> None:
    """Keep a message that could not be handled after several attempts. Runs in the journal."""
    if _is_kept(charge_point_pk, action, payload):
        return
    with transaction.atomic():
        kept = QuarantinedMessage.objects.create(
            charge_point_id=charge_point_pk,
            action=action[:64],
            reason=QuarantinedMessage.Reason.BAD_MESSAGE,
            detail=detail[:500],
            payload=masked_text(payload, action),
            received_at=received_at,
        )
        outbox.emit(
            charging.QUARANTINED,
            station=kept.charge_point.identity,
            site=kept.charge_point.site_id,
            action=kept.action,
            reason=QuarantinedMessage.Reason.BAD_MESSAGE.value,
            detail=kept.detail,
            transactionId=None,
            receivedAt=received_at,
        )


async def answer_given_up(action: str) -> dict[str, Any]:
    """The payload that answers such a message, so that the station does not send it again.

    A start gets a number of its own and an invalid token: the station must not deliver energy for a
    transaction that is not stored.
    """
    if action == "StartTransaction":
        number = await live.state().next_transaction_number()
        return {"transactionId": number, "idTagInfo": {"status": "Invalid"}}
    return {}

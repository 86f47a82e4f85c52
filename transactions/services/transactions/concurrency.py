"""Running sessions that prevent a token, or its group, from starting another (1.6 7.2, 2.0.1 C01).

A session that has ended unnoticed must not lock out a paying customer. A session counts when its vehicle may
be charging: it was accepted or has drawn energy, it had a recent message, and its connector has not been free
in the meantime.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from django.conf import settings

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.records import TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from transactions.live.stations import MAX_SILENCE
from transactions.models import Transaction
from transactions.services.authorization import access
from transactions.services.authorization.access import Refused
from transactions.services.transactions.suspicion import is_doubtful


class Running(Protocol):
    """An active session, live or stored."""

    authorization_status: str
    suspect_reasons: list[str]
    last_message_at: datetime

    @property
    def has_drawn(self) -> bool: ...


R = TypeVar("R", bound=Running)


def was_refused(session: Running) -> bool:
    """Whether its start was answered with anything but Accepted. A session without a token had no check."""
    return session.authorization_status not in ("", "Accepted")


def counting(sessions: Iterable[R], now: datetime) -> list[R]:
    """The sessions that count at this moment."""
    since = now - MAX_SILENCE
    return [
        session
        for session in sessions
        if session.last_message_at >= since
        and not (was_refused(session) and not session.has_drawn)
        and not is_doubtful(session)
    ]


async def refuse(station: Station, key: str, record: TokenRecord, place: Place | None) -> Refused | None:
    """The refusal of a start at this place, from the live state; None when the limits allow it.

    A session on the same EVSE does not count: the new one replaces it.
    """

    def elsewhere(running: list[TransactionState]) -> list[TransactionState]:
        return [
            session
            for session in counting(running, station.received_at)
            if session.station != station.identity or place is None or session.evse != place.evse
        ]

    refused = None
    if settings.OCPP_CONCURRENT_TX != "allow":
        running = elsewhere(await live.state().running(key))
        refused = access.concurrent([session.station for session in running])
    limit = _group_limit(record)
    if refused is None and limit:
        running = elsewhere(await live.state().running_of_group(record.group_id))
        refused = access.group_limit_reached(record, len(running), limit)
    return refused


def refuse_now(
    record: TokenRecord, now: datetime, charge_point: ChargePoint | None, evse_number: int | None
) -> Refused | None:
    """The same rule on the database, for a remote start."""
    active = Transaction.objects.active().select_related("charge_point").order_by("-id")
    if charge_point is not None and evse_number is not None:
        active = active.exclude(charge_point=charge_point, evse_number=evse_number)
    refused = None
    if settings.OCPP_CONCURRENT_TX != "allow":
        of_token = counting(active.filter(token=record.pk), now)
        refused = access.concurrent([row.charge_point.identity for row in of_token])
    limit = _group_limit(record)
    if refused is None and limit:
        of_group = counting(active.filter(group_id__iexact=record.group_id), now)
        refused = access.group_limit_reached(record, len(of_group), limit)
    return refused


def _group_limit(record: TokenRecord) -> int:
    return int(settings.OCPP_GROUP_CONCURRENT_TX) if record.group_id else 0

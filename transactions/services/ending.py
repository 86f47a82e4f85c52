"""1.6 StopTransaction (4.10): always answered, applied once, and kept aside when it fits nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import structlog

from accounts.models.token import normalise_uid
from ocpp_server import live
from ocpp_server.journal import journal
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol import metering as samples_of
from ocpp_server.protocol import translate
from ocpp_server.protocol.metering import Sample
from ocpp_server.protocol.translate import IdToken, Place
from transactions.models import QuarantinedMessage, Transaction
from transactions.services import metering, quarantine, sessions
from transactions.services.authorization import Decision, decide
from transactions.services.fingerprints import fingerprint
from transactions.services.suspicion import suspect

log = structlog.get_logger(__name__)

_BY_STATION = Transaction.EndedBy.STATION.value
# How far a station's clock may be off when a stop without a number is matched by time.
_CLOCK_TOLERANCE = timedelta(minutes=5)


async def stop(
    *,
    station: Station,
    number: int,
    meter_wh: float,
    at: datetime,
    time_text: str,
    reason: str,
    token: IdToken | None,
    samples: Sequence[Sample],
    payload: str,
) -> Decision | None:
    """End a transaction; the decision about the token that stopped it, None when the stop names none.

    The car has stopped already: nothing here refuses. A repeated stop changes nothing and gets the first answer,
    one with other values is kept as evidence, one that fits no transaction waits for the operator or its start.
    """
    transaction = await sessions.find_number(station, number)
    is_matched = False
    if transaction is None and number <= 0:
        # Errata 3.18: a station that started offline and never heard a number sends -1.
        transaction = _matching(station, token, meter_wh, at)
        is_matched = transaction is not None
    key = fingerprint(time_text, meter_wh, reason, token.value if token else "")
    if transaction is not None and transaction.ended_by == _BY_STATION:
        if transaction.stop_fingerprint != key:
            _keep_conflict(station, transaction, payload)
        elif token is not None and transaction.stop_authorization_status:
            return Decision(transaction.stop_authorization_status, transaction.group_id)
    decision = await decide(station=station, token=token) if token is not None else None
    if transaction is None:
        await _keep_orphan(station, number, token, meter_wh, at, samples, payload)
        return decision
    if transaction.ended_by == _BY_STATION:
        return decision
    await _apply(
        station, transaction, meter_wh, at, reason, token, decision, samples, key, is_matched=is_matched
    )
    return decision


async def _apply(
    station: Station,
    transaction: TransactionState,
    meter_wh: float,
    at: datetime,
    reason: str,
    token: IdToken | None,
    decision: Decision | None,
    samples: Sequence[Sample],
    key: str,
    *,
    is_matched: bool,
) -> None:
    if is_matched:
        suspect(transaction, "matched-without-number")
    if samples:
        place = Place(transaction.evse, transaction.connector)
        await metering.record(station=station, place=place, samples=samples, transaction=transaction)
    sessions.end(
        station,
        transaction,
        by=_BY_STATION,
        at=at,
        meter_wh=meter_wh,
        reason=reason,
        token=token,
        decision=decision,
        fingerprint=key,
    )


def _matching(
    station: Station, token: IdToken | None, meter_wh: float, at: datetime
) -> TransactionState | None:
    """The transaction a stop without a number most likely means: same token, begun before, not beyond its meter."""
    key = normalise_uid(token.value) if token else ""
    candidates = [
        t
        for t in station.transactions.values()
        if t.ended_by != _BY_STATION
        and t.started_at <= at + _CLOCK_TOLERANCE
        and (t.meter_start_wh is None or meter_wh >= t.meter_start_wh)
        and (not key or t.token_key == key)
    ]
    if not key and len(candidates) > 1:
        # Without a token, only one open transaction leaves no doubt.
        return None
    return max(candidates, key=lambda t: (t.is_active, t.started_at), default=None)


def _keep_conflict(station: Station, transaction: TransactionState, payload: str) -> None:
    quarantine.keep(
        station,
        reason=QuarantinedMessage.Reason.CONFLICTING_STOP,
        payload=payload,
        transaction_id=transaction.id,
    )
    suspect(transaction, "conflicting-stop")
    sessions.save(station, transaction)


async def _keep_orphan(
    station: Station,
    number: int,
    token: IdToken | None,
    meter_wh: float,
    at: datetime,
    samples: Sequence[Sample],
    payload: str,
) -> None:
    """A stop without a transaction: kept word for word. With its own readings it is enough to build the session."""
    is_foreign = number >= 1000 and await journal.run(Transaction.objects.filter(pk=number).exists)
    if is_foreign:
        log.warning("transaction.foreign_stop", station=station.identity, transaction=number)
        quarantine.note_foreign(station, number)
    registers = [
        s.value for s in samples if s.measurand == samples_of.ENERGY and not s.phase and s.value is not None
    ]
    transaction = None
    if len(registers) >= 2 and not is_foreign:
        begun_at = min(station.moment(s.time) for s in samples)
        decision = await decide(station=station, token=token) if token else None
        transaction = await sessions.open_new(
            station=station,
            place=Place(None, None),
            at=begun_at,
            token=token,
            decision=decision,
            suspicions=(("start-missing", ""),),
        )
        await metering.record(
            station=station, place=Place(None, None), samples=samples, transaction=transaction
        )
        sessions.end(
            station, transaction, by=_BY_STATION, at=at, meter_wh=meter_wh, token=token, decision=decision
        )
    station.orphans += 1
    quarantine.keep(
        station,
        reason=QuarantinedMessage.Reason.FOREIGN_TRANSACTION
        if is_foreign
        else QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
        payload=payload,
        transaction_id=transaction.id if transaction else None,
        detail=f"transactionId {number}",
    )


async def join_waiting_stop(station: Station, transaction: TransactionState) -> None:
    """A stop may have come before its start: it belongs to the start with the same token that it fits in time."""
    for pk, payload in await journal.run(_waiting_stops, station.pk):
        request = orjson.loads(payload)
        at = station.moment(request.get("timestamp"))
        tag = request.get("idTag")
        meter_wh = float(request["meterStop"])
        fits = (
            at >= transaction.started_at
            and (not tag or normalise_uid(tag) == transaction.token_key)
            and (transaction.meter_start_wh is None or meter_wh >= transaction.meter_start_wh)
        )
        if not fits:
            continue
        suspect(transaction, "stop-came-first")
        token = translate.id_tag(tag) if tag else None
        reason = request.get("reason", "Local")
        await _apply(
            station,
            transaction,
            meter_wh,
            at,
            reason,
            token,
            await decide(station=station, token=token) if token else None,
            samples_of.samples_16(request.get("transactionData") or ()),
            fingerprint(request.get("timestamp"), request["meterStop"], reason, tag or ""),
            is_matched=False,
        )
        quarantine.resolve(station, pk, transaction.id)
        station.orphans -= 1
        return


def _waiting_stops(charge_point_pk: int) -> list[tuple[int, str]]:
    waiting = QuarantinedMessage.objects.waiting_stops(charge_point_pk).filter(transaction__isnull=True)
    return list(waiting.order_by("id").values_list("pk", "payload"))


def close_abandoned(before: datetime) -> None:
    """Close transactions without a sign of life since `before` at their last reading. Housekeeping's, off the message path."""
    for row in Transaction.objects.active().filter(last_message_at__lt=before).select_related("charge_point"):
        reasons = [*row.suspect_reasons, "abandoned"]
        closed = Transaction.objects.active().filter(pk=row.pk, last_message_at__lt=before)
        closed.update(
            status=Transaction.Status.ENDED,
            ended_by=Transaction.EndedBy.ABANDONED,
            stopped_at=row.last_message_at,
            stop_received_at=datetime.now(UTC),
            meter_stop_wh=row.meter_last_wh,
            power_w=None,
            suspect=True,
            suspect_reasons=reasons,
        )
        live.state().transaction_abandoned(row.pk, normalise_uid(row.id_token))

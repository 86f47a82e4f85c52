"""1.6 StopTransaction (4.10): always answered, applied once, and put into quarantine when nothing matches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from accounts.models.token import normalise_uid
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol import dispatch, translate
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.translate import IdToken, Place
from ocpp_server.protocol.translate.energy import mwh_of
from ocpp_server.protocol.translate.metering import ENERGY, Sample, samples_16
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage, Transaction
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.services.metering import readings
from transactions.services.transactions import quarantine, sessions
from transactions.services.transactions.fingerprints import fingerprint
from transactions.services.transactions.suspicion import suspect

log = structlog.get_logger(__name__)

_BY_STATION = Transaction.EndedBy.STATION.value
# Tolerated clock difference when a stop without a number is matched by time.
_CLOCK_TOLERANCE = timedelta(minutes=5)


class Stop(NamedTuple):
    """One StopTransaction (1.6 6.47). `number` is its transactionId, `meter_wh` its meterStop in Wh."""

    number: int
    meter_wh: float
    at: datetime
    time_text: str
    reason: str
    token: IdToken | None
    samples: Sequence[Sample]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.time_text, self.meter_wh, self.reason, self.token.value if self.token else "")


async def stop(*, station: Station, stop: Stop) -> Decision | None:
    """End a transaction. Returns the decision about the stopping token, None when the stop has no token.

    The vehicle has stopped already, so a stop is never refused. A repeated stop changes nothing and gets the
    first answer. A second stop with other values is kept as evidence. A stop without a matching transaction
    is kept for the operator.
    """
    transaction = await sessions.find_number(station, stop.number)
    if transaction is None:
        # A repeated stop may have been matched before, or a session was built from it.
        transaction = await sessions.find_stop(station, stop.fingerprint)
    if transaction is None and stop.number <= 0:
        # Errata 3.18: a station that started offline and never received a number sends -1.
        transaction = _matching(station, stop)
        if transaction is not None:
            suspect(transaction, "matched-without-number")
    is_ended = transaction is not None and transaction.ended_by == _BY_STATION
    if transaction is not None and is_ended and transaction.stop_fingerprint == stop.fingerprint:
        station.deviation("repeated-stop")
        if stop.token is None:
            return None
        return Decision(translate.verdict(transaction.stop_authorization_status), transaction.group_id)
    decision = None
    if stop.token is not None:
        decision = await decide(station=station, token=stop.token, purpose=Purpose.STOP)
    if transaction is None:
        await _keep_orphan(station, stop, decision)
    elif is_ended:
        await _keep_conflict(station, transaction)
    else:
        await _apply(station, transaction, stop, decision)
    return decision


async def _apply(
    station: Station, transaction: TransactionState, stop: Stop, decision: Decision | None
) -> None:
    if stop.samples:
        place = Place(transaction.evse, transaction.connector)
        await readings.record(station=station, place=place, samples=stop.samples, transaction=transaction)
    await readings.settle(station, transaction, at=stop.at, meter_wh=stop.meter_wh)
    sessions.end(
        station,
        transaction,
        by=_BY_STATION,
        at=stop.at,
        meter_wh=stop.meter_wh,
        reason=stop.reason,
        token=stop.token,
        decision=decision,
        fingerprint=stop.fingerprint,
    )


def _matching(station: Station, stop: Stop) -> TransactionState | None:
    """The most likely transaction of a stop without a number: same token, started before the stop, and a
    start reading that is not above the stop's.
    """
    key = normalise_uid(stop.token.value) if stop.token else ""
    candidates = [
        t
        for t in station.transactions.values()
        if t.ended_by != _BY_STATION
        and t.started_at <= stop.at + _CLOCK_TOLERANCE
        and (t.meter_start_mwh is None or mwh_of(stop.meter_wh) >= t.meter_start_mwh)
        and (not key or t.token_key == key)
    ]
    if not key and len(candidates) > 1:
        # Without a token, the match is certain only when one transaction is open.
        return None
    return max(candidates, key=lambda t: (t.is_active, t.started_at), default=None)


async def _keep_conflict(station: Station, transaction: TransactionState) -> None:
    if await quarantine.is_repeated(station):
        return
    quarantine.keep(
        station,
        reason=QuarantinedMessage.Reason.CONFLICTING_STOP,
        transaction_id=transaction.id,
    )
    suspect(transaction, "conflicting-stop")
    sessions.save(station, transaction)


async def _keep_orphan(station: Station, stop: Stop, decision: Decision | None) -> None:
    """Keep the text of a stop without a transaction, and build a session from it where it has readings."""
    number = stop.number
    if await quarantine.is_repeated(station):
        station.deviation("repeated-stop")
        return
    is_foreign = number >= 1000 and await journal.run(Transaction.objects.filter(pk=number).exists)
    if is_foreign:
        log.warning("transaction.foreign_stop", station=station.identity, transaction=number)
        quarantine.note_foreign(station, number)
    else:
        quarantine.note_orphan(station, number)
    transaction = None if is_foreign else await _build(station, stop, decision)
    ORPHANS.of(station).count += 1
    quarantine.keep(
        station,
        reason=QuarantinedMessage.Reason.FOREIGN_TRANSACTION
        if is_foreign
        else QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
        transaction_id=transaction.id if transaction else None,
        detail=f"transactionId {number}",
    )


async def _build(station: Station, stop: Stop, decision: Decision | None) -> TransactionState | None:
    """A session from its stop alone, when transactionData holds at least two register readings."""
    registers = [s for s in stop.samples if s.measurand == ENERGY and not s.phase and s.value is not None]
    if len(registers) < 2:
        return None
    transaction = await sessions.open_new(
        station=station,
        place=Place(None, None),
        at=min(station.moment(sample.time) for sample in registers),
        token=stop.token,
        decision=decision,
        suspicions=(("start-missing", ""),),
    )
    await _apply(station, transaction, stop, decision)
    return transaction


async def join_waiting_stop(station: Station, transaction: TransactionState) -> None:
    """Apply a stop that arrived before its start: the one with the same token, at a time after the start.

    A kept stop that fails does not prevent the answer to the start; it stays in quarantine for the operator.
    Raises StorageUnavailable and CommitRefused, which concern the start as well.
    """
    for pk, payload, received_at in await journal.run(_waiting_stops, station.pk):
        try:
            request = dispatch.read_again(V16, "StopTransaction", payload)
            stop = from_request(station, request, received_at=received_at)
            if not _fits(stop, transaction):
                continue
            with sessions.savepoint(station, transaction):
                suspect(transaction, "stop-came-first")
                decision = (
                    await decide(station=station, token=stop.token, purpose=Purpose.STOP)
                    if stop.token
                    else None
                )
                await _apply(station, transaction, stop, decision)
                quarantine.resolve(station, pk, transaction.id)
                # Last: a savepoint does not revert it.
                ORPHANS.of(station).count -= 1
        except (StorageUnavailable, CommitRefused):
            raise
        except OcppError as error:
            log.warning(
                "transaction.kept_stop_unreadable", station=station.identity, kept=pk, reason=str(error)
            )
        except Exception:
            log.exception(
                "transaction.stop_not_joined", station=station.identity, transaction=transaction.id, kept=pk
            )
        else:
            return


def _fits(stop: Stop, transaction: TransactionState) -> bool:
    return (
        stop.at >= transaction.started_at
        and (stop.token is None or normalise_uid(stop.token.value) == transaction.token_key)
        and (transaction.meter_start_mwh is None or mwh_of(stop.meter_wh) >= transaction.meter_start_mwh)
    )


def from_request(station: Station, request: dict[str, Any], *, received_at: datetime | None = None) -> Stop:
    """A stop from a valid 1.6 StopTransaction.req, received now, or at `received_at` and read from
    quarantine.
    """
    tag, time = request.get("idTag"), request.get("timestamp", "")
    return Stop(
        number=request["transactionId"],
        meter_wh=request["meterStop"],
        at=station.moment(time) if time or received_at is None else received_at,
        time_text=time,
        reason=request.get("reason", "Local"),  # J errata 2.5
        token=translate.id_tag(tag) if tag else None,
        samples=samples_16(request.get("transactionData") or ()),
    )


def _waiting_stops(charge_point_pk: int) -> list[tuple[int, str, datetime]]:
    waiting = QuarantinedMessage.objects.waiting_stops(charge_point_pk).filter(transaction__isnull=True)
    return list(waiting.order_by("id").values_list("pk", "payload", "received_at"))

"""Events about sessions (`ocpp_server.events`): which change of a session is an event, and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.events.outbox import masked_token, number
from ocpp_server.live.records import Announced, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.energy import wh_of
from ocpp_server.protocol.translate.metering import Sample
from transactions.models import Transaction

MOST_SAMPLES = 40


class _Interval:
    """EVENT_UPDATE_INTERVAL, read once: every message about a session needs it."""

    seconds: float

    @classmethod
    def read(cls, **_signal: object) -> None:
        cls.seconds = settings.EVENT_UPDATE_INTERVAL


_Interval.read()
setting_changed.connect(_Interval.read)


def announced(transaction: TransactionState, at: datetime) -> Announced:
    """The present state of a session, as its last event says it."""
    return Announced(
        at=at,
        energy_mwh=transaction.energy_mwh,
        charging_state=transaction.charging_state,
        id_token=transaction.id_token,
        suspicions=len(transaction.suspect_reasons),
    )


def started(station: Station, transaction: TransactionState, *, was_offline: bool) -> None:
    transaction.announced = announced(transaction, station.received_at)
    station.emit(
        charging.STARTED,
        **_named(transaction),
        startTime=transaction.started_at,
        meterStart=number(wh_of(transaction.meter_start_mwh)),
        remoteStartId=transaction.remote_start_id,
        authorizationStatus=transaction.authorization_status,
        wasOffline=was_offline,
        suspect=bool(transaction.suspect_reasons),
    )


def saved(station: Station, transaction: TransactionState, columns: Mapping[str, Any]) -> None:
    """Note a message about a session; `columns` are those that it writes.

    Emits transaction.updated when the state, the token or the suspicions have changed, or when the session
    has drawn energy since the last event, which is EVENT_UPDATE_INTERVAL ago. This runs for every meter
    reading, and nearly always ends after a few comparisons.
    """
    last = transaction.announced
    if last is None:
        transaction.announced = announced(transaction, station.received_at)
        return
    if not transaction.is_active:
        if transaction.energy_mwh != last.energy_mwh:
            _amended(station, transaction, ["energyWh"], "late-event")
        return
    if (
        last.charging_state == transaction.charging_state
        and last.id_token == transaction.id_token
        and last.suspicions == len(transaction.suspect_reasons)
        and (
            not _Interval.seconds
            or transaction.energy_mwh == last.energy_mwh
            or (station.received_at - last.at).total_seconds() < _Interval.seconds
        )
    ):
        return
    transaction.announced = announced(transaction, station.received_at)
    station.emit(
        charging.UPDATED,
        transactionId=transaction.id,
        chargingState=transaction.charging_state,
        energyWh=number(wh_of(transaction.energy_mwh)),
        powerW=number(columns.get("power_w")),
        socPercent=number(columns.get("soc_percent")),
        durationS=_seconds(transaction.started_at, station.received_at),
        idTag=masked_token(transaction.id_token),
        tokenId=transaction.token_pk,
        suspect=bool(transaction.suspect_reasons),
    )


def ended(
    station: Station,
    transaction: TransactionState,
    *,
    was_active: bool,
    meter_stop: float | None,
    reason: str,
) -> None:
    """Emits transaction.ended, or transaction.amended for a stop that replaces an assumed end."""
    if not was_active:
        _amended(station, transaction, ["stopTime", "meterStop", "energyWh", "endedBy"], "late-stop")
        return
    assert transaction.stopped_at is not None
    transaction.announced = announced(transaction, station.received_at)
    station.emit(
        charging.ENDED,
        **_named(transaction),
        startTime=transaction.started_at,
        stopTime=transaction.stopped_at,
        meterStop=number(meter_stop),
        energyWh=number(wh_of(transaction.energy_mwh)),
        durationS=_seconds(transaction.started_at, transaction.stopped_at),
        stopReason=reason,
        endedBy=transaction.ended_by,
        suspect=bool(transaction.suspect_reasons),
        suspectReasons=codes(transaction.suspect_reasons),
    )


def closed(row: Transaction) -> None:
    """transaction.ended for a session that ended without a message; in the transaction of the change."""
    assert row.stopped_at is not None
    outbox.emit(
        charging.ENDED,
        station=row.charge_point.identity,
        site=row.charge_point.site_id,
        transactionId=row.pk,
        ocppTransactionId=row.ocpp_id,
        evseId=row.evse_number,
        connectorId=row.connector_number,
        idTag=masked_token(row.id_token),
        tokenId=row.token_id,
        startTime=row.started_at,
        stopTime=row.stopped_at,
        meterStop=number(row.meter_stop_wh),
        energyWh=number(row.energy_wh),
        durationS=_seconds(row.started_at, row.stopped_at),
        stopReason=row.stop_reason,
        endedBy=row.ended_by,
        suspect=row.suspect,
        suspectReasons=codes(row.suspect_reasons),
    )


def settled(row: Transaction, *, changed: Sequence[str], energy_wh: float, why: str) -> None:
    """transaction.amended for an operator's fix; in the transaction of the change."""
    outbox.emit(
        charging.AMENDED,
        station=row.charge_point.identity,
        site=row.charge_point.site_id,
        transactionId=row.pk,
        changed=list(changed),
        energyWh=number(energy_wh),
        why=why,
    )


def sampled(
    station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> None:
    """meter.sampled, if it is chosen."""
    if not outbox.is_chosen(charging.SAMPLED):
        return
    station.emit(
        charging.SAMPLED,
        transactionId=transaction.id if transaction is not None else None,
        evseId=place.evse,
        values=[
            {
                "measurand": one.measurand[:64],
                "phase": one.phase[:16],
                "value": number(one.value),
                "unit": one.unit[:16],
                "time": station.moment(one.time),
            }
            for one in samples[:MOST_SAMPLES]
        ],
    )


def codes(reasons: Sequence[str]) -> list[str]:
    """The codes of suspicions, without their details."""
    return [reason.partition(":")[0] for reason in reasons]


def _amended(station: Station, transaction: TransactionState, changed: list[str], why: str) -> None:
    transaction.announced = announced(transaction, station.received_at)
    station.emit(
        charging.AMENDED,
        transactionId=transaction.id,
        changed=changed,
        energyWh=number(wh_of(transaction.energy_mwh)),
        why=why,
    )


def _named(transaction: TransactionState) -> dict[str, Any]:
    return {
        "transactionId": transaction.id,
        "ocppTransactionId": transaction.ocpp_id,
        "evseId": transaction.evse,
        "connectorId": transaction.connector,
        "idTag": masked_token(transaction.id_token),
        "tokenId": transaction.token_pk,
    }


def _seconds(since: datetime, until: datetime) -> float | int | None:
    return number(max(0.0, (until - since).total_seconds()))

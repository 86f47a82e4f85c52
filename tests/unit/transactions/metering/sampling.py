"""Samples of messages, and a station and a session that take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, POWER, Sample, samples_16
from transactions.services.metering import energy
from transactions.services.metering.samples import SOC

NOW = datetime.now(UTC).replace(microsecond=0)
HERE = Place(1, 2)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def values(minutes: float, *sampled: dict[str, Any]) -> list[Sample]:
    return samples_16([{"timestamp": at(minutes).isoformat(), "sampledValue": sampled}])


def register(wh: float, **more: Any) -> dict[str, Any]:
    return {"value": str(wh), "measurand": ENERGY} | more


def watts(value: float, **more: Any) -> dict[str, Any]:
    return {"value": str(value), "measurand": POWER} | more


def soc(value: float, **more: Any) -> dict[str, Any]:
    return {"value": str(value), "measurand": SOC} | more


def a_station() -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.received_at = NOW
    return station


def a_session(**more: Any) -> TransactionState:
    session = TransactionState(
        id=1000, ocpp_id="1000", station="CP-1", evse=1, started_at=at(-60), last_message_at=at(-60)
    )
    energy.begin(session, 1000, at(-60))
    for name, value in more.items():
        setattr(session, name, value)
    return session

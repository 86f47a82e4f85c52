"""Events about sessions: which change is an event, and the data of each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint, Site
from events.models import Event
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import Sample
from tests.unit.transactions.transactions.live_station import (
    emitted,
    minutes,
    running,
    with_transactions,
)
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.services.transactions import announcing, sessions

__all__ = ["garage"]

NOON_TEXT = "2026-05-04T12:00:00.000Z"
NAMED = {
    "transactionId": 1000,
    "ocppTransactionId": "T1",
    "evseId": 1,
    "connectorId": 2,
    "idTag": "04A1••••",
    "tokenId": 7,
}


def a_session(**more: Any) -> TransactionState:
    values: dict[str, Any] = {"ocpp_id": "T1", "connector": 2, "id_token": "04A1B2C3", "token_pk": 7}
    return running(**(values | more))


def started(**more: Any) -> tuple[Station, TransactionState]:
    """A session whose start has been announced at noon."""
    transaction = a_session(**more)
    station = with_transactions(transaction)
    station.received_at = minutes(0)
    announcing.started(station, transaction, was_offline=False)
    station.unit.clear()
    return station, transaction


# -- a running session ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reasons", [[], ["superseded"]])
def test_a_start_is_announced_with_its_place_token_and_reading(reasons: list[str]) -> None:
    transaction = a_session(remote_start_id=5, suspect_reasons=list(reasons))
    station = with_transactions(transaction)

    announcing.started(station, transaction, was_offline=True)

    assert emitted(station) == [
        (
            "transaction.started",
            NAMED
            | {
                "startTime": NOON_TEXT,
                "meterStart": 1000,
                "remoteStartId": 5,
                "authorizationStatus": "Accepted",
                "wasOffline": True,
                "suspect": bool(reasons),
            },
        )
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("charging_state", "Charging"), ("id_token", "OTHER"), ("suspect_reasons", ["superseded"])],
)
def test_a_change_of_state_token_or_suspicions_is_announced_once(name: str, value: Any) -> None:
    station, transaction = started()

    for _ in range(2):
        setattr(transaction, name, value)
        sessions.save(station, transaction)

    assert [kind for kind, _ in emitted(station)] == ["transaction.updated"]


def test_each_of_several_changes_is_announced() -> None:
    station, transaction = started()

    for state in ("Charging", "SuspendedEV", "Charging"):
        transaction.charging_state = state
        sessions.save(station, transaction)

    states = [data["chargingState"] for _, data in emitted(station)]
    assert states == ["Charging", "SuspendedEV", "Charging"]


@pytest.mark.parametrize(
    ("interval", "drawn", "at", "is_announced"),
    [
        (60, 100, 1, True),
        (60, 100, 0.99, False),
        (60, 0, 2, False),
        (0, 100, 2, False),  # no such events are wanted
    ],
)
def test_drawn_energy_is_announced_at_intervals(
    settings: Any, interval: int, drawn: int, at: float, is_announced: bool
) -> None:
    settings.EVENT_UPDATE_INTERVAL = interval
    station, transaction = started()
    transaction.energy_mwh += drawn
    station.received_at = minutes(at)

    sessions.save(station, transaction)

    assert bool(emitted(station)) is is_announced


@pytest.mark.parametrize("reasons", [[], ["superseded"]])
def test_an_update_has_the_values_of_its_message(reasons: list[str]) -> None:
    station, transaction = started()
    transaction.charging_state, transaction.energy_mwh = "Charging", 1_530_500
    transaction.suspect_reasons += reasons
    station.received_at = minutes(1.5)

    sessions.save(station, transaction, power_w=10_980.0, soc_percent=42.0)

    (event,) = emitted(station)
    assert event == (
        "transaction.updated",
        {
            "transactionId": 1000,
            "chargingState": "Charging",
            "energyWh": 1530.5,
            "powerW": 10_980,
            "socPercent": 42,
            "durationS": 90,
            "idTag": "04A1••••",
            "tokenId": 7,
            "suspect": bool(reasons),
        },
    )


# -- an ended session ----------------------------------------------------------------------------------------


def test_an_end_is_announced_with_its_reading_and_its_suspicions() -> None:
    station, transaction = started(suspect_reasons=["superseded", "connector-unknown: 1:2"])

    sessions.end(station, transaction, by="station", at=minutes(30), meter_wh=1700, reason="R" * 70)

    assert emitted(station) == [
        (
            "transaction.ended",
            NAMED
            | {
                "startTime": NOON_TEXT,
                "stopTime": "2026-05-04T12:30:00.000Z",
                "meterStop": 1700,
                "energyWh": 700,
                "durationS": 1800,
                "stopReason": "R" * 64,
                "endedBy": "station",
                "suspect": True,
                "suspectReasons": ["superseded", "connector-unknown"],
            },
        )
    ]


def test_an_end_before_the_start_took_no_time() -> None:
    station, transaction = started()

    sessions.end(station, transaction, by="station", at=minutes(-5), meter_wh=1000)

    assert emitted(station)[0][1]["durationS"] == 0


def test_late_readings_amend_an_ended_session_each_time_its_energy_changes() -> None:
    station, transaction = started()
    sessions.end(station, transaction, by="station", at=minutes(30), meter_wh=1700)
    station.unit.clear()

    for energy_wh in (800, 900, 900):
        transaction.energy_mwh = energy_wh * 1000
        sessions.save(station, transaction)

    assert emitted(station) == [
        (
            "transaction.amended",
            {"transactionId": 1000, "changed": ["energyWh"], "energyWh": energy_wh, "why": "late-event"},
        )
        for energy_wh in (800, 900)
    ]


def test_a_stop_that_replaces_an_assumed_end_amends_the_session() -> None:
    station, transaction = started()
    sessions.end(station, transaction, by="superseded", at=minutes(30))
    station.unit.clear()

    sessions.end(station, transaction, by="station", at=minutes(40), meter_wh=1700)

    changed = ["stopTime", "meterStop", "energyWh", "endedBy"]
    assert emitted(station) == [
        (
            "transaction.amended",
            {"transactionId": 1000, "changed": changed, "energyWh": 700, "why": "late-stop"},
        )
    ]


# -- a stored session ----------------------------------------------------------------------------------------


@pytest.fixture
def at_a_site(garage: ChargePoint) -> ChargePoint:
    garage.site = Site.objects.create(pk=3, name="Depot")
    garage.save()
    return garage


def stored_event() -> tuple[str, str, int | None, dict[str, Any]]:
    event = Event.objects.get()
    return event.type, event.station, event.site_id, orjson.loads(event.data)


def test_a_session_that_ended_without_a_message_is_announced_from_its_row(at_a_site: ChargePoint) -> None:
    token = Token.objects.create(pk=7, uid="04A1B2C3")
    row = a_row(
        ocpp_id="T1",
        connector_number=2,
        id_token="04A1B2C3",
        token=token,
        stop_reason="Operator",
        ended_by="operator",
        suspect_reasons=["superseded", "meter-jump: 1:2"],
    )

    announcing.closed(row)

    assert stored_event() == (
        "transaction.ended",
        "CP-1",
        3,
        NAMED
        | {
            "startTime": NOON_TEXT,
            "stopTime": "2026-05-04T13:00:00.000Z",
            "meterStop": 5000,
            "energyWh": 4000,
            "durationS": 3600,
            "stopReason": "Operator",
            "endedBy": "operator",
            "suspect": True,
            "suspectReasons": ["superseded", "meter-jump"],
        },
    )


def test_an_operator_s_fix_is_announced_with_what_it_changed(at_a_site: ChargePoint) -> None:
    row = a_row()

    announcing.settled(row, changed=("energyWh",), energy_wh=3000.0, why="correct-energy")

    assert stored_event() == (
        "transaction.amended",
        "CP-1",
        3,
        {"transactionId": 1000, "changed": ["energyWh"], "energyWh": 3000, "why": "correct-energy"},
    )


# -- samples -------------------------------------------------------------------------------------------------


def a_sample(measurand: str = "Voltage", phase: str = "L1", unit: str = "V") -> Sample:
    return Sample(
        measurand=measurand,
        phase=phase,
        location="",
        context="",
        value=230.0,
        unit=unit,
        raw="230",
        raw_unit=unit,
        time=NOON_TEXT,
        signed_data=None,
        problem="",
    )


@pytest.mark.parametrize("transaction", [None, a_session()])
def test_chosen_samples_are_announced_with_their_session(
    settings: Any, transaction: TransactionState | None
) -> None:
    settings.EVENT_TYPES = ["meter.sampled"]
    station = with_transactions()
    station.received_at = minutes(0)

    announcing.sampled(station, Place(2, 1), [a_sample()], transaction)

    value = {"measurand": "Voltage", "phase": "L1", "value": 230, "unit": "V", "time": NOON_TEXT}
    data = {"transactionId": transaction and transaction.id, "evseId": 2, "values": [value]}
    assert emitted(station) == [("meter.sampled", data)]


def test_at_most_40_samples_and_names_of_limited_length_are_announced(settings: Any) -> None:
    settings.EVENT_TYPES = ["meter.sampled"]
    station = with_transactions()

    announcing.sampled(station, Place(1, 1), [a_sample("M" * 80, "P" * 80, "U" * 80)] * 41, None)

    values = emitted(station)[0][1]["values"]
    assert len(values) == 40
    assert {tuple(map(len, (each["measurand"], each["phase"], each["unit"]))) for each in values} == {
        (64, 16, 16)
    }


def test_samples_that_are_not_chosen_are_not_announced(settings: Any) -> None:
    settings.EVENT_TYPES = []
    station = with_transactions()

    announcing.sampled(station, Place(1, 1), [a_sample()], None)

    assert emitted(station) == []

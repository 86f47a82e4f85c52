"""The answers of stations to the commands about tariffs: what is stored."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V21, V201
from tariffs.live import COSTS
from tariffs.models import StationTariff
from tariffs.tables import SESSION_COSTS
from tests.unit.chargepoints.in_memory import NOON, changed, rows
from tests.unit.tariffs.stored import a_command, announced
from tests.unit.transactions.at_once import at_once
from tests.unit.transactions.transactions.live_station import running

TARIFF = {"tariffId": "A", "currency": "EUR"}
ACCEPTED = {"status": "Accepted"}


async def answered(
    station: Station, action: str, request: dict[str, Any], response: dict[str, Any], command_id: str = ""
) -> None:
    """Give an answer of the station to the handler of its version."""
    handler = registry.reply_handler(station.version, action)
    assert handler is not None
    await handler(station, request, response, command_id)


# -- sessions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V201, V21])
@at_once
async def test_the_cost_that_the_station_has_taken_is_stored(station: Station, version: str) -> None:
    station.version = version
    station.transactions[1000] = running(1000, ocpp_id="T-1")

    await answered(station, "CostUpdated", {"transactionId": "T-1", "totalCost": 4.2}, {})

    assert changed(station, SESSION_COSTS) == {
        1000: {"sent_cost": Decimal("4.2"), "sent_at": NOON, "updated_at": NOON}
    }
    (row,) = rows(station, SESSION_COSTS)
    assert (row["transaction_id"], row["charge_point_id"], row["updated_at"]) == (1000, station.pk, NOON)


@at_once
async def test_the_tariff_of_a_session_is_stored_with_the_answer(station: Station) -> None:
    station.transactions[1000] = running(1000, ocpp_id="T-1")
    tariff = {"tariffId": "T" * 61, "currency": "EUR"}

    request = {"transactionId": "T-1", "tariff": tariff}
    await answered(station, "ChangeTransactionTariff", request, {"status": "W" * 33})

    assert changed(station, SESSION_COSTS) == {
        1000: {
            "new_tariff": tariff,
            "new_tariff_id": "T" * 60,
            "new_tariff_status": "W" * 32,
            "new_tariff_at": NOON,
            "updated_at": NOON,
        }
    }
    (row,) = rows(station, SESSION_COSTS)
    assert (row["transaction_id"], row["charge_point_id"]) == (1000, station.pk)


@at_once
async def test_an_answer_about_an_unknown_session_stores_nothing(station: Station) -> None:
    station.transactions[1000] = running(1000, ocpp_id="T-1")

    await answered(station, "CostUpdated", {"transactionId": "T-2", "totalCost": 4.2}, {})
    await answered(station, "ChangeTransactionTariff", {"transactionId": "T-2", "tariff": TARIFF}, ACCEPTED)

    assert not station.unit


# -- default tariffs -----------------------------------------------------------------------------------------


@at_once
async def test_a_default_tariff_is_stored_with_the_answer(station: Station) -> None:
    a_command(station.pk)
    response = {"status": "TooManyElements", "statusInfo": {"reasonCode": "Many", "additionalInfo": "of 1"}}

    await answered(station, "SetDefaultTariff", {"evseId": 2, "tariff": TARIFF}, response, "c-1")

    row = StationTariff.objects.get()
    assert (row.charge_point_id, row.command_id, row.evse_number) == (station.pk, "c-1", 2)
    assert (row.tariff_id, row.tariff, row.set_at) == ("A", TARIFF, NOON)
    assert (row.state, row.status, row.reason) == ("refused", "TooManyElements", "Many: of 1")
    event = {"tariffId": "A", "evseId": 2, "state": "refused", "requestId": "c-1"}
    assert announced() == [("tariff.changed", event)]


async def with_two(station: Station) -> None:
    """The station has accepted A for every EVSE, and B for EVSE 2 at noon."""
    for name, evse in (("A", 0), ("B", 2)):
        station.received_at = NOON - timedelta(minutes=2 - evse)
        request = {"evseId": evse, "tariff": TARIFF | {"tariffId": name}}
        await answered(station, "SetDefaultTariff", request, ACCEPTED)


def states() -> dict[str, str]:
    return dict(StationTariff.objects.values_list("tariff_id", "state"))


REPORTED = [{"tariffId": "A", "tariffKind": "DefaultTariff", "evseIds": [1]}]


@pytest.mark.parametrize(
    ("evse", "response", "found"),
    [
        (0, {"status": "Accepted", "tariffAssignments": REPORTED}, {"A": "confirmed", "B": "missing"}),
        (1, {"status": "Accepted", "tariffAssignments": REPORTED}, {"A": "confirmed", "B": "accepted"}),
        (0, {"status": "NoTariff"}, {"A": "missing", "B": "missing"}),
        (2, {"status": "NoTariff"}, {"A": "accepted", "B": "missing"}),
        (0, {"status": "Rejected", "tariffAssignments": REPORTED}, {"A": "accepted", "B": "accepted"}),
    ],
)
@at_once
async def test_the_tariffs_of_the_station_are_compared_with_the_wanted_ones(
    station: Station, evse: int, response: dict[str, Any], found: dict[str, str]
) -> None:
    await with_two(station)

    await answered(station, "GetTariffs", {"evseId": evse}, response)

    assert states() == found
    checked = {row.tariff_id for row in StationTariff.objects.filter(checked_at=NOON)}
    assert checked == {name for name, state in found.items() if state != "accepted"}


@pytest.mark.parametrize(
    ("request_", "results", "cleared"),
    [
        ({}, [ACCEPTED], {"A", "B"}),
        ({"tariffIds": ["B"]}, [ACCEPTED], {"B"}),
        ({"evseId": 2}, [ACCEPTED], {"B"}),
        (
            {"tariffIds": ["A", "B"]},
            [ACCEPTED | {"tariffId": "A"}, {"tariffId": "B", "status": "Rejected"}],
            {"A"},
        ),
        ({"tariffIds": ["A"], "evseId": 2}, [ACCEPTED], set()),
        ({}, [{"status": "NoTariff"}], {"A", "B"}),
    ],
)
@at_once
async def test_the_cleared_tariffs_end(
    station: Station, request_: dict[str, Any], results: list[dict[str, str]], cleared: set[str]
) -> None:
    await with_two(station)

    await answered(station, "ClearTariffs", request_, {"clearTariffsResult": results})

    assert states() == {name: "cleared" if name in cleared else "accepted" for name in "AB"}
    assert {row.tariff_id for row in StationTariff.objects.filter(ended_at=NOON)} == cleared


@pytest.mark.parametrize(
    ("action", "request_", "response"),
    [
        ("SetDefaultTariff", {"evseId": 2, "tariff": TARIFF}, ACCEPTED),
        ("GetTariffs", {"evseId": 0}, {"status": "NoTariff"}),
        ("ClearTariffs", {}, {"clearTariffsResult": [ACCEPTED]}),
    ],
)
@at_once
async def test_the_tariffs_of_a_station_are_read_again_after_the_commit_and_not_before(
    station: Station,
    django_capture_on_commit_callbacks: Any,
    action: str,
    request_: dict[str, Any],
    response: dict[str, Any],
) -> None:
    known = COSTS.of(station)
    with django_capture_on_commit_callbacks(execute=True):
        await answered(station, action, request_, response)
        # A session that asks now reads the old tariffs, and must not keep them.
        known.tariffs_read_at = NOON

    assert known.tariffs_read_at is None

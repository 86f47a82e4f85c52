"""The limits of a session that the answers to its events send (2.1 E16)."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.records import Budget, Consumption
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import limits as read_limits
from ocpp_server.protocol.translate import supported_limits, transaction_limit
from tests.unit.transactions.transactions.live_station import NOON, minutes, running, with_transactions
from transactions.live.abilities import ABILITIES
from transactions.services.authorization import access
from transactions.services.authorization.credit import Credit
from transactions.services.transactions import limits

ALL = frozenset({"maxCost", "maxEnergy", "maxTime", "maxSoC"})


def a_station(supported: frozenset[str] = ALL, **more: Any) -> Station:
    station = with_transactions(running(**more))
    ABILITIES.of(station).limits = supported
    ABILITIES.of(station).limits_read_at = station.received_at
    return station


async def send(station: Station, seq_no: int = 1, **more: Any) -> dict[str, float]:
    how: dict[str, Any] = {"reported": {}, "is_offline": False}
    transaction = station.transactions[1000]
    return await limits.to_send(station=station, transaction=transaction, seq_no=seq_no, **(how | more))


def written(station: Station) -> list[Any]:
    """The values of the column, as written by these messages."""
    return [values["limits"] for _, _, values in station.unit.updates]


async def test_a_limit_is_sent_once_and_again_with_a_repetition() -> None:
    station = a_station(limits_wanted={"maxEnergy": 5000.0})

    assert await send(station, 1) == {"maxEnergy": 5000}
    assert await send(station, 1) == {"maxEnergy": 5000}
    assert await send(station, 2) == {}
    assert written(station) == [{"wanted": {"maxEnergy": 5000.0}, "sent": {"maxEnergy": 5000.0}, "seqNo": 1}]


@pytest.mark.parametrize(
    ("more", "transaction", "supported"),
    [
        ({"is_offline": True}, {}, ALL),
        ({}, {"is_active": False}, ALL),
        ({}, {}, frozenset({"maxTime"})),
        ({"reported": {"maxEnergy": 4000.0}}, {}, ALL),
        ({"reported": {"maxEnergy": 5000.0}}, {}, ALL),
    ],
    ids=["past", "ended", "unsupported", "lower at the station", "set already"],
)
async def test_a_limit_that_is_not_sent(
    more: dict[str, Any], transaction: dict[str, Any], supported: frozenset[str]
) -> None:
    station = a_station(supported, limits_wanted={"maxEnergy": 5000.0}, **transaction)

    assert await send(station, **more) == {}
    assert station.transactions[1000].limits_sent == {}


async def test_the_limit_of_an_operator_replaces_a_lower_one_and_that_of_the_token() -> None:
    station = a_station(
        limits_wanted={"maxEnergy": 5000.0, "maxTime": 60.0}, limits_asked={"maxEnergy": 9000.0}
    )

    assert await send(station, reported={"maxEnergy": 4000.0}) == {"maxEnergy": 9000, "maxTime": 60}
    assert await send(station, 2, reported={"maxEnergy": 9000.0}) == {}
    assert station.transactions[1000].limits_set == {"maxEnergy": 9000.0}


async def test_what_the_station_reports_is_written_when_it_changes() -> None:
    station = a_station()
    for value in (60.0, 60.0, 90.0):
        await send(station, reported={"maxTime": value})

    assert written(station) == [{"set": {"maxTime": 60.0}}, {"set": {"maxTime": 90.0}}]


def test_the_names_on_the_wire() -> None:
    assert read_limits(None) == {}
    assert read_limits({"maxTime": 60, "maxCost": 1.5, "customData": {}}) == {"maxTime": 60.0, "maxCost": 1.5}
    found = transaction_limit({"maxTime": 60.0, "maxSoC": 80.0, "maxCost": 1.5, "maxEnergy": 7000.0})
    assert found == {"maxCost": 1.5, "maxEnergy": 7000, "maxTime": 60, "maxSoC": 80}
    assert [type(value) for value in found.values()] == [float, int, int, int]


@pytest.mark.parametrize(
    ("reported", "expected"),
    [("", set()), ("MaxEnergy, maxsoc", {"maxEnergy", "maxSoC"}), ("Other,MaxTime,", {"maxTime"})],
)
def test_the_limits_that_a_station_reports(reported: str, expected: set[str]) -> None:
    assert supported_limits(reported) == expected


def budget(day: int | None, month: int | None) -> Budget:
    return Budget("token:1", day, month)


def drawn(day: int, month: int) -> Consumption:
    return Consumption(NOON.date(), day * 1000, month * 1000)


@pytest.mark.parametrize(
    ("budgets", "used", "credit", "expected"),
    [
        ([], [], None, {}),
        ([budget(5000, None)], [drawn(1000, 9000)], None, {"maxEnergy": 4000}),
        ([budget(5000, 9500)], [drawn(1000, 9000)], None, {"maxEnergy": 500}),
        ([budget(5000, None), budget(None, 700)], [drawn(0, 0), drawn(0, 100)], None, {"maxEnergy": 600}),
        ([], [], Credit(12.5), {"maxCost": 12.5}),
        ([], [], Credit(12.5, {"maxTime": 60.0}), {"maxCost": 12.5, "maxTime": 60}),
        ([budget(5000, None)], [], Credit(1.0), {"maxCost": 1}),  # a stop checks no budget
    ],
)
def test_the_limits_that_follow_from_a_token(
    budgets: list[Budget], used: list[Consumption], credit: Credit | None, expected: dict[str, float]
) -> None:
    assert access.limits(budgets, used, credit) == expected


@pytest.mark.parametrize(("credit", "is_refused"), [(None, False), (Credit(0.01), False), (Credit(0), True)])
def test_a_prepaid_token_without_credit_is_refused(credit: Credit | None, is_refused: bool) -> None:
    assert (access.without_credit(credit) is not None) is is_refused


async def test_what_was_not_reported_is_looked_up_again_after_a_minute(monkeypatch: Any) -> None:
    asked: list[int] = []

    async def run(function: Any, *arguments: Any) -> dict[str, str]:
        asked.append(arguments[0])
        return {"TxCtrlr.SupportedLimits": "MaxTime"} if len(asked) > 1 else {}

    monkeypatch.setattr("transactions.services.transactions.abilities.journal.run", run)
    monkeypatch.setattr("ocpp_server.capabilities.reports.app", type("Reports", (), {"values": None}))
    station = with_transactions(running(limits_wanted={"maxTime": 60.0}))

    found = []
    for seq_no, at in enumerate((60, 60.5, 61, 62)):
        station.received_at = minutes(at)
        found.append(await send(station, seq_no))

    assert (found, asked) == ([{}, {}, {"maxTime": 60}, {}], [1, 1])

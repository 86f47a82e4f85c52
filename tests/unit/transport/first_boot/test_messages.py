"""The messages of an unknown station: everything but a valid BootNotification is a SecurityError."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.transport.handshake.admission import Refusal
from tests.unit.transport.first_boot.newcomer import BOOTS, ROW, V16, V21, V201, Newcomer


@pytest.fixture(params=BOOTS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_boot_enters_the_station_and_is_not_answered_here(version: str) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is ROW

    assert station.sent == []


@pytest.mark.parametrize("action", ["Heartbeat", "StatusNotification", "TransactionEvent", "Nonsense"])
async def test_everything_else_is_a_security_error(version: str, action: str) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", action, {}) is None
    assert await station.sends(2, "1", action, {}) is None

    assert [frame[:3] for frame in station.sent] == [[4, "1", "SecurityError"]] * 2
    assert "BootNotification first" in station.sent[0][3]
    assert await station.sends(2, "2", "BootNotification", BOOTS[version]) is ROW


@pytest.mark.parametrize("payload", [{}, [], "text", {"chargePointVendor": {}}, {"reason": "PowerUp"}])
async def test_a_boot_that_would_be_refused_enters_nothing(version: str, payload: Any) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", "BootNotification", payload) is None

    assert [frame[:2] for frame in station.sent] == [[4, "1"]]
    assert station.entered == 0


async def test_a_station_that_can_not_be_added_now_is_rejected_and_boots_again_later(version: str) -> None:
    station = Newcomer(version, Refusal(404, "Self-registration limit reached."))

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is None

    ((kind, message_id, answer),) = station.sent
    assert (kind, message_id, answer["status"]) == (3, "1", "Rejected")
    assert 60 <= answer["interval"] <= 66
    assert station.closed == []


async def test_a_station_that_got_a_password_meanwhile_and_has_not_proved_it_is_closed(version: str) -> None:
    station = Newcomer(version, Refusal(401, "The password is wrong.", security="FailedStationLogin"))

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is None

    assert station.sent == []
    assert station.closed == [(1008, "The password is wrong.")]


async def test_the_station_is_asked_to_boot_and_its_answer_is_ignored(version: str) -> None:
    station = Newcomer(version)

    await station.is_asked()
    ((kind, message_id, action, payload),) = station.sent
    assert await station.sends(4, message_id, "NotImplemented", "", {}) is None

    assert (kind, action, payload) == (2, "TriggerMessage", {"requestedMessage": "BootNotification"})
    assert len(station.sent) == 1


async def test_broken_frames_close_the_socket_in_the_end() -> None:
    station = Newcomer(V201)

    for _ in range(100):
        await station.sends("broken")

    assert station.closed[0][0] == 1002


async def test_broken_frames_are_answered_and_close_the_socket_only_in_a_row() -> None:
    station = Newcomer(V201)

    await station.sends("broken")
    assert (len(station.sent), station.closed) == (1, [])
    for _ in range(100):
        await station.sends("broken")

    assert {frame[0] for frame in station.sent} == {4}
    assert station.closed[0] == (1002, "Too many broken frames in a row.")


async def test_a_rejected_station_gets_the_time_and_an_interval_spread_over_a_tenth() -> None:
    intervals = set()
    for _ in range(200):
        station = Newcomer(V16, Refusal(404, "Full."))
        await station.sends(2, "1", "BootNotification", BOOTS[V16])
        answer = station.sent[0][2]
        intervals.add(answer["interval"])

    assert set(answer) == {"status", "currentTime", "interval"}
    assert abs(datetime.fromisoformat(answer["currentTime"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert intervals == set(range(60, 67))


# --- strict validation --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "is_added"), [("strict", False), ("tolerant", True)])
async def test_strict_validation_holds_for_the_boot_too(settings: Any, mode: str, is_added: bool) -> None:
    settings.OCPP_VALIDATION = mode
    station = Newcomer(V16)

    assert (await station.sends(2, "1", "BootNotification", BOOTS[V16] | {"unknown": 1}) is ROW) is is_added

    assert [frame[0] for frame in station.sent] == ([] if is_added else [4])


@pytest.mark.parametrize("mode", ["strict", "tolerant"])
async def test_a_call_without_a_payload_is_broken_where_validation_is_strict(
    settings: Any, mode: str
) -> None:
    settings.OCPP_VALIDATION = mode
    station = Newcomer(V21)

    await station.sends(2, "1", "Heartbeat")

    ((kind, _, code, *_),) = station.sent
    assert (kind, code == "SecurityError") == (4, mode == "tolerant")

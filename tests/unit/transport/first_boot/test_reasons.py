"""The refusal that an operator sees for an unknown station without a valid BootNotification."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.handshake.admission import Handshake, Refusal
from tests.unit.transport.first_boot.newcomer import BOOTS, HANDSHAKE, V16, V201, Newcomer


async def reason_after(stored: list[tuple[Handshake, Refusal]], *frames: Any, silent: bool = False) -> str:
    """The reason that is stored for a station that sent these frames and left; "" for none."""
    station = Newcomer(V16)
    for frame in frames:
        await station.sends(*frame)
    await station._boot.record_unbooted(was_silent=silent)
    if not stored:
        return ""
    ((handshake, refusal),) = stored
    assert (handshake, refusal.status, refusal.can_be_accepted) == (HANDSHAKE, 1008, True)
    assert (refusal.security, refusal.is_repeated) == ("", False)
    return refusal.reason


async def test_a_station_that_left_at_once_is_not_shown(stored: list[tuple[Handshake, Refusal]]) -> None:
    assert await reason_after(stored) == ""


async def test_a_station_that_was_silent_is_shown_with_the_time_it_had(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    reason = await reason_after(stored, silent=True)

    assert reason == "An unknown station has to send a BootNotification first within 120 seconds."


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        (["Heartbeat", "StatusNotification"], "Heartbeat"),
        (["Nonsense", "Heartbeat"], "an unknown action"),
    ],
)
async def test_a_station_that_sent_something_else_is_shown_with_its_first_action(
    stored: list[tuple[Handshake, Refusal]], actions: list[str], named: str
) -> None:
    frames = [(2, str(number), action, {}) for number, action in enumerate(actions)]

    reason = await reason_after(stored, *frames)

    assert reason == f"An unknown station has to send a BootNotification first, not {named}."


async def test_a_boot_of_another_version_is_shown_with_the_remedy(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    reason = await reason_after(stored, (2, "1", "BootNotification", BOOTS[V201]))

    assert reason.startswith("This is a BootNotification of OCPP 2.x, the connection is ocpp1.6")


async def test_an_invalid_boot_is_shown_with_its_fault(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    payload = {"chargePointVendor": "Vendor", "chargePointModel": {"a": 1}}

    reason = await reason_after(stored, (2, "1", "BootNotification", payload), (2, "2", "Heartbeat", {}))

    assert reason.startswith("The first BootNotification was refused: ")
    assert "chargePointModel" in reason


async def test_a_station_that_can_not_be_added_is_shown_at_once(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    for refusal in (Refusal(404, "Full."), Refusal(401, "Wrong.", security="FailedStationLogin")):
        await Newcomer(V16, refusal).sends(2, "1", "BootNotification", BOOTS[V16])

    assert [refusal.reason for _, refusal in stored] == ["Full.", "Wrong."]

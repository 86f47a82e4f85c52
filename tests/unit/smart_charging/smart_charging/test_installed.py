"""The profiles of a station: kept from its answers, ended with sessions, loaded and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from smart_charging.handlers.smart_charging import profiles as handlers
from smart_charging.live import INSTALLED
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import installed
from tests.direct.accounts import a_token
from tests.direct.station import DirectStation
from transactions.handlers import remote_control
from transactions.models import Transaction
from transactions.services.transactions import closing

pytestmark = pytest.mark.django_db(transaction=True)

PERIODS = [{"startPeriod": 0, "limit": 16.0}]
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS}
ACCEPTED = {"status": "Accepted"}


def profile_16(purpose: str = "TxDefaultProfile", level: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": 7,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": SCHEDULE,
        **more,
    }


async def answered(
    charger: DirectStation, handler: Any, request: dict[str, Any], response: dict[str, Any] = ACCEPTED
) -> None:
    """The station answers a command, and the changes are stored."""
    command_id = f"c-{await journal.run(Command.objects.count)}"
    await journal.run(a_command, charger.station, command_id)
    with UnitOfWork(charger.station) as work:
        await handler(charger.station, request, response, command_id)
        await work.store()


def a_command(station: Station, command_id: str) -> None:
    now = station.received_at
    Command.objects.create(
        id=command_id,
        charge_point_id=station.pk,
        action="SetChargingProfile",
        payload={},
        created_at=now,
        deadline_at=now,
    )


async def set_16(charger: DirectStation, evse: int = 1, **profile: Any) -> None:
    request = {"connectorId": evse, "csChargingProfiles": profile_16(**profile)}
    await answered(charger, handlers.profile_answered_16, request)


async def states(charger: DirectStation) -> list[str]:
    """The states of all stored profiles of the station, in the order of their installation."""
    rows = InstalledProfile.objects.filter(charge_point=charger.pk).order_by("installed_at")
    return await journal.run(lambda: list(rows.values_list("state", flat=True)))


async def test_an_installed_profile_is_loaded_with_the_station(station: Any) -> None:
    charger = await station(V16)
    await set_16(charger)
    (before,) = INSTALLED.of(charger.station)

    await charger.reload()

    assert INSTALLED.of(charger.station) == [before]
    assert (before.profile_id, before.evse, before.state) == (7, 1, "installed")


async def test_a_profile_that_was_not_stored_is_taken_back(station: Any) -> None:
    charger = await station(V16)
    request = {"connectorId": 1, "csChargingProfiles": profile_16()}
    work = UnitOfWork(charger.station)

    await handlers.profile_answered_16(charger.station, request, ACCEPTED, "c-1")
    assert len(INSTALLED.of(charger.station)) == 1
    await work.roll_back()

    assert INSTALLED.of(charger.station) == []
    assert await states(charger) == []


async def test_a_profile_of_a_session_without_its_number_belongs_to_the_session_at_the_connector(
    station: Any,
) -> None:
    charger = await station(V16)
    await journal.run(a_token)
    started = await charger.start("CARD")

    await set_16(charger, purpose="TxProfile")
    (one,) = INSTALLED.of(charger.station)
    assert one.transaction == started["transaction"]
    await charger.status("Charging")
    assert await states(charger) == ["installed"]
    await charger.stop(started)

    assert await states(charger) == ["ended"]
    assert INSTALLED.of(charger.station) == []


async def test_a_profile_for_a_connector_without_a_session_ends_with_the_next_message(station: Any) -> None:
    charger = await station(V16)
    await set_16(charger, purpose="TxProfile")

    await charger.status()

    assert await states(charger) == ["ended"]


async def test_a_profile_ends_with_a_session_that_an_operator_has_ended(station: Any) -> None:
    charger = await station(V16)
    await journal.run(a_token)
    started = await charger.start("CARD")
    await set_16(charger, purpose="TxProfile", transactionId=started["transaction"])
    number = started["transaction"]
    await journal.run(lambda: closing.close(number, by=Transaction.EndedBy.OPERATOR))

    await charger.reload()
    await charger.status()

    assert await states(charger) == ["ended"]


@pytest.mark.parametrize(("version", "state"), [(V16, "unverified"), (V201, "installed")])
async def test_a_boot_leaves_the_profiles_of_1_6_in_doubt(station: Any, version: str, state: str) -> None:
    charger = await station(version)
    payload = profile_16()
    with UnitOfWork(charger.station) as work:
        installed.report(station=charger.station, evse=1, payloads=[payload], source="CSO")
        await work.store()

    await charger.boot()

    assert await states(charger) == [state]
    with UnitOfWork(charger.station) as work:
        installed.report(station=charger.station, evse=1, payloads=[payload], source="CSO")
        await work.store()
    assert await states(charger) == ["installed"]


REMOTE = {
    "idTag": "CARD",
    "connectorId": 1,
    "chargingProfile": profile_16("TxProfile"),
}


async def test_the_profile_of_a_remote_start_without_a_session_is_unused(station: Any) -> None:
    charger = await station(V16)
    await answered(charger, remote_control.remote_start_transaction, REMOTE)
    await charger.status()
    assert await states(charger) == ["waiting"]
    (one,) = INSTALLED.of(charger.station)
    assert one.until is not None
    one.until -= timedelta(hours=1)

    await charger.status()

    assert await states(charger) == ["unused"]
    assert INSTALLED.of(charger.station) == []


async def test_the_profile_of_a_remote_start_survives_a_reload_and_a_clear(station: Any) -> None:
    charger = await station(V16)
    await journal.run(a_token)
    await answered(charger, remote_control.remote_start_transaction, REMOTE)
    await charger.reload()
    await answered(charger, handlers.clearing_answered_16, {"id": 7}, {"status": "Unknown"})
    assert await states(charger) == ["waiting"]

    started = await charger.start("CARD")

    row = await journal.run(InstalledProfile.objects.get)
    assert (row.state, row.transaction_id, row.evse_number) == ("installed", started["transaction"], 1)


async def test_a_rejected_answer_changes_nothing(station: Any) -> None:
    charger = await station(V16)
    await set_16(charger)
    for handler, request in (
        (handlers.profile_answered_16, {"connectorId": 1, "csChargingProfiles": profile_16(level=1)}),
        (remote_control.remote_start_transaction, REMOTE),
    ):
        await answered(charger, handler, request, {"status": "Rejected"})

    assert await states(charger) == ["installed"]


async def test_a_station_cannot_report_any_number_of_profiles(
    station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    charger = await station(V201)
    monkeypatch.setattr(installed, "MOST", 2)
    payloads = [profile_16(chargingProfileId=number) for number in range(5)]
    with UnitOfWork(charger.station) as work:
        installed.report(station=charger.station, evse=1, payloads=payloads, source="CSO")
        await work.store()

    assert len(await states(charger)) == 2


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (profile_16(), "16 A"),
        (
            {
                "chargingSchedule": [
                    {
                        "chargingRateUnit": "W",
                        "chargingSchedulePeriod": [{"limit": 11000}, {"limit": 4140.5}, {"setpoint": 1}],
                    }
                ]
            },
            "4140.5-11000 W",
        ),
        ({"chargingSchedule": {"chargingSchedulePeriod": []}}, ""),
        ({}, ""),
    ],
)
def test_the_limits_of_a_profile_in_a_few_words(payload: dict[str, Any], shown: str) -> None:
    assert InstalledProfile(payload=payload).limits == shown

"""TxProfiles that a station may have lost: what is sent again, when, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from configuration.models import ReportedKey
from ocpp_server.domain import StationOffline
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from smart_charging.live import INSTALLED, Installed
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import installed, resuming
from tests.direct.station import DirectStation

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def profile(kind: str = "Absolute", **more: Any) -> dict[str, Any]:
    schedule = {
        "id": 1,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6, "numberPhases": 3}],
    }
    usual = {"id": 7, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "transactionId": "T1"}
    return {**usual, "chargingProfileKind": kind, "chargingSchedule": [schedule], **more}


def test_the_same_profile_is_sent_again() -> None:
    sent = profile(validTo="2026-05-04T12:00:01Z")

    assert resuming.again(sent, ocpp_id="T1", values=None, at=NOON) == sent


def test_the_profile_of_a_remote_start_gets_its_session() -> None:
    sent = profile("Relative")
    del sent["transactionId"]

    assert resuming.again(sent, ocpp_id="T9", values=None, at=NOON) == {**sent, "transactionId": "T9"}


def test_a_dynamic_profile_has_the_values_that_hold_now() -> None:
    sent = profile("Dynamic", dynUpdateTime="2026-05-04T11:00:00Z")

    again = resuming.again(sent, ocpp_id="T1", values={"limit": 10, "limit_L2": 9}, at=NOON)

    assert again is not None
    assert again["dynUpdateTime"] == "2026-05-04T12:00:00.000Z"
    (schedule,) = again["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 10, "limit_L2": 9, "numberPhases": 3}
    ]
    assert sent == profile("Dynamic", dynUpdateTime="2026-05-04T11:00:00Z")


def test_a_profile_whose_validity_is_over_is_not_sent() -> None:
    assert resuming.again(profile(validTo="2026-05-04T12:00:00Z"), ocpp_id="T1", values=None, at=NOON) is None


# -- at a station ------------------------------------------------------------------------------------------


class Calls:
    """The calls that would be sent, without a socket."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails = False

    async def call(self, charge_point: Any, action: str, payload: Any, **how: Any) -> Any:
        if self.fails:
            raise StationOffline("It is offline.")
        assert (action, how) == ("SetChargingProfile", {"actor": "server", "wait": False})
        self.sent.append(payload)
        return SimpleNamespace(id=f"c-{len(self.sent)}")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(calls, "call", made.call)
    return made


async def charging(station: Any) -> DirectStation:
    """A station with a session and the TxProfile of it."""
    charger: DirectStation = await station(V21)
    await charger.event("Started", "T1", uid="CARD", evse=1)
    with UnitOfWork(charger.station) as work:
        installed.install(station=charger.station, command_id="", evse=1, payload=profile())
        await work.store()
    return charger


async def row() -> InstalledProfile:
    return await journal.run(InstalledProfile.objects.latest, "installed_at")


def held(station: Station) -> Installed:
    (one,) = INSTALLED.of(station)
    return one


@pytest.mark.django_db(transaction=True)
async def test_a_profile_is_sent_once_when_its_session_goes_on(station: Any, sent: Calls) -> None:
    charger = await charging(station)
    await charger.boot()
    assert (await row()).state == "unverified"
    await charger.event("Updated", "T1", evse=1)
    assert sent.sent == []

    # The station repeats an event whose answer it has not seen.
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1, seq_no=5, at=NOON)
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1, seq_no=5, at=NOON)

    assert sent.sent == [{"evseId": 1, "chargingProfile": profile()}]
    assert (await row()).resumed_at is not None

    with UnitOfWork(charger.station) as work:
        installed.install(station=charger.station, command_id="", evse=1, payload=profile())
        await work.store()
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1, seq_no=5, at=NOON)
    assert len(sent.sent) == 1
    assert ((await row()).state, held(charger.station).resumed_at) == ("installed", None)


@pytest.mark.django_db(transaction=True)
async def test_the_reset_of_an_EVSE_leads_to_no_boot(station: Any, sent: Calls) -> None:
    charger = await charging(station)
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)
    assert sent.sent == []  # it has lost nothing

    await charger.event("Updated", "T1", trigger="ResetCommand", evse=1)
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)

    assert len(sent.sent) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_boot_that_was_asked_for_is_no_restart(station: Any) -> None:
    charger = await charging(station)
    described = {"vendorName": "V", "model": "M"}

    await charger.call("BootNotification", {"reason": "Triggered", "chargingStation": described})

    assert (await row()).state == "installed"


@pytest.mark.parametrize(("reported", "is_sent"), [("true", False), ("false", True)])
@pytest.mark.django_db(transaction=True)
async def test_a_station_that_keeps_its_profiles_gets_none(
    station: Any, sent: Calls, reported: str, is_sent: bool
) -> None:
    charger = await charging(station)
    await journal.run(
        ReportedKey.objects.create,
        charge_point_id=charger.pk,
        key="SmartChargingCtrlr.ChargingProfilePersistence[TxProfile]",
        value=reported,
        reported_at=NOON,
    )
    await charger.boot()

    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)

    assert bool(sent.sent) is is_sent
    assert (await row()).state == ("unverified" if is_sent else "installed")


@pytest.mark.django_db(transaction=True)
async def test_a_profile_that_was_not_sent_is_sent_after_a_restart_of_the_server(
    station: Any, sent: Calls
) -> None:
    charger = await charging(station)
    await charger.boot()
    sent.fails = True
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)
    now = datetime.now(UTC)
    assert resuming.due(charger.station, now) == []
    assert len(resuming.due(charger.station, now + resuming.RETRY)) == 1

    sent.fails = False
    await charger.reload()
    await charger.wire.connection.between_messages(resuming.send_between_messages)

    assert sent.sent == [{"evseId": 1, "chargingProfile": profile()}]


@pytest.mark.django_db(transaction=True)
async def test_a_profile_without_an_answer_is_sent_three_times(station: Any, sent: Calls) -> None:
    charger = await charging(station)
    await charger.boot()
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)
    for _ in range(5):
        asked_at = held(charger.station).asked_at
        assert asked_at is not None
        held(charger.station).asked_at = asked_at - timedelta(minutes=2)
        await charger.wire.connection.between_messages(resuming.send_between_messages)

    assert len(sent.sent) == 3


@pytest.mark.django_db(transaction=True)
async def test_a_session_that_is_interrupted_again_waits(station: Any, sent: Calls) -> None:
    charger = await charging(station)
    await charger.boot()
    sent.fails = True
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)
    await charger.boot()

    later = datetime.now(UTC) + timedelta(hours=1)
    assert resuming.due(charger.station, later) == []
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)
    assert len(resuming.due(charger.station, later)) == 1
    await charger.event("Ended", "T1", evse=1)
    assert (await row()).state == "ended"


@pytest.mark.django_db(transaction=True)
async def test_a_refused_profile_is_missing(station: Any, sent: Calls) -> None:
    charger = await charging(station)
    await charger.boot()
    await charger.event("Updated", "T1", trigger="TxResumed", evse=1)

    with UnitOfWork(charger.station) as work:
        resuming.refused(charger.station, command_id="c-2")
        assert len(INSTALLED.of(charger.station)) == 1
        resuming.refused(charger.station, command_id="c-1")
        await work.store()

    assert INSTALLED.of(charger.station) == []
    assert (await row()).state == "missing"

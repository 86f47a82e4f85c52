"""1.6 starts that arrive after a session was built from their stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from ocpp_server.protocol.versions import V16
from tests.direct import messages
from tests.direct.accounts import a_token
from tests.direct.messages import END, Reading
from tests.direct.station import DirectStation
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage, RemoteStart, Transaction

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


async def stopped_before_its_start(charger: DirectStation, uid: str = "CARD") -> None:
    """The stop of a session from 20 minutes ago to now, of 800 Wh; its readings know 500 of them."""
    data = [Reading(1300, ago(15)), Reading(1800, ago(1), END)]
    await charger.ask(messages.stop_16(-1, uid, 1800, at=ago(0), data=data))


async def test_a_start_after_its_stop_completes_the_session_that_was_built_from_it(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    token = await run_orm(a_token)
    await charger.status("Preparing")
    await stopped_before_its_start(charger)
    (built,) = await charger.sessions()

    started = await charger.start("CARD", meter_wh=1000, at=ago(20), reservation=7)

    (session,) = await charger.sessions()
    assert (built.energy_wh, built.suspect_reasons) == (500, ["start-missing"])
    assert (started["status"], started["transaction"]) == ("Accepted", session.id)
    assert (session.energy_wh, session.meter_start_wh, session.meter_stop_wh) == (800, 1000, 1800)
    assert (session.evse_number, session.started_at, session.reservation_id) == (1, ago(20), 7)
    assert (session.status, session.token_id, session.was_offline) == ("ended", token.pk, True)
    assert session.suspect_reasons == ["stop-came-first"]
    kept = await run_orm(QuarantinedMessage.objects.get)
    assert kept.resolved_at is not None and ORPHANS.of(charger.station).count == 0


async def test_a_repeated_late_start_gets_the_same_number_also_after_a_reload(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    await stopped_before_its_start(charger)

    first = await charger.start("CARD", meter_wh=1000, at=ago(20))
    again = await charger.start("CARD", meter_wh=1000, at=ago(20))
    await charger.reload()
    after = await charger.start("CARD", meter_wh=1000, at=ago(20))

    assert first["transaction"] == again["transaction"] == after["transaction"]
    assert [row.energy_wh for row in await charger.sessions()] == [800]


@pytest.mark.parametrize(
    ("uid", "meter_wh", "minutes"),
    [("OTHER", 1000, 20), ("CARD", 1301, 20), ("CARD", 1000, 14)],
    ids=["token", "reading", "time"],
)
async def test_a_start_that_does_not_fit_the_built_session_opens_its_own(
    station: Any, run_orm: Any, uid: str, meter_wh: int, minutes: int
) -> None:
    charger = await station(V16)
    for token in ("CARD", "OTHER"):
        await run_orm(a_token, token)
    await stopped_before_its_start(charger)

    await charger.start(uid, meter_wh=meter_wh, at=ago(minutes))

    assert [row.status for row in await charger.sessions()] == ["ended", "active"]


async def test_a_stop_without_a_token_leaves_the_owner_to_its_start(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    await stopped_before_its_start(charger, uid="")

    await charger.start("CARD", meter_wh=1000, at=ago(20))

    (session,) = await charger.sessions()
    assert (session.id_token, session.authorization_status) == ("CARD", "Accepted")


async def test_the_first_of_several_built_sessions_gets_the_start(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    for wh, minutes in ((3000, 5), (1000, 15)):
        data = [Reading(wh, ago(minutes)), Reading(wh + 100, ago(minutes - 4), END)]
        await charger.ask(messages.stop_16(-1, "CARD", wh + 100, at=ago(minutes - 4), data=data))

    await charger.start("CARD", meter_wh=1000, at=ago(16))

    energies = {row.meter_start_wh: row.start_fingerprint is not None for row in await charger.sessions()}
    assert energies == {3000: False, 1000: True}


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_the_start_decides_whether_the_session_was_authorized(
    station: Any, run_orm: Any, is_blocked: bool
) -> None:
    charger = await station(V16)
    token = await run_orm(a_token, status="active" if is_blocked else "blocked")
    await charger.status("Preparing")
    await stopped_before_its_start(charger)

    def change() -> None:
        token.status = "blocked" if is_blocked else "active"
        token.save()

    await run_orm(change)
    await charger.start("CARD", meter_wh=1000, at=ago(20))

    (session,) = await charger.sessions()
    unauthorized = ["charged-unauthorized: Blocked"] if is_blocked else []
    assert session.authorization_status == ("Blocked" if is_blocked else "Accepted")
    assert session.suspect_reasons == ["stop-came-first", *unauthorized]


async def test_a_late_start_is_the_one_that_its_remote_start_waits_for(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    await run_orm(a_token)

    def expect() -> None:
        command = Command.objects.create(
            charge_point_id=charger.pk,
            action="RemoteStartTransaction",
            payload={},
            created_at=NOW,
            deadline_at=NOW,
        )
        RemoteStart.objects.create(
            command=command,
            charge_point_id=charger.pk,
            id_token="CARD",
            outcome=RemoteStart.Outcome.WAITING,
            created_at=NOW,
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
        )

    await run_orm(expect)
    await charger.reload()
    data = [Reading(1300, ago(15)), Reading(1800, ago(1), END)]
    await charger.ask(messages.stop_16(-1, "", 1800, at=ago(0), data=data))

    await charger.start("CARD", meter_wh=1000, at=ago(20))

    expected = await run_orm(RemoteStart.objects.get)
    assert (expected.outcome, expected.transaction_id) == (
        RemoteStart.Outcome.STARTED,
        (await run_orm(Transaction.objects.get)).id,
    )

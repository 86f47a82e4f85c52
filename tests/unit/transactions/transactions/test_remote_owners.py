"""The owner of a session that a remote start began: its token, unless the station sent one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from ocpp_server import live
from ocpp_server.protocol.translate import IdToken, Verdict
from ocpp_server.protocol.versions import V201
from tests.direct.accounts import a_token
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.live_station import a_station, running
from transactions.models import Refusal, RemoteStart
from transactions.services.authorization.decision import Decision
from transactions.services.transactions import owners


def expect(charger: DirectStation, number: int | None, uid: str = "CARD") -> None:
    now = datetime.now(UTC)
    command = Command.objects.create(
        id=f"remote-start-{number}",
        charge_point_id=charger.pk,
        action="RequestStartTransaction",
        payload={},
        created_at=now,
        deadline_at=now,
    )
    RemoteStart.objects.create(
        command=command,
        charge_point_id=charger.pk,
        id_token=uid,
        remote_start_id=number,
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )


@pytest.fixture
async def charger(station: Any, run_orm: Any) -> DirectStation:
    """A station with two remote starts: number 5 of CARD, which may charge, and 6 of BLOCKED."""
    made: DirectStation = await station(V201)
    await run_orm(a_token)
    await run_orm(a_token, "BLOCKED", status="blocked")
    await run_orm(lambda: [expect(made, 5), expect(made, 6, "BLOCKED")])
    await made.reload()
    return made


def outcomes() -> list[tuple[str, int | None]]:
    return list(RemoteStart.objects.order_by("id").values_list("outcome", "transaction_id"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_late", [False, True])
async def test_the_token_of_the_remote_start_owns_a_session_without_one(
    charger: DirectStation, run_orm: Any, is_late: bool
) -> None:
    answers = [await charger.event("Started", "T1", evse=1, remote_start=None if is_late else 5)]
    answers.append(await charger.event("Updated", "T1", remote_start=5))

    row = await charger.only_session()
    assert answers == [{}, {}]  # the station did not ask about a token
    assert (row.id_token, row.authorization_status, row.remote_start_id) == ("CARD", "Accepted", 5)
    assert await run_orm(outcomes) == [("started", row.pk), ("waiting", None)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_late", [False, True])
async def test_the_token_of_the_remote_start_is_refused_for_a_start_at_its_place(
    charger: DirectStation, run_orm: Any, is_late: bool
) -> None:
    await charger.event("Started", "T1", evse=1, remote_start=None if is_late else 6)
    await charger.event("Updated", "T1", remote_start=6)

    refusal = await run_orm(Refusal.objects.get)
    assert (refusal.purpose, refusal.evse_number, refusal.id_token) == ("start", 1, "BLOCKED")
    assert (await charger.only_session()).authorization_status == "Blocked"


@pytest.mark.django_db(transaction=True)
async def test_a_token_that_the_station_sent_stays_the_owner(charger: DirectStation, run_orm: Any) -> None:
    await charger.event("Started", "T1", evse=1, uid="CARD")
    await charger.event("Updated", "T1", remote_start=6)

    row = await charger.only_session()
    assert (row.id_token, row.remote_start_id) == ("CARD", 6)
    assert not await run_orm(Refusal.objects.exists)


@pytest.mark.django_db(transaction=True)
async def test_the_first_remote_start_of_a_session_stays(charger: DirectStation, run_orm: Any) -> None:
    for number in (None, 5, 6, None):
        kind = "Updated" if charger.station.transactions else "Started"
        await charger.event(kind, "T1", evse=1, remote_start=number)

    row = await charger.only_session()
    assert row.remote_start_id == 5
    assert await run_orm(outcomes) == [("started", row.pk), ("waiting", None)]


@pytest.mark.django_db(transaction=True)
async def test_a_remote_start_does_not_wait_for_a_session_that_runs_already(
    charger: DirectStation, run_orm: Any
) -> None:
    await charger.event("Started", "T1", evse=1, uid="CARD", remote_start=5)
    await run_orm(lambda: expect(charger, 7))
    await charger.reload()

    await charger.event("Updated", "T1")

    assert [outcome for outcome, _ in await run_orm(outcomes)] == ["started", "waiting", "waiting"]


# -- a token that comes later --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "decision", "owner"),
    [
        ("", Decision(Verdict.ACCEPTED), "LATER"),
        ("", Decision(Verdict.ACCEPTED, is_master=True), ""),
        ("", None, "LATER"),
        ("CARD", Decision(Verdict.ACCEPTED), "CARD"),
    ],
)
def test_the_first_token_owns_a_session_unless_it_is_a_master_pass(
    known: str, decision: Decision | None, owner: str
) -> None:
    transaction = running(id_token=known)

    owners.set_owner(a_station(), transaction, IdToken("LATER"), decision)

    assert transaction.id_token == owner


@pytest.mark.parametrize("is_active", [True, False])
async def test_a_running_session_counts_for_its_owner_at_once(is_active: bool) -> None:
    live.reset()
    transaction = running(id_token="", token_key="", is_active=is_active)

    owners.set_owner(a_station(), transaction, IdToken("LATER"), Decision(Verdict.ACCEPTED))

    assert await live.state().running("later") == ([transaction] if is_active else [])
    live.reset()

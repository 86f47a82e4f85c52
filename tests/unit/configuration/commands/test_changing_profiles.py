"""The steps of a security profile change, by the caller or by the job, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import CampaignStation, ChargePoint, Command, SecurityProfileChange
from chargepoints.services.campaigns import kinds
from chargepoints.services.provisioning import security_profiles
from chargepoints.services.provisioning.security_profiles import State
from configuration.commands.variables import security_profiles as changing
from configuration.services.network import upgrading
from configuration.services.network.campaigns import SECURITY_PROFILE
from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import QUEUE_FULL
from tests.unit.configuration.commands.answering import Answer, AnsweringStation

pytestmark = pytest.mark.django_db(transaction=True)

Online = Callable[..., Awaitable[AnsweringStation]]
Run = Callable[..., Awaitable[Any]]
ACCEPTED = {"status": "Accepted"}
NOW = datetime.now(UTC)


@pytest.fixture
def answering(run_orm: Run, monkeypatch: pytest.MonkeyPatch) -> Online:
    """Connect a stored station that gives these answers. Its commands have rows."""

    async def connect(version: str, *answers: Answer, **columns: Any) -> AnsweringStation:
        one = AnsweringStation(version, *answers)
        usual = {"identity": "CP-1", "ocpp_version": version, "security_profile": 1, "password_hash": "x"}
        one.row = await run_orm(ChargePoint.objects.create, **(usual | columns))
        await live.state().connect(one.connection)

        async def call(
            charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any
        ) -> Command:
            row = await one.call(charge_point, action, payload, **how)
            row.id, row.charge_point_id, row.finished_at = how["command_id"], one.row.pk, NOW
            row.deadline_at = NOW
            await run_orm(row.save, force_insert=True)
            return row

        monkeypatch.setattr(calls, "call", call)
        return one

    return connect


async def offered(run_orm: Run, one: AnsweringStation, **columns: Any) -> SecurityProfileChange:
    change: SecurityProfileChange = await run_orm(
        security_profiles.offer, one.row.pk, target=2, window=900, command_id="c-1", actor="ann", **columns
    )
    return change


async def aged(run_orm: Run, change: SecurityProfileChange, **columns: Any) -> None:
    def update() -> None:
        rows = SecurityProfileChange.objects.filter(pk=change.pk)
        rows.update(stepped_at=NOW - timedelta(minutes=5), **columns)

    await run_orm(update)


async def state_of(run_orm: Run, change: SecurityProfileChange) -> tuple[str, int | None]:
    await run_orm(change.refresh_from_db)
    station = await run_orm(ChargePoint.objects.get)
    return change.state, station.next_security_profile


async def test_a_change_whose_command_was_never_stored_has_failed(answering: Online, run_orm: Run) -> None:
    one = await answering(V16)
    change = await offered(run_orm, one)
    await changing.go_on(change.pk)
    before = await state_of(run_orm, change), await run_orm(upgrading.due, 9)
    await aged(run_orm, change)
    due = await run_orm(upgrading.due, 9)
    await changing.go_on(change.pk)

    assert before == (("sent", 2), [])
    assert due == [change.pk]
    assert await state_of(run_orm, change) == ("failed", None)
    assert "server stopped" in change.reason
    assert one.commands == []


@pytest.mark.parametrize(("state", "action"), [(State.ORDERING, "SetVariables"), (State.RESTARTING, "Reset")])
async def test_a_later_step_whose_command_was_never_stored_is_sent_again(
    answering: Online, run_orm: Run, state: str, action: str
) -> None:
    one = await answering(V201, ACCEPTED, is_online=True)
    change = await offered(run_orm, one, slot=2)
    await aged(run_orm, change, state=state, command_id="gone")
    due = await run_orm(upgrading.due, 9)
    sent = await changing.go_on(change.pk)

    assert due == [change.pk]
    assert [name for name, _ in one.commands] == [action]
    assert one.how[0]["actor"] == "ann"
    await run_orm(change.refresh_from_db)
    assert (change.state, change.command_id) == (state, sent.id)


async def test_a_full_queue_is_tried_again(answering: Online, run_orm: Run) -> None:
    one = await answering(V201, ACCEPTED)
    change = await offered(run_orm, one, slot=2)
    full = {"action": "Reset", "payload": {}, "state": Command.State.ERROR, "error_code": QUEUE_FULL}
    await run_orm(
        Command.objects.create,
        id="full",
        charge_point=one.row,
        created_at=NOW,
        finished_at=NOW,
        deadline_at=NOW,
        **full,
    )
    await aged(run_orm, change, state=State.RESTARTING, command_id="full")
    await changing.go_on(change.pk)

    assert [name for name, _ in one.commands] == ["Reset"]


async def test_no_step_is_taken_while_the_station_is_away(answering: Online, run_orm: Run) -> None:
    one = await answering(V201)
    change = await offered(run_orm, one, slot=2)
    await aged(run_orm, change, state=State.ORDERING, command_id="gone")
    await live.state().disconnect(one.connection.identity, one.connection.id)
    found = await changing.go_on(change.pk)

    assert (found, one.commands, await run_orm(upgrading.due, 9)) == (None, [], [])
    assert await state_of(run_orm, change) == ("ordering", 2)


@pytest.mark.parametrize(
    ("error", "state"),
    [(QueueFull(), ("failed", None)), (Conflict("x"), ("failed", None)), (StationOffline(), ("sent", 2))],
)
async def test_a_command_that_is_not_sent_leaves_one_profile_and_a_lost_one_both(
    answering: Online, run_orm: Run, error: Any, state: tuple[str, int | None]
) -> None:
    one = await answering(V16, error)
    with pytest.raises(type(error)):
        await changing.UPGRADE_SECURITY_PROFILE.perform(
            one.row, actor="ann", target=2, force=True, reason="known"
        )
    change = await run_orm(SecurityProfileChange.objects.get)

    assert await state_of(run_orm, change) == state


# -- campaigns -----------------------------------------------------------------------------------------------


def test_the_kind_is_the_only_way_of_the_command() -> None:
    fields = {"targetProfile": 2, "window": 600}

    assert kinds.of_command(changing.NAME, fields) == ("security-profile", fields)
    assert kinds.only_kind_of(changing.NAME) == "security-profile"
    assert SECURITY_PROFILE.sentence(fields) == "Change the security profile to 2"
    assert SECURITY_PROFILE.check(fields) == fields


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "targetProfile"),
        ({"targetProfile": 2, "slot": 1}, "slot"),
        ({"targetProfile": 2, "timeout": 1}, "timeout"),
        ({"targetProfile": 2, "force": True, "reason": " "}, "reason"),
    ],
)
def test_the_arguments_of_a_campaign(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        SECURITY_PROFILE.check(fields)

    assert caught.value.errors[0]["field"] == f"arguments.{field}"


async def test_a_row_without_a_change_has_the_result_of_its_command(answering: Online, run_orm: Run) -> None:
    one = await answering(V16)
    rows = [CampaignStation(pk=1, claim="nothing", claimed_at=NOW, charge_point=one.row)]
    found = await run_orm(SECURITY_PROFILE.results, rows)

    assert (found[1].state, found[1].reason) == ("failed", "server-error")


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (State.PROVED, ("done", "")),
        (State.FELL_BACK, ("failed", "no-effect")),
        (State.CANCELLED, ("failed", "refused")),
        (State.FAILED, ("failed", "error")),
    ],
)
async def test_the_result_is_the_end_of_the_change(
    answering: Online, run_orm: Run, state: str, result: tuple[str, str]
) -> None:
    one = await answering(V16)
    change = await offered(run_orm, one)
    rows = [CampaignStation(pk=1, claim="c-1", claimed_at=NOW, charge_point=one.row)]
    before = await run_orm(SECURITY_PROFILE.results, rows)
    await aged(run_orm, change, state=state, ended_at=NOW)
    found = await run_orm(SECURITY_PROFILE.results, rows)

    assert before == {}
    assert (found[1].state, found[1].reason) == result

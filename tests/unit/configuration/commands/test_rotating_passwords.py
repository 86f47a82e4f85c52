"""A new password of a station: what is sent and stored, and what is shown once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning import passwords as stored
from configuration.commands.variables import passwords
from ocpp_server import live
from ocpp_server.domain import Conflict, DomainError, Invalid, QueueFull, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport import calls
from ocpp_server.transport.handshake.authentication import verify
from tests.unit.configuration.commands.answering import Answer, AnsweringStation

pytestmark = pytest.mark.django_db(transaction=True)

Online = Callable[..., Awaitable[AnsweringStation]]
Run = Callable[..., Awaitable[Any]]


def result(word: str) -> dict[str, Any]:
    named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return {"setVariableResult": [{**named, "attributeStatus": word}]}


@pytest.fixture
def answering(run_orm: Run, monkeypatch: pytest.MonkeyPatch) -> Online:
    """Connect a stored station that gives these answers."""

    async def connect(version: str, *answers: Answer, **columns: Any) -> AnsweringStation:
        one = AnsweringStation(version, *answers)
        usual = {"identity": "CP-1", "ocpp_version": version, "registration_status": "Accepted"}
        one.row = await run_orm(ChargePoint.objects.create, **(usual | columns))
        await live.state().connect(one.connection)
        monkeypatch.setattr(calls, "call", one.call)
        return one

    return connect


async def rotate(one: AnsweringStation, *, timeout: float | None = 5.0, **more: Any) -> Any:
    run = passwords.ROTATE_PASSWORD.run
    assert run is not None
    return await run(one.row, actor="ann", timeout=timeout, wait=True, **more)


async def offered(run_orm: Run) -> ChargePoint:
    row: ChargePoint = await run_orm(ChargePoint.objects.get)
    return row


@pytest.mark.parametrize("form", ["", "hex"])
async def test_a_16_station_gets_the_digits_of_a_text(answering: Online, run_orm: Run, form: str) -> None:
    one = await answering(V16, {"status": "Accepted"})

    shown = await rotate(one, form=form)

    (action, payload) = one.commands[0]
    text = shown.data["password"]
    assert (action, payload) == (
        "ChangeConfiguration",
        {"key": "AuthorizationKey", "value": text.encode().hex()},
    )
    assert len(text) == 20
    assert shown.data == {"password": text, "passwordHex": text.encode().hex()}
    assert list(shown.shown_once) == ["password", "passwordHex"]
    assert shown.command.state == Command.State.ACCEPTED
    row = await offered(run_orm)
    assert await verify(row.next_password_hash, text.encode())


async def test_random_bytes_are_shown_as_digits_alone(answering: Online) -> None:
    one = await answering(V16, {"status": "Accepted"})

    shown = await rotate(one, form="bytes")

    value = one.commands[0][1]["value"]
    assert len(value) == 40
    assert shown.data == {"passwordHex": value}
    assert list(shown.shown_once) == ["passwordHex"]


@pytest.mark.parametrize("form", ["", "text"])
async def test_a_2x_station_gets_the_text(answering: Online, form: str) -> None:
    one = await answering(V201, result("Accepted"))

    shown = await rotate(one, form=form)

    named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    data = {**named, "attributeValue": shown.data["password"]}
    assert one.commands == [("SetVariables", {"setVariableData": [data]})]


async def test_a_16_station_gets_a_text_on_request(answering: Online) -> None:
    one = await answering(V16, {"status": "Accepted"})

    shown = await rotate(one, form="text")

    assert one.commands[0][1]["value"] == shown.data["password"]


@pytest.mark.parametrize("form", ["hex", "bytes"])
async def test_a_2x_station_takes_no_digits(answering: Online, form: str) -> None:
    one = await answering(V201)

    with pytest.raises(Invalid, match=r"OCPP 2\.x has passwords as text only\.") as error:
        await rotate(one, form=form)

    assert (error.value.errors[0]["field"], error.value.code) == ("form", Code.NOT_SUPPORTED)


async def test_the_form_is_asked_for_in_16_alone() -> None:
    (form,) = passwords.ROTATE_PASSWORD.fields
    assert form.adapt is not None
    assert form.adapt(form, ChargePoint(ocpp_version=V16)) is form
    assert form.adapt(form, ChargePoint(ocpp_version=V201)) is None


@pytest.mark.parametrize(("timeout", "seconds"), [(5.0, 5.0), (0.0, 0.0), (None, 30.0)])
async def test_the_new_password_is_accepted_before_the_command_is_sent(
    answering: Online, run_orm: Run, settings: Any, timeout: float | None, seconds: float
) -> None:
    settings.OCPP_CALL_TIMEOUT = 30.0
    one = await answering(V16, {"status": "Accepted"})
    before = datetime.now(UTC)

    await rotate(one, timeout=timeout)

    row = await offered(run_orm)
    (how,) = one.how
    assert how == {
        "actor": "ann",
        "timeout": timeout,
        "wait": True,
        "sets_password": True,
        "command_id": row.next_password_command,
    }
    assert row.next_password_command
    assert row.next_password_until is not None
    until = row.next_password_until - timedelta(seconds=seconds) - stored.SLACK
    assert before <= until <= before + timedelta(seconds=4)


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        (V16, {"status": "Rejected"}),
        (V16, {"status": "NotSupported"}),
        (V16, "NotImplemented"),
        (V201, result("Rejected")),
    ],
)
async def test_a_refused_password_is_neither_shown_nor_accepted(
    answering: Online, run_orm: Run, version: str, answer: Answer
) -> None:
    one = await answering(version, answer)

    shown = await rotate(one)

    assert (shown.data, shown.shown_once or {}) == ({}, {})
    assert shown.command.state in (Command.State.REJECTED, Command.State.ERROR)
    assert (await offered(run_orm)).next_password_hash == ""


@pytest.mark.parametrize("answer", [{"status": "RebootRequired"}, Command.State.TIMEOUT])
async def test_a_password_that_the_station_may_have_is_shown_and_accepted(
    answering: Online, run_orm: Run, answer: Answer
) -> None:
    one = await answering(V16, answer)

    assert "password" in (await rotate(one)).data
    assert (await offered(run_orm)).next_password_hash != ""


@pytest.mark.parametrize("error", [Conflict("No."), Invalid("No."), QueueFull()])
async def test_a_command_that_is_not_sent_leaves_the_present_password_alone(
    answering: Online, run_orm: Run, error: DomainError
) -> None:
    one = await answering(V16, error)

    with pytest.raises(type(error)):
        await rotate(one)

    assert (await offered(run_orm)).next_password_hash == ""


async def test_a_command_that_may_be_on_its_way_leaves_both_passwords(
    answering: Online, run_orm: Run
) -> None:
    one = await answering(V16, StationOffline("Gone."))

    with pytest.raises(StationOffline):
        await rotate(one)

    assert (await offered(run_orm)).next_password_hash != ""


async def test_a_station_that_can_take_no_command_is_offered_no_password(
    answering: Online, run_orm: Run
) -> None:
    one = await answering(V16, registration_status="Rejected")

    with pytest.raises(Conflict, match="is rejected"):
        await rotate(one)

    assert (await offered(run_orm)).next_password_hash == ""


async def test_the_error_of_an_unproved_password_leaves_that_one(answering: Online, run_orm: Run) -> None:
    one = await answering(V16, next_password_hash="before", next_password_command="c")

    with pytest.raises(Conflict) as error:
        await rotate(one)

    assert error.value.code == Code.PASSWORD_UNPROVED
    assert (await offered(run_orm)).next_password_hash == "before"
    assert one.commands == []

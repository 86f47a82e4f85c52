"""A command from its caller's side: what is refused, what is stored, and what the caller gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.live.memory import MemoryState
from ocpp_server.protocol import actions
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.transport import calls, command_store, sent_commands, station_store
from ocpp_server.transport.messages import StationCall
from ocpp_server.transport.switchboard import Switchboard
from tests.logged import captured_logs
from tests.unit.transport.clock import Clock
from tests.unit.transport.commands.stored import Store, a_row
from tests.unit.transport.switchboard.doubles import Noted, raising, registered

SOFT = {"type": "Soft"}
KEY = {"key": "AuthorizationKey", "value": "0123456789abcdef"}


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()

    async def run(function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        return function(*arguments, **more)

    monkeypatch.setattr(command_store.port, "app", made)
    monkeypatch.setattr(calls, "journal", SimpleNamespace(run=run))
    return made


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Switchboard]:
    """The process of the caller, which holds the socket too."""
    live.reset()
    made = Switchboard()
    made.channel = "process.here"
    monkeypatch.setattr(calls, "switchboard", made)
    yield made
    live.reset()


@pytest.fixture
async def socket(process: Switchboard, store: Store) -> Noted:
    """The connection of CP-1."""
    await live.state().connect(registered(process))
    near = process.connections["k1"] = Noted()  # type: ignore[assignment]
    return near


async def reset(row: Any = None, **more: Any) -> Any:
    return await calls.call(row or a_row(), "Reset", SOFT, **({"actor": "ann"} | more))


# --- to the station -----------------------------------------------------------------------------------------


async def test_a_command_reaches_the_connection_with_all_that_it_needs(
    clock: Clock, socket: Noted, store: Store
) -> None:
    await reset(timeout=7.0, wait=False)
    await asyncio.sleep(0)

    assert socket.calls == [
        StationCall(
            identity="CP-1",
            id=store.row.id,
            action="Reset",
            payload=SOFT,
            timeout=7.0,
            reply_to="process.here",
            connection_id="k1",
            actor="ann",
        )
    ]


@pytest.mark.parametrize(("timeout", "seconds"), [(7.0, 7), (None, 33)])
async def test_a_command_is_stored_before_it_is_sent_with_its_deadline(  # noqa: PLR0917 - fixtures
    clock: Clock, socket: Noted, store: Store, settings: Any, timeout: float | None, seconds: int
) -> None:
    settings.OCPP_CALL_TIMEOUT = 33.0
    row = a_row()

    command = await reset(row, timeout=timeout, wait=False)

    stored = store.row
    assert (command.id, command.state) == (stored.id, "queued") and len(stored.id) >= 32
    assert (stored.charge_point, stored.action, stored.payload, stored.actor) == (row, "Reset", SOFT, "ann")
    assert abs(datetime.now(UTC) - stored.created_at) < timedelta(minutes=1)
    assert stored.deadline_at - stored.created_at == timedelta(seconds=seconds)


async def test_a_secret_is_sent_and_stored_masked(clock: Clock, socket: Noted, store: Store) -> None:
    await calls.call(a_row(), "ChangeConfiguration", KEY, actor="ann", wait=False, sets_password=True)
    await asyncio.sleep(0)

    assert socket.calls[0].payload == KEY
    assert KEY["value"] not in str(store.row.payload) and "AuthorizationKey" in str(store.row.payload)


async def test_the_request_notes_which_command_it_has_sent(
    clock: Clock, socket: Noted, store: Store, process: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_commands.begin()
    await reset(wait=False)
    assert sent_commands.last() == store.row.id

    sent_commands.begin()
    monkeypatch.setattr(process, "send_command", raising(QueueFull()))
    with pytest.raises(QueueFull):
        await reset(wait=False)

    assert sent_commands.last() == ""


# --- the result ---------------------------------------------------------------------------------------------


async def test_a_caller_gets_the_row_as_it_is_after_the_end(
    clock: Clock, socket: Noted, store: Store, process: Switchboard
) -> None:
    calling = asyncio.create_task(reset())
    await asyncio.sleep(3)
    assert not calling.done()
    store.row.state = "accepted"

    await process.finished(store.row.id, process.channel)

    assert await calling is store.row
    assert (clock.now, store.ended) == (3, [])
    # The end of a command without a caller is not kept.
    assert not process.expect(store.row.id).is_set()


async def test_a_caller_without_a_notice_reads_the_row_two_seconds_after_the_deadline(
    clock: Clock, socket: Noted, store: Store
) -> None:
    assert await reset(timeout=7.0) is store.row

    assert clock.now == 9
    assert store.ended == [("overdue", store.row.id)]


@pytest.mark.parametrize(("code", "is_full"), [("QueueFull", True), ("InternalError", False)])
async def test_a_command_that_the_queue_of_its_station_refused_is_an_error_of_the_caller(  # noqa: PLR0917
    clock: Clock, socket: Noted, store: Store, process: Switchboard, code: str, is_full: bool
) -> None:
    calling = asyncio.create_task(reset())
    await asyncio.sleep(1)
    store.row.error_code = code
    await process.finished(store.row.id, process.channel)

    if is_full:
        with pytest.raises(QueueFull):
            await calling
    else:
        assert await calling is store.row


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (StationOffline("gone"), "disconnected"),
        (live.LiveStateUnavailable("away"), "disconnected"),
        (QueueFull(), "refused"),
    ],
)
async def test_a_command_that_can_not_be_sent_ends_and_its_caller_gets_the_error(  # noqa: PLR0917
    clock: Clock,
    socket: Noted,
    store: Store,
    process: Switchboard,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    end: str,
) -> None:
    monkeypatch.setattr(process, "send_command", raising(error))

    with pytest.raises(type(error)):
        await reset()

    assert store.ended == [(end, store.row.id)]


# --- refused ------------------------------------------------------------------------------------------------


async def refusal(row: Any, action: str, payload: dict[str, Any], error: type[Any]) -> Any:
    """The error of a command, which must be that of its check too. Nothing is stored."""
    with pytest.raises(error) as checked:
        await calls.check(row, action, payload)
    with pytest.raises(error) as called:
        await calls.call(row, action, payload, actor="ann")
    assert str(called.value) == str(checked.value)
    return called.value


async def test_a_station_that_is_offline_gets_no_command(process: Switchboard, store: Store) -> None:
    assert "CP-1 is known but offline" in str(await refusal(a_row(), "Reset", SOFT, StationOffline))

    assert store.rows == {}


async def test_an_action_of_another_version_is_refused_with_those_that_there_are(
    socket: Noted, store: Store
) -> None:
    found = await refusal(a_row(), "GetVariables", {}, Invalid)

    assert (found.code, [error["field"] for error in found.errors]) == (Code.NOT_SUPPORTED, ["action"])
    assert "OCPP 1.6" in str(found) and "ChangeAvailability, ChangeConfiguration, ClearCache" in str(found)
    assert store.rows == {}


async def test_a_rejected_station_gets_no_command(socket: Noted) -> None:
    found = await refusal(a_row("Rejected"), "Reset", SOFT, Conflict)

    assert found.code == Code.STATION_REJECTED


async def test_a_pending_station_can_only_be_configured(socket: Noted) -> None:
    found = await refusal(a_row("Pending"), "ClearCache", {}, Conflict)

    assert found.code == Code.STATION_PENDING
    await calls.check(a_row("Pending"), "GetConfiguration", {})
    await calls.check(a_row(), "ClearCache", {})


async def test_a_payload_that_its_schema_refuses_is_not_sent(socket: Noted) -> None:
    found = await refusal(a_row(), "Reset", {"type": "Gentle"}, Invalid)

    assert "not a valid Reset of OCPP 1.6" in str(found)
    assert [error["field"] for error in found.errors] == ["type"]


async def test_a_command_that_would_lock_the_station_out_is_refused(socket: Noted) -> None:
    found = await refusal(a_row(), "ChangeConfiguration", KEY, Invalid)

    assert found.code == Code.SETS_PASSWORD
    assert "password of CP-1" in str(found) and "/chargepoints/CP-1" in str(found)
    assert [(error["field"], error["reason"]) for error in found.errors] == [
        ("key", "sets the password of the station's connection")
    ]


@pytest.mark.parametrize(("key", "value"), [("SecurityProfile", "1"), (" securityPROFILE", " 0 ")])
async def test_the_security_profile_is_not_lowered(socket: Noted, store: Store, key: str, value: str) -> None:
    found = await refusal(a_row(profile=2), "ChangeConfiguration", {"key": key, "value": value}, Invalid)

    assert "CP-1 has security profile 2" in str(found)
    assert [(error["field"], error["reason"]) for error in found.errors] == [
        ("value", "is lower than 2, the profile of the station")
    ]
    assert store.rows == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SecurityProfile", "2"),  # as it is, for a station that has lost it
        ("SecurityProfile", "3"),
        ("SecurityProfile", "none"),  # the station answers that
        ("SecurityProfileX", "0"),
    ],
)
async def test_other_values_and_keys_are_sent(socket: Noted, key: str, value: str) -> None:
    await calls.check(a_row(profile=2), "ChangeConfiguration", {"key": key, "value": value})
    await calls.check(a_row(profile=2), "Reset", SOFT)


def profile_of(number: int) -> dict[str, Any]:
    """A network profile with this security profile."""
    data = {
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://a", "messageTimeout": 30,
        "securityProfile": number, "ocppInterface": "Wired0",
    }  # fmt: skip
    return {"configurationSlot": 1, "connectionData": data}


def variable_of(number: str, component: str = "networkCONFIGURATION") -> dict[str, Any]:
    place = {"component": {"name": component, "instance": "1"}, "variable": {"name": "securityProfile"}}
    return {"setVariableData": [{**place, "attributeValue": number}]}


@pytest.mark.parametrize(
    ("action", "payload", "field"),
    [
        ("SetNetworkProfile", profile_of(1), "connectionData.securityProfile"),
        ("SetVariables", variable_of("1"), "setVariableData.0.attributeValue"),
        ("SetNetworkProfile", profile_of(2), "connectionData.securityProfile"),
    ],
)
async def test_a_network_profile_does_not_lower_it_either(
    process: Switchboard, store: Store, action: str, payload: dict[str, Any], field: str
) -> None:
    await live.state().connect(replace(registered(process), version=V21))
    found = await refusal(a_row(version=V21, profile=3), action, payload, Invalid)

    assert "CP-1 has security profile 3" in str(found)
    assert [error["field"] for error in found.errors] == [field]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SetNetworkProfile", profile_of(2)),  # while the change to it is open (2.1, from 3 to 2)
        ("SetNetworkProfile", profile_of(3)),
        ("SetVariables", variable_of("2")),
        ("SetVariables", variable_of("1", "AnotherComponent")),
        ("SetVariables", variable_of("")),  # the station answers that
    ],
)
async def test_a_profile_that_is_offered_to_the_handshake_is_sent(
    process: Switchboard, store: Store, action: str, payload: dict[str, Any]
) -> None:
    await live.state().connect(replace(registered(process), version=V21))

    await calls.check(a_row(version=V21, profile=3, following=2), action, payload)


@pytest.mark.parametrize("version", [V16, V201])
def test_the_commands_of_a_station_are_those_of_its_last_version(version: str) -> None:
    assert calls.supported(a_row(version=version)) == actions.to_station(version)
    assert calls.supported(a_row(version="")) == frozenset()


# --- the first boot -----------------------------------------------------------------------------------------


async def test_an_accepted_station_is_asked_to_boot_by_the_server_which_does_not_wait(
    clock: Clock, socket: Noted, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_store.port, "app", SimpleNamespace(load={3: a_row()}.__getitem__))

    await calls.ask_to_boot(3)
    await asyncio.sleep(0)

    (command,) = socket.calls
    assert (command.action, command.payload) == ("TriggerMessage", {"requestedMessage": "BootNotification"})
    assert (command.actor, clock.now) == ("server", 0)


async def test_an_accepted_station_that_has_left_is_not_asked(
    process: Switchboard, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_store.port, "app", SimpleNamespace(load={3: a_row()}.__getitem__))

    with captured_logs() as lines:
        await calls.ask_to_boot(3)

    assert [line["station"] for line in lines] == ["CP-1"] and store.rows == {}
    assert isinstance(live.state(), MemoryState)

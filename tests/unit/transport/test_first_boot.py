"""The messages of an unknown station: everything but a valid BootNotification is a SecurityError."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.handshake import admission, denial, first_boot
from ocpp_server.transport.handshake.admission import Admitted, Handshake, KnownStation, Refusal, Unknown
from ocpp_server.transport.handshake.first_boot import Ended, FirstBoot, UnknownSocket
from ocpp_server.transport.handshake.per_minute import PerMinute

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
BOOTS: dict[str, dict[str, Any]] = {
    V16: {"chargePointVendor": "Vendor", "chargePointModel": "Model"},
    V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
    V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
}
ROW = cast("KnownStation", object())
HANDSHAKE = Handshake(
    path="/ocpp/NEW",
    identity="NEW",
    offered=[],
    address="192.0.2.1",
    authorization=None,
    origin="",
    is_tls=False,
    protocol_header="",
)


class Newcomer:
    """An unknown station, with what it was sent. `refusal` refuses its boot."""

    def __init__(self, version: str, refusal: Refusal | None = None) -> None:
        self.sent: list[list[Any]] = []
        self.closed: list[tuple[int, str]] = []
        self.entered = 0
        self._refusal = refusal
        self._boot = FirstBoot(HANDSHAKE, version, send=self._send, close=self._close, enter=self._enter)

    async def sends(self, *frame: Any) -> KnownStation | None:
        return await self._boot.received(json.dumps(frame))

    async def is_asked(self) -> None:
        await self._boot.ask()

    async def _send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    async def _enter(self, handshake: Handshake) -> KnownStation:
        if self._refusal is not None:
            raise self._refusal
        self.entered += 1
        return ROW


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


class Socket:
    """The ASGI channels of an unknown station's socket."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        unknown = Unknown(version=V16, subprotocol=V16)
        self.station = UnknownSocket(HANDSHAKE, unknown, self._received.get, self.sent.put)

    def receives(self, **message: Any) -> None:
        self._received.put_nowait(message)

    async def until_end(self) -> int:
        """Run the conversation to its end; returns the close code."""
        with pytest.raises(Ended) as ended:
            await self.station.until_boot()
        return ended.value.code


async def test_a_station_that_does_not_boot_is_asked_to_and_closed_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_boot, "ASK_S", 0.01)
    monkeypatch.setattr(first_boot, "BOOT_S", 0.05)
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())

    asked, closed = await socket.sent.get(), await socket.sent.get()
    socket.receives(type="websocket.receive", text='[2,"1","Heartbeat",{}]')
    socket.receives(type="websocket.disconnect", code=1008)

    assert await conversation == 1008
    assert json.loads(asked["text"])[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert "No BootNotification" in closed["reason"]
    assert socket.sent.empty()


async def test_a_shutdown_finds_the_socket_and_closes_it() -> None:
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())
    await asyncio.sleep(0)

    (waiting,) = first_boot.waiting()
    await waiting.finish(1001, "The server is going away.")
    socket.receives(type="websocket.disconnect", code=1001)

    assert await conversation == 1001
    assert (await socket.sent.get())["code"] == 1001
    assert first_boot.waiting() == []


async def test_a_process_keeps_a_bounded_number_of_unknown_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_boot, "MAX_WAITING", 1)
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())
    await asyncio.sleep(0)

    with pytest.raises(Refusal) as refusal:
        Socket()
    socket.receives(type="websocket.disconnect", code=1000)
    await conversation
    Socket()

    assert refusal.value.status == 503


async def test_a_binary_message_closes_the_socket_with_1003() -> None:
    socket = Socket()
    socket.receives(type="websocket.receive", bytes=b"[]")
    socket.receives(type="websocket.disconnect", code=1003)

    assert await socket.until_end() == 1003
    assert (await socket.sent.get())["code"] == 1003


# --- what an operator sees ----------------------------------------------------------------------------------


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Handshake, Refusal]]:
    """The refusals that were stored."""
    found: list[tuple[Handshake, Refusal]] = []

    async def record(handshake: Handshake, refusal: Refusal) -> None:
        found.append((handshake, refusal))

    monkeypatch.setattr(admission, "record", record)
    monkeypatch.setattr(denial, "_recorded", PerMinute())
    return found


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


# --- the socket ---------------------------------------------------------------------------------------------


BOOT = json.dumps([2, "1", "BootNotification", BOOTS[V16]])


class Entered(Socket):
    """The socket of a station that its boot adds."""

    def __init__(self) -> None:
        super().__init__()

        async def enter(handshake: Handshake) -> KnownStation:
            return ROW

        self.station._boot._enter = enter


async def test_the_boot_ends_the_conversation_with_the_admitted_station() -> None:
    socket = Entered()
    socket.receives(type="websocket.receive", text='[2,"0","Heartbeat",{}]')
    socket.receives(type="websocket.receive", text=BOOT)

    assert await socket.station.until_boot() == (Admitted(ROW, V16, V16), BOOT)

    answer = await socket.sent.get()
    assert answer["type"] == "websocket.send" and json.loads(answer["text"])[2] == "SecurityError"
    assert socket.sent.empty() and first_boot.waiting() == []


async def test_a_station_that_left_is_recorded_with_what_it_sent(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    socket = Socket()
    socket.receives(type="websocket.receive", text='[2,"0","Heartbeat",{}]')
    socket.receives(type="websocket.disconnect", code=1001)

    assert await socket.until_end() == 1001

    assert [refusal.reason.endswith("not Heartbeat.") for _, refusal in stored] == [True]


async def test_after_a_close_nothing_more_is_sent_and_no_boot_is_handled(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    socket = Entered()
    await socket.station.finish(1001, "x" * 500)
    await socket.station.finish(1002, "again")
    socket.receives(type="websocket.receive", text=BOOT)
    socket.receives(type="websocket.disconnect", code=1001)

    assert await socket.until_end() == 1001

    assert await socket.sent.get() == {"type": "websocket.close", "code": 1001, "reason": "x" * 120}
    assert socket.sent.empty() and stored == []


async def test_a_station_that_can_not_be_served_is_closed_with_the_code() -> None:
    socket = Socket()

    ended = await socket.station.end(1013, "Later.")

    assert (ended.code, str(ended)) == (1013, "1013")
    assert await socket.sent.get() == {"type": "websocket.close", "code": 1013, "reason": "Later."}
    assert not socket.station.is_awaited


async def test_a_client_that_closes_at_the_same_time_is_no_error() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise OSError

    station = UnknownSocket(HANDSHAKE, Unknown(V16, None), asyncio.Event().wait, send)

    await station.finish(1001, "Away.")


async def test_a_boot_that_can_not_be_stored_closes_with_try_again() -> None:
    socket = Socket()

    async def enter(handshake: Handshake) -> KnownStation:
        raise StorageUnavailable

    socket.station._boot._enter = enter
    socket.receives(type="websocket.receive", text=BOOT)
    socket.receives(type="websocket.disconnect", code=1013)

    assert await socket.until_end() == 1013
    assert (await socket.sent.get())["code"] == 1013


async def test_a_fast_station_is_slowed_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OCPP_STATION_RATE = 1
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr(first_boot.asyncio, "sleep", sleep)
    socket = Socket()
    for number in range(7):
        socket.receives(type="websocket.receive", text=f'[2,"{number}","Heartbeat",{{}}]')
    socket.receives(type="websocket.disconnect", code=1000)

    await socket.until_end()

    assert len(delays) == 2 and 0 < delays[0] < delays[1] <= 2


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"code": 1000}, 1000),
        ({"code": 1001, "reason": ""}, 1001),
        ({"code": 1005}, 1006),
        ({"code": 1005, "reason": ""}, 1005),
        ({"code": None}, 1006),
        ({}, 1006),
    ],
)
def test_the_close_code_of_a_disconnect(message: dict[str, Any], code: int) -> None:
    assert first_boot.close_code(message) == code


def test_the_limits_of_an_unknown_station() -> None:
    """Documented for operators: docs and the reasons of refusals name them."""
    assert (first_boot.MAX_WAITING, first_boot.ASK_S, first_boot.BOOT_S) == (2_000, 10.0, 120.0)

"""The envelopes of `ocpp-queue/1`: every byte of a frame is kept, and other readers find its header."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ocpp_server.transport.queue import envelope

AT = datetime(2026, 5, 4, 12, 0, 1, 234_567, tzinfo=UTC)


def packed(frame: str, **more: Any) -> dict[str, Any]:
    return dict(json.loads(envelope.pack_frame(frame, "A", **more)))


def is_now(text: str) -> bool:
    """Whether this is the current time in UTC, with milliseconds; a minute may be over."""
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return len(text) == 24 and abs(datetime.now(UTC) - at) < timedelta(minutes=1)


# -- frames --------------------------------------------------------------------------------------------


def test_a_frame_is_packed_with_its_header_and_all_that_the_gateway_knows() -> None:
    text = '[2,"m1","Heartbeat",{}]'

    assert packed(
        text,
        session_id="s1",
        ws_server_id="gw",
        protocol="ocpp1.6",
        seq=7,
        at=AT.replace(microsecond=234_000),
    ) == {
        "charge_point_id": "A",
        "message_type": 2,
        "message_id": "m1",
        "action": "Heartbeat",
        "payload": [2, "m1", "Heartbeat", {}],
        "timestamp": "2026-05-04T12:00:01.234Z",
        "ws_server_id": "gw",
        "v": 1,
        "session_id": "s1",
        "protocol": "ocpp1.6",
        "seq": 7,
    }


def test_what_is_not_known_of_a_frame_is_left_out_and_its_time_is_now() -> None:
    found = packed('[3,"m1",{}]')

    assert is_now(found.pop("timestamp"))
    assert found == {
        "charge_point_id": "A",
        "message_type": 3,
        "message_id": "m1",
        "payload": [3, "m1", {}],
        "v": 1,
    }


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"a","MeterValues",{"x":1.10,"y":9007199254740993,"z":1e-7}]',
        '[ 2 , "a" , "DataTransfer" , {"data":"\\u00e9\\/"} ]',
        "[2,",
        '[2,"a","X",{"v":"\\ud800"}]',
        '[2,"ä","X",{}]',
        "",
        "[3]",
    ],
)
def test_a_frame_keeps_every_byte(frame: str) -> None:
    read = envelope.parse(envelope.pack_frame(frame, "A"))

    assert read.frame == frame
    assert not read.is_control


@pytest.mark.parametrize(
    "frame",
    [
        "[2,",
        '[2,"a","X",{"v":"\\ud800"}]',
        '[2,"a","X",{"v":01}]',
        '[2,"a","X",{"v":NaN}]',
        '[2,"a","X",{"v":"\t"}]',
        '[3,"a",{"v":1,}]',
        '[3,"a",{}',
        pytest.param('[2,"a","X",' + "[" * 5000 + "]" * 5000 + "]", id="deep"),
    ],
)
def test_a_frame_that_is_no_json_is_packed_as_text_without_a_header(frame: str) -> None:
    found = packed(frame)

    assert found["raw"] == frame
    assert not {"payload", "message_type", "message_id", "action"} & set(found)


@pytest.mark.parametrize("frame", ['[2,"a","X",{"v":1e999}]', '[3,"a",{"v":1e999}]', '{"v":1e999}', "1e999"])
def test_a_number_beyond_a_double_is_json(frame: str) -> None:
    assert f'"payload":{frame},' in envelope.pack_frame(frame, "A").decode()
    assert envelope.parse(envelope.pack_frame(frame, "A")).frame == frame


def test_a_head_that_is_known_is_not_read_again() -> None:
    head = envelope.Head(True, 2, "m9", "Reset")

    found = packed('[2,"m1","Heartbeat",{}]', head=head)

    assert (found["message_type"], found["message_id"], found["action"]) == (2, "m9", "Reset")
    assert found["payload"] == [2, "m1", "Heartbeat", {}]


# -- controls ------------------------------------------------------------------------------------------


def test_a_control_is_packed_with_all_that_is_known() -> None:
    text = envelope.pack_control(
        "close",
        "A",
        session_id="s1",
        ws_server_id="gw",
        protocol="ocpp1.6",
        reason="why",
        code=1001,
        message_id="r1",
        reply_to="c1",
    )
    found = json.loads(text)

    assert is_now(found.pop("timestamp"))
    assert found == {
        "charge_point_id": "A",
        "message_type": 0,
        "message_id": "r1",
        "ws_server_id": "gw",
        "v": 1,
        "session_id": "s1",
        "protocol": "ocpp1.6",
        "event": "close",
        "reason": "why",
        "code": 1001,
        "reply_to": "c1",
    }
    assert envelope.parse(text).is_control


def test_what_is_not_known_of_a_control_is_left_out() -> None:
    found = json.loads(envelope.pack_control("changed", "A"))

    assert set(found) == {"charge_point_id", "message_type", "timestamp", "v", "event"}


def test_the_names_of_the_controls_are_a_contract_with_gateways() -> None:
    names = (envelope.CONNECT, envelope.DISCONNECT, envelope.OVERFLOW, envelope.CHANGED, envelope.REPLACED)
    found = [envelope.parse(envelope.pack_control(name, "A")).event for name in (*names, envelope.CLOSE)]

    assert found == ["connect", "disconnect", "overflow", "changed", "replaced", "close"]


# -- reading -------------------------------------------------------------------------------------------


def test_an_envelope_needs_no_more_than_an_identity_and_a_frame() -> None:
    read = envelope.parse('{"charge_point_id":"A","payload":[2,"m1","Heartbeat",{}],"of_a_later_release":1}')

    assert (read.charge_point_id, read.frame) == ("A", '[2,"m1","Heartbeat",{}]')
    assert (read.message_type, read.message_id, read.action, read.raw) == (-1, None, None, None)
    assert (read.timestamp, read.ws_server_id, read.session_id, read.protocol) == ("", "", "", "")
    assert (read.version, read.seq, read.event, read.reason) == (0, 0, "", "")
    assert (read.code, read.reply_to, read.at) == (None, "", None)


def test_an_envelope_without_a_frame_is_a_control() -> None:
    read = envelope.parse(b'{"charge_point_id":"A","event":"connect"}')

    assert read.is_control and read.frame == ""


@pytest.mark.parametrize("raw", ["", "[2,"])
def test_a_frame_that_is_empty_is_a_frame(raw: str) -> None:
    assert envelope.parse(json.dumps({"charge_point_id": "A", "raw": raw})).frame == raw


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"charge_point_id":"A"}',
        b'{"charge_point_id":5,"raw":""}',
        b'{"charge_point_id":"A","payload":["\xff"]}',
        '{"charge_point_id":"A","payload":["\ud800"]}',
        pytest.param('{"charge_point_id":"A","payload":' + "[" * 100_000, id="deep payload"),
        pytest.param(b'{"charge_point_id":"A","x":' + b"[" * 100_000, id="deep field"),
    ],
)
def test_any_other_text_is_unreadable(text: str | bytes) -> None:
    with pytest.raises(envelope.Unreadable, match=r"."):
        envelope.parse(text)


def test_an_envelope_without_a_frame_and_without_an_event_says_so() -> None:
    with pytest.raises(envelope.Unreadable, match="neither an event nor a frame"):
        envelope.parse('{"charge_point_id":"A"}')


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-05-04T12:00:01.234567Z", AT),
        ("2026-05-04T14:00:01.234567+02:00", AT),
        ("2026-05-04T12:00:01", None),
        ("noon", None),
        ("", None),
    ],
)
def test_the_time_of_a_frame_is_in_utc_and_unknown_without_a_zone(
    timestamp: str, at: datetime | None
) -> None:
    read = envelope.parse(json.dumps({"charge_point_id": "A", "raw": "", "timestamp": timestamp}))

    assert read.at == at
    assert at is None or (read.at is not None and read.at.tzinfo is UTC)


def test_a_time_in_another_zone_is_packed_as_it_is() -> None:
    at = AT.astimezone(timezone(timedelta(hours=2)))

    assert packed("[2,", at=at)["timestamp"] == "2026-05-04T14:00:01.234+02:00"


# -- headers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "header"),
    [
        ('[2,"m1","Heartbeat",{}]', (2, "m1", "Heartbeat")),
        ('[6,"m1","NotifyPeriodicEventStream",{}]', (6, "m1", "NotifyPeriodicEventStream")),
        ('[3,"m1","no action"]', (3, "m1", None)),
        ('[4,"m1","InternalError","",{}]', (4, "m1", None)),
        ('[5,"m1","InternalError","",{}]', (5, "m1", None)),
        ('[2,7,"Heartbeat",{}]', (2, None, "Heartbeat")),
        ('[2,"m1",7,{}]', (2, "m1", None)),
        ('["2","m1","Heartbeat"]', (-1, "m1", None)),
        ('[true,"m1","Heartbeat"]', (-1, "m1", None)),
        ('[2.0,"m1","Heartbeat"]', (-1, "m1", None)),
        # Only the front is read: the rest may be unreadable.
        ('[2,"m1","my action",{"v":1e999}]', (2, "m1", "my action")),
        ("[]", (-1, None, None)),
        ("[2]", (2, None, None)),
        ('[2,"m1"]', (2, "m1", None)),
        ('[2,"","",{}]', (2, "", "")),
        ('{"a":1}', (-1, None, None)),
        ("2", (-1, None, None)),
        ("", (-1, None, None)),
    ],
)
def test_the_header_of_a_frame_has_the_parts_that_can_be_read(frame: str, header: tuple[Any, ...]) -> None:
    is_json, *found = envelope.read_head(frame)

    assert tuple(found) == header
    assert is_json == (frame != "")


@pytest.mark.parametrize(
    ("frame", "header"),
    [
        ('[2,"m1","Heartbeat",{', (2, "m1", "Heartbeat")),
        ('[6,"m1","NotifyPeriodicEventStream",{', (6, "m1", "NotifyPeriodicEventStream")),
        ('[3,"m1",{"status":', (3, "m1", None)),
        ('[4,"m1","InternalError",', (4, "m1", None)),
        ('[2,7,"Heartbeat",{', (2, None, "Heartbeat")),
        ('[2,"m1",{', (2, "m1", None)),
        ('[2,"m1","\\ud800",{}]', (2, "m1", None)),
        pytest.param('[2,"m1","Heartbeat",' + "[" * 100_000, (2, "m1", "Heartbeat"), id="deep"),
        ("[2,", (-1, None, None)),
    ],
)
def test_a_broken_frame_is_read_as_far_as_it_is(frame: str, header: tuple[Any, ...]) -> None:
    assert envelope.read_head(frame) == (False, *header)

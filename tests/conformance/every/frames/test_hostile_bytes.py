"""F68-F76: broken, hostile and unusual bytes: one answer of the right class, and the next Heartbeat works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed

from ocpp_server.protocol import schemas
from tests.conformance.messages import start, status
from tests.conformance.peer import TIMEOUT_S, V16, V21, V201, VERSIONS, Refused, at, fresh, station
from tests.unit.protocol.samples import example

# -- the invalid frames of the experiment (0.4) --------------------------------------------------------------

NOTHING, ANSWER, ERROR = "nothing", "answer", "error"

# (frame, answer in 1.6, answer in 2.0.1): 2.0.1 answers with the id "-1" where no id can be read.
ODD_FRAMES = {
    "action is an object": ('[2,"x",{"a":1},{}]', ERROR, ERROR),
    "action is an array": ('[2,"x",["Heartbeat"],{}]', ERROR, ERROR),
    "action is a number": ('[2,"x",7,{}]', ERROR, ERROR),
    "action is null": ('[2,"x",null,{}]', ERROR, ERROR),
    "5000 digits": (f'[2,"x","Heartbeat",{{"n":{"9" * 5000}}}]', ERROR, ERROR),
    "400 digits": (f'[2,"x","Heartbeat",{{"n":{"9" * 400}}}]', ERROR, ERROR),
    "100000 levels": ("[" * 100_000 + "]" * 100_000, NOTHING, ERROR),
    "100000 levels in the payload": (f'[2,"x","Heartbeat",{"[" * 100_000}{"]" * 100_000}]', ERROR, ERROR),
    "invalid JSON": ('[2,"x","Heartbeat",{}', ERROR, ERROR),
    "not an array": ('{"a":1}', NOTHING, ERROR),
    "an empty array": ("[]", NOTHING, ERROR),
    "three elements": ('[2,"x","Heartbeat"]', ANSWER, ANSWER),
    "NUL at the end": ('[2,"x","Heartbeat",{}]\0', ANSWER, ANSWER),
    "a line break in a text": ('[2,"x","Heartbeat",{"a":"\n\t"}]', ANSWER, ANSWER),
    "five elements": ('[2,"x","Heartbeat",{},{}]', ERROR, ERROR),
    "unknown type": ('[9,"x","Heartbeat",{}]', NOTHING, ERROR),
    "type 5": ('[5,"x","InternalError","",{}]', NOTHING, ERROR),
    "type 6": ('[6,"x","Heartbeat",{}]', NOTHING, ERROR),
    "unknown action": ('[2,"x","MakeCoffee",{}]', ERROR, ERROR),
    "unhandled action": ('[2,"x","SendLocalList",{}]', ERROR, ERROR),
    "payload is an array": ('[2,"x","Heartbeat",[]]', ERROR, ERROR),
    "payload is a text": ('[2,"x","Heartbeat","{}"]', ERROR, ERROR),
    "payload is null": ('[2,"x","Heartbeat",null]', ANSWER, ANSWER),
    "extra property": ('[2,"x","Heartbeat",{"extra":1}]', ANSWER, ANSWER),
    "id is a number": ('[2,7,"Heartbeat",{}]', ERROR, ERROR),
    "id is null": ('[2,null,"Heartbeat",{}]', NOTHING, ERROR),
    "id of 200 characters": (f'[2,"{"x" * 200}","Heartbeat",{{}}]', ERROR, ERROR),
    "NUL in the id": ('[2,"a\\u0000b","Heartbeat",{}]', ANSWER, ANSWER),
    "lone surrogate": ('[2,"x","Heartbeat",{"a":"\\ud800"}]', ANSWER, ANSWER),
    "duplicate keys": ('[2,"x","Heartbeat",{"a":1,"a":2}]', ANSWER, ANSWER),
    "NaN": ('[2,"x","Heartbeat",{"a":NaN}]', ERROR, ERROR),
    "Infinity": ('[2,"x","Heartbeat",{"a":-Infinity}]', ERROR, ERROR),
    "1e400": ('[2,"x","Heartbeat",{"a":1e400}]', ERROR, ERROR),
    "two documents": ('[2,"x","Heartbeat",{}][2,"y","Heartbeat",{}]', ERROR, ERROR),
    "trailing bytes": ('[2,"x","Heartbeat",{}]xyz', ERROR, ERROR),
    "an empty frame": ("", NOTHING, ERROR),
    "only blanks": ("   \n", NOTHING, ERROR),
    "blanks around": (' \n[2,"x","Heartbeat",{}]\r\n', ANSWER, ANSWER),
    "byte order mark": ('\ufeff[2,"x","Heartbeat",{}]', ERROR, ERROR),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ODD_FRAMES)
async def test_0_4_F70_F74_an_invalid_frame_gets_one_answer_and_the_conversation_continues(
    server, version, name
):
    frame, in_16, in_201 = ODD_FRAMES[name]
    expected = in_16 if version == V16 else in_201
    if version == V21 and name in ("unknown type", "type 5", "type 6"):
        expected = NOTHING

    async with station(server, version) as peer:
        await peer.send_raw(frame)
        if expected != NOTHING:
            answer = await peer.next_frame()
            assert answer[0] == (3 if expected == ANSWER else 4), answer
        await peer.heartbeat()


# -- the transport -------------------------------------------------------------------------------------------


async def test_F68_a_frame_beyond_the_limit_closes_the_socket_and_other_stations_are_served(server):
    async with station(server) as other, station(server) as peer:
        with contextlib.suppress(ConnectionClosed):
            await peer.send_raw('[2,"x","DataTransfer",{"vendorId":"' + "v" * 2_000_000 + '"}]')
        assert await peer.closed() == 1009
        await other.heartbeat()


async def test_F68_many_fragments_count_together(server):
    async with station(server) as peer:
        protocol = peer.socket.protocol
        protocol.send_text(b'[2,"x","DataTransfer",{"vendorId":"', fin=False)
        for _ in range(30):
            protocol.send_continuation(b"v" * 50_000, fin=False)
        peer.socket.transport.write(b"".join(protocol.data_to_send()))

        assert await peer.closed() == 1009


async def test_F69_bytes_that_are_no_utf_8_close_the_socket(server):
    async with station(server) as peer:
        protocol = peer.socket.protocol
        protocol.send_text(b'[2,"x","Heartbeat",{"a":"\xff\xfe"}]')
        peer.socket.transport.write(b"".join(protocol.data_to_send()))

        assert await peer.closed() == 1007


async def test_F09_headers_that_never_end_are_cut_off(server):
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(b"GET /ocpp/SLOW HTTP/1.1\r\nHost: x\r\nUpgrade: ")
        assert await asyncio.wait_for(reader.read(), 60) == b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    assert 8 < time.monotonic() - began < 30  # the limit is ten; a busy server closes later


@pytest.mark.parametrize("length", [9_000, 70_000])
async def test_a_header_that_is_too_long_is_answered_without_a_timeout(server, length):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

    writer.write(
        b"GET /ocpp/LONG HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic " + b"x" * length + b"\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), TIMEOUT_S)

    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


# -- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", None),
        ("1e400", None),
        ("1,5", 1.5),
        ("", None),
        (" 12 ", 12),
        ("0x10", None),
        ("1_000", None),
        ("-0", 0),
        ("9" * 400, None),
        ("9" * 5000, None),
        ("12 kWh", None),
        ("\u0663", None),
    ],
)
async def test_F71_a_value_that_is_no_number_keeps_its_text(server, records, text, value):
    async with station(server) as peer:
        values = [{"timestamp": at(), "sampledValue": [{"value": text}]}]
        assert await peer.call("MeterValues", {"connectorId": 1, "meterValue": values}) == {}
        await peer.heartbeat()

    (row,) = records.meter_values(peer.identity)
    assert (row["raw"], row["value"]) == (text, value)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000, "1e22", str(2**63)])
async def test_F71_a_number_beyond_its_column_is_refused_and_kept_for_the_operator(server, records, number):
    async with station(server) as peer:
        payload = json.dumps(start()).replace("1000", number)
        await peer.send_raw(f'[2,"x","StartTransaction",{payload}]')
        answer = await peer.next_frame()
        await peer.heartbeat()

    assert answer[:2] == [4, "x"]
    assert answer[2] in ("TypeConstraintViolation", "PropertyConstraintViolation", "FormationViolation")
    assert records.transactions(peer.identity) == []
    assert [row["reason"] for row in records.quarantined(peer.identity)] == ["bad-message"]


@pytest.mark.parametrize(
    "number", ["-0", "-0.0", "1000.0", "-5", str(2**31), str(2**53), str(2**63 - 1), "1.5", '"5"']
)
async def test_F71_a_number_that_fits_is_stored(server, records, number):
    async with station(server) as peer:
        payload = json.dumps(start()).replace("1000", number)
        await peer.send_raw(f'[2,"x","StartTransaction",{payload}]')
        assert (await peer.next_frame())[:2] == [3, "x"]
        await peer.heartbeat()

    assert records.transaction(peer.identity)["energy_wh"] == 0


NASTY = [
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202eoff",
    "\u200b\u200d",
    "x" * 10_000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% debug %}",
    '=HYPERLINK("http://x","y")',
    "a\r\nSet-Cookie: b",
    "\x1b[31mred\x1b[0m",
    "' OR 1=1 --",
    "🚗" * 60,
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
async def test_F72_S19_hostile_text_is_cleaned_stored_and_shown_as_text(server, records, version, text):
    async with station(server, version) as peer:
        if version == V16:
            boot = {"chargePointVendor": text, "chargePointModel": text, "firmwareVersion": text}
            state = status(1, "Faulted", info=text, vendorId=text, vendorErrorCode=text)
        else:
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": text, "model": text}}
            state = {"timestamp": at(), "connectorStatus": "Faulted", "evseId": 1, "connectorId": 1}
        assert (await peer.call("BootNotification", boot))["status"] == "Accepted"
        assert await peer.call("StatusNotification", state) == {}
        assert (
            await peer.call("SecurityEventNotification", {"type": "x", "timestamp": at(), "techInfo": text})
            == {}
        )
        assert "status" in await peer.call("DataTransfer", {"vendorId": text, "data": text})
        await peer.heartbeat()
        code, answer = await asyncio.to_thread(server.request, "GET", f"/api/v1/chargepoints/{peer.identity}")
        row = records.charge_point(peer.identity)

    assert code == 200
    assert "\x00" not in row["vendor"]
    if "\x00" not in text and "\ud800" not in text:
        assert row["vendor"] == text[:255]
        assert answer["data"]["vendor"] == text[:255]
    else:
        assert "\ufffd" in row["vendor"]


async def test_F73_of_duplicate_keys_the_last_counts_for_validator_and_handler_alike(server, records):
    async with station(server) as peer:
        await peer.send_raw('[2,"x","Authorize",{"idTag":5,"idTag":"ALICE0001"}]')
        first = await peer.next_frame()
        await peer.send_raw('[2,"y","Authorize",{"idTag":"ALICE0001","idTag":5}]')
        second = await peer.next_frame()

    assert first[2]["idTagInfo"]["status"] == "Accepted"
    assert second[2] == "TypeConstraintViolation"


async def test_F75_ten_thousand_samples_in_one_message(server, records):
    samples = [{"value": str(number)} for number in range(10_000)]
    async with station(server) as peer:
        values = [{"timestamp": at(), "sampledValue": samples}]
        # Stations wait at least this long for an answer.
        assert await peer.call("MeterValues", {"connectorId": 1, "meterValue": values}, timeout=30) == {}

    assert len(records.meter_values(peer.identity)) == 10_000


async def test_F76_an_invalid_message_of_a_strict_station_is_refused(server, operator):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    root = schemas.message_schema(V201, "TransactionEvent", "request")
    async with station(server, V201, identity) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("TransactionEvent", example(root) | {"unheardOf": 1})

    assert refused.value.code == "FormatViolation"


async def test_S11_bytes_that_are_no_http_affect_no_station(server):
    for noise in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\x00" * 1000, b"GET /ocpp/x HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as raw:
            raw.sendall(noise)
    code, _ = await asyncio.to_thread(server.request, "GET", "/health")
    assert code == 200

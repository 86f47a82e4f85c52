"""R01-R06, R31-R34, R36, F04: the handshake and the socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from urllib.parse import unquote

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V21,
    V201,
    Operator,
    Records,
    eventually,
    fresh,
    station,
)

RESETS = {V16: {"type": "Soft"}, V201: {"type": "OnIdle"}, V21: {"type": "OnIdle"}}


async def _send_ignoring_close(peer, text):
    with contextlib.suppress(ConnectionClosed):
        await peer.send_raw(text)


def _resident_mb(server):
    with open(f"/proc/{server.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


class CountingPings(ClientConnection):
    """A client socket that counts the pings it answers."""

    def __init__(self, *arguments, **how):
        super().__init__(*arguments, **how)
        self.pings = asyncio.Queue()

    def process_event(self, event):
        if getattr(event, "opcode", None) is Opcode.PING:
            self.pings.put_nowait(event.data)
        super().process_event(event)


def _offline(records, identity):
    row = records.charge_point(identity)
    return row if not row["is_online"] else None


# -- the handshake -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        ([V21, V201, V16], V21),
        ([V201, V16], V201),
        ([V16, V21], V16),
        (["ocpp0.9", V201], V201),
        (["ocpp1.5", V16, "xmpp"], V16),
    ],
)
async def test_R01_16_088_the_first_offered_version_that_is_supported_is_chosen(
    server, records, offers, chosen
):
    async with station(server, chosen, offers=offers) as peer:
        assert peer.socket.subprotocol == chosen
        assert peer.socket.response.headers.get_all("Sec-WebSocket-Protocol") == [chosen]
        assert "currentTime" in await peer.call("Heartbeat")

    assert records.charge_point(peer.identity)["ocpp_version"] == chosen


async def test_21_01_a_2_0_1_station_works_beside_a_2_1_station(server, records):
    async with station(server, V21, offers=[V21, V201]) as new, station(server, V201) as old:
        await new.heartbeat()
        await old.heartbeat()

        assert records.charge_point(new.identity)["ocpp_version"] == V21
        assert records.charge_point(old.identity)["ocpp_version"] == V201


@pytest.mark.parametrize("offers", [[], ["ocpp1.5"], ["ocpp1.6j", "OCPP1.6"]])
async def test_R02_16_088_no_version_in_common_completes_the_handshake_and_closes(server, records, offers):
    identity = fresh()

    async with station(server, V16, identity, offers=offers, boot=False) as peer:
        assert "Sec-WebSocket-Protocol" not in peer.socket.response.headers
        assert await peer.closed() == 1002

    assert not records.rows("SELECT * FROM chargepoints_chargepoint WHERE identity = ?", identity)
    (refusal,) = records.refusals(identity)
    assert (refusal["code"], refusal["subprotocols"]) == (1002, ", ".join(offers))
    assert "subprotocol" in refusal["reason"]


@pytest.mark.parametrize("header", ["ocpp1.6, ocpp1.6", "ocpp1.6,,ocpp2.0.1", "ocpp 1.6", "ocpp1.6;"])
async def test_R03_a_malformed_subprotocol_header_is_a_bad_request(server, header):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, offers=[], headers={"Sec-WebSocket-Protocol": header}, boot=False):
            pass

    assert refused.value.response.status_code == 400


async def test_R04_an_unknown_identity_is_not_found_if_unknown_stations_are_refused(refusing):
    server = refusing

    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V16, "NOBODY", boot=False):
            pass

    assert refused.value.response.status_code == 404
    status, answer = server.request("GET", "/api/v1/chargepoints/NOBODY")
    assert status == 404, answer


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("RDAM%20{0}", "RDAM {0}"),
        ("RDAM%7C{0}", "RDAM|{0}"),
        ("%C3%84-{0}", "Ä-{0}"),
        ("a%2520{0}", "a%20{0}"),
    ],
)
async def test_R05_the_identity_is_decoded_once(server, records, path, identity):
    unique = fresh()[3:]

    async with station(server, V16, path=f"/ocpp/{path.format(unique)}") as peer:
        await peer.heartbeat()

    assert records.charge_point(identity.format(unique))["is_online"] in (0, 1)


@pytest.mark.parametrize("path", ["a%2Fb", "..", "%2e%2e", "a%00b", "a%3Ab", "%FF", "a%5Cb", "", "A" * 256])
async def test_R05_an_identity_that_could_be_misread_is_refused(server, path):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V16, path=f"/ocpp/{path}", boot=False):
            pass

    assert refused.value.response.status_code in (400, 404)


@pytest.mark.parametrize("identity", ["A" * 49, "%20A", "A%E2%80%8BB"])
async def test_R05_a_new_identity_is_one_that_the_api_accepts_too(
    server, operator, records, version, identity
):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, version, path=f"/ocpp/{identity}", boot=False):
            pass

    assert refused.value.response.status_code == 404
    decoded = unquote(identity)
    assert "a new one must " in records.refusals(decoded)[0]["reason"]
    status, answer = await operator.request("POST", "/api/v1/chargepoints", {"clientId": decoded})
    assert (status, answer["data"]["errors"][0]["field"]) == (400, "clientId")


async def test_R05_a_longer_identity_that_exists_keeps_working_everywhere(server, operator, version):
    identity = fresh("L" * 60)
    await operator.provision(short := fresh())
    _rename(server, short, identity)

    async with station(server, version, identity) as peer:
        await peer.heartbeat()
        resetting = asyncio.create_task(operator.command(identity, "Reset", RESETS[version]))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        assert (await resetting)[0] == 200

    page = f"/api/v1/chargepoints/{identity}"
    assert (await operator.request("PATCH", page, {"name": "Long"}))[1]["data"]["name"] == "Long"


def _rename(server, before, after):
    """Give a station the identity of one that was entered before identities had 48 characters."""
    with contextlib.closing(sqlite3.connect(server.database, timeout=TIMEOUT_S)) as connection, connection:
        connection.execute(
            "UPDATE chargepoints_chargepoint SET identity = ?, identity_key = ? WHERE identity = ?",
            (after, after.casefold(), before),
        )


@pytest.mark.parametrize("path", ["/ocpp/{0}/", "//ocpp//{0}//", "/ocpp/{0}?token=1", "/a/b/c/{0}", "/{0}"])
async def test_R06_every_spelling_of_the_address_is_one_station(server, records, path):
    identity = fresh()
    async with station(server, V16, identity):
        pass

    async with station(server, V16, path=path.format(identity.upper())) as peer:
        await peer.heartbeat()

    found = records.rows("SELECT * FROM chargepoints_chargepoint WHERE identity_key = ?", identity.casefold())
    assert [row["identity"] for row in found] == [identity]


# -- a plain GET ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ocpp/{0}", "/ocpp", "/steve/websocket/CentralSystemService/{0}"])
async def test_a_browser_at_a_stations_address_learns_what_it_is(server, operator, path):
    known, unknown = fresh(), fresh()
    await operator.provision(known)

    asked = [
        await asyncio.to_thread(server.exchange, "GET", path.format(identity), key=None, Accept="text/html")
        for identity in (known, unknown)
    ]

    # The same for both: it does not show which identities exist.
    assert of_every_answer(asked[0]) == of_every_answer(asked[1])
    status, headers, page = asked[0]
    assert (status, headers["upgrade"]) == (426, "websocket")
    assert f"ws://127.0.0.1:{server.port}/ocpp/" in page and "ocpp2.0.1" in page


def of_every_answer(answer):
    """An answer without the headers that differ each time."""
    status, headers, body = answer
    return (
        status,
        {name: value for name, value in headers.items() if name not in ("date", "x-request-id")},
        body,
    )


async def test_a_program_at_a_stations_address_gets_text_and_may_only_read(server):
    status, headers, text = await asyncio.to_thread(server.exchange, "GET", "/ocpp/CP-1", key=None)
    posted, _, _ = await asyncio.to_thread(server.exchange, "POST", "/ocpp/CP-1", {}, key=None)

    assert (status, headers["content-type"]) == (426, "text/plain; charset=utf-8")
    assert "<" not in text and "OCPP-J" in text
    assert posted == 405


# -- the transport -------------------------------------------------------------------------------------------


async def test_R31_compression_is_used_when_the_station_offers_it_and_not_otherwise(server, version):
    async with station(server, version, compression="deflate") as peer:
        assert "permessage-deflate" in peer.socket.response.headers["Sec-WebSocket-Extensions"]
        await peer.heartbeat()
    async with station(server, version) as peer:
        assert "Sec-WebSocket-Extensions" not in peer.socket.response.headers


async def test_R31_F68_a_compressed_bomb_closes_the_socket_and_memory_does_not_grow(server):
    before = _resident_mb(server)
    async with station(server, V201, compression="deflate") as peer:
        await _send_ignoring_close(peer, "0" * 200_000_000)
        assert await peer.closed() == 1009

    assert _resident_mb(server) - before < 60


async def test_R32_F06_a_station_that_stops_answering_pings_is_closed_and_shown_offline(make_server):
    server = make_server(OCPP_PING_INTERVAL="1500ms")
    identity = fresh()

    async with station(server, V16, identity, create_connection=CountingPings) as peer:
        # The station answers two pings, then its network fails: it neither reads nor writes any more.
        for _ in range(2):
            await asyncio.wait_for(peer.socket.pings.get(), TIMEOUT_S)
        peer.socket.transport.pause_reading()
        await eventually(lambda: not Records(server.database).charge_point(identity)["is_online"])
        status, answer = await Operator(server).request("GET", f"/api/v1/chargepoints/{identity}/status")
        peer.abort()  # a close handshake would wait for frames that it does not read

    assert status == 200
    assert answer["data"]["isOnline"] is False
    assert answer["data"]["lastSeen"]


async def test_R32_a_ping_of_the_station_is_answered_with_its_payload(server):
    async with station(server) as peer:
        pong = await peer.socket.ping(b"p" * 125)

        await asyncio.wait_for(pong, TIMEOUT_S)


async def test_R33_fragments_pings_between_them_and_split_characters_are_one_message(server):
    async with station(server) as peer:
        text = json.dumps([2, "frag", "DataTransfer", {"vendorId": "Grüße 🚗"}], ensure_ascii=False).encode()
        cut = text.index("🚗".encode()) + 2  # in the middle of a character
        protocol = peer.socket.protocol
        protocol.send_text(text[:cut], fin=False)
        protocol.send_ping(b"between")
        protocol.send_continuation(text[cut:], fin=True)
        peer.socket.transport.write(b"".join(protocol.data_to_send()))

        assert (await peer.next_frame())[:2] == [3, "frag"]


async def test_R33_a_binary_frame_closes_the_socket(server):
    async with station(server) as peer:
        await peer.send_raw(b'[2,"a","Heartbeat",{}]')

        assert await peer.closed() == 1003


@pytest.mark.parametrize("code", [1000, 1001])
async def test_R34_the_close_code_of_the_station_is_kept(server, records, code):
    async with station(server) as peer:
        await peer.socket.close(code)

        assert peer.socket.close_code == code

    row = await eventually(lambda: _offline(records, peer.identity))
    assert row["close_code"] == code


async def test_R34_a_connection_without_a_close_frame_is_kept_as_1006(server, records):
    async with station(server) as peer:
        peer.abort()

    row = await eventually(lambda: _offline(records, peer.identity))
    assert row["close_code"] == 1006


async def test_R36_many_stations_may_come_from_one_address(server):
    peers = [station(server, V16) for _ in range(30)]
    opened = await asyncio.gather(*(peer.__aenter__() for peer in peers))
    try:
        await asyncio.gather(*(peer.heartbeat() for peer in opened))
    finally:
        await asyncio.gather(*(peer.__aexit__(None, None, None) for peer in peers))


async def test_F04_the_newest_authenticated_connection_wins_and_the_old_one_is_closed(
    server, records, operator
):
    identity = fresh()
    async with station(server, V16, identity) as old:
        waiting = asyncio.create_task(operator.command(identity, "ClearCache"))
        await old.next_call()
        async with station(server, V16, identity, boot=False) as new:
            assert await old.closed() == 1001
            assert (await waiting)[0] == 503
            await new.heartbeat()
            row = records.charge_point(identity)
            assert row["is_online"] == 1

            sent = asyncio.create_task(operator.command(identity, "ClearCache"))
            await new.answer(await new.next_call(), {"status": "Accepted"})
            assert (await sent)[0] == 200

"""Unknown identities (S02, S11, S12, R36): refused without a hash, added by their first boot, and bounded."""

from __future__ import annotations

import asyncio
import collections
import statistics
import time

import psutil
import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V201,
    Operator,
    Records,
    Refused,
    boot_payload,
    eventually,
    fresh,
    station,
)
from tests.transports import connected

PASSWORD = "correct horse battery"
PER_MINUTE = 5


async def status_of(server, identity, **how):
    """The HTTP status of a handshake; 101 for one that is accepted."""
    try:
        async with station(server, V16, identity, boot=False, **how):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def rows(server, identity):
    return Records(server.database).rows(
        "SELECT * FROM chargepoints_chargepoint WHERE identity = ?", identity
    )


@pytest.fixture(params=["accept", "refuse"])
def bounded(make_server, request):
    return make_server(OCPP_UNKNOWN_STATIONS=request.param, OCPP_UNKNOWN_STATIONS_PER_MINUTE=str(PER_MINUTE))


async def test_S12_a_handshake_adds_no_station_and_its_first_boot_does(server, records, version):
    identity = fresh("NEW")
    async with station(server, version, identity, boot=False) as peer:
        clients = (await Operator(server).request("GET", "/clients"))[1]["data"]["clients"]
        command, _ = await Operator(server).command(identity, "Reset", {"type": "Soft"})
        for action in ("Heartbeat", "StatusNotification", "TransactionEvent", "Nonsense"):
            with pytest.raises(Refused) as refusal:
                await peer.call(action, {})
            assert refusal.value.code == "SecurityError"
        with pytest.raises(Refused) as refusal:
            await peer.call("BootNotification", {})
        before = rows(server, identity)

        answer = await peer.boot()
        await peer.heartbeat()

        assert (identity in clients, command, before) == (False, 404, [])
        assert answer["status"] == "Accepted"
        row = records.charge_point(identity)
        assert (row["is_online"], row["vendor"], row["ocpp_version"]) == (1, "Vendor", version)
        assert (await Operator(server).request("GET", "/clients"))[1]["data"]["clients"].count(identity) == 1
    kinds = [
        row["type"]
        for row in records.rows("SELECT type FROM api_events WHERE station = ? ORDER BY id", identity)
    ]
    assert kinds[:2] == ["station.registered", "station.booted"]


async def test_a_station_that_leaves_before_its_boot_leaves_one_refused_connection(server, records):
    identity, silent, invalid = fresh("NEW"), fresh("NEW"), fresh("NEW")
    async with station(server, V16, invalid, boot=False) as peer:
        with pytest.raises(Refused):
            await peer.call("BootNotification", {"chargePointModel": "M"})
    async with station(server, V16, silent, boot=False):
        pass
    for _ in range(2):
        async with station(server, V16, identity, boot=False) as peer:
            with pytest.raises(Refused):
                await peer.call("Heartbeat")

    assert rows(server, identity) == rows(server, silent) == records.refusals(silent) == []
    (refusal,) = await eventually(lambda: [row for row in records.refusals(identity) if row["count"] == 2])
    (of_boot,) = await eventually(lambda: records.refusals(invalid))
    assert (refusal["code"], refusal["can_be_accepted"], refusal["count"]) == (1008, 1, 2)
    assert refusal["reason"] == "An unknown station has to send a BootNotification first, not Heartbeat."
    assert of_boot["reason"].startswith("The first BootNotification was refused: ")
    assert "chargePointVendor" in of_boot["reason"]


async def test_of_two_sockets_with_one_unknown_identity_the_later_boot_wins(server, records):
    identity = fresh("NEW")
    async with (
        station(server, V16, identity, boot=False) as first,
        station(server, V16, identity, boot=False) as second,
    ):
        await asyncio.gather(first.boot(), second.boot(), return_exceptions=True)

        ended, _ = await asyncio.wait(
            [asyncio.ensure_future(peer.closed()) for peer in (first, second)],
            return_when=asyncio.FIRST_COMPLETED,
        )

        # 1001 replaced; 1013 replaced while it was being loaded
        assert {await done for done in ended} <= {1001, 1013}
        assert len(rows(server, identity)) == 1
        assert records.charge_point(identity)["is_online"] == 1


async def test_a_socket_from_before_the_station_had_a_password_does_not_become_the_station(
    server, operator, records
):
    identity = fresh("NEW")
    async with (
        station(server, V16, identity, boot=False) as unproved,
        station(server, V16, identity, boot=False, password=PASSWORD) as proved,
    ):
        await operator.provision(identity, password=PASSWORD)

        await unproved.send([2, "1", "BootNotification", boot_payload(V16)])
        answer = await proved.boot()

        assert await unproved.closed() == 1008
        assert answer["status"] == "Accepted"
        (event,) = await eventually(lambda: records.security_events(identity))
        assert event["type"] == "FailedStationLogin"


async def flood(server, count):
    """Try this many random names, several at once; how often each HTTP status was the answer."""
    statuses = collections.Counter()
    names = iter([fresh("X") for _ in range(count)])

    async def knock():
        for name in names:
            async with connected("127.0.0.1", server.port) as (reader, writer):
                writer.write(
                    f"GET /ocpp/{name} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
                )
                status = await asyncio.wait_for(reader.readline(), TIMEOUT_S)
                statuses[int(status.split()[1])] += 1

    await asyncio.gather(*[knock() for _ in range(10)])
    return statuses


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.nightly)])
async def test_S12_a_flood_of_unknown_identities_is_bounded_and_known_stations_are_not(bounded, count):
    server, records, began = bounded, Records(bounded.database), time.monotonic()
    known = fresh("KNOWN")
    await Operator(server).provision(known, password=PASSWORD)
    mode = server.environment["OCPP_UNKNOWN_STATIONS"]
    within = 101 if mode == "accept" else 404
    async with station(server, V16, known, password=PASSWORD) as peer:
        memory = psutil.Process(server.process.pid).memory_info().rss

        flooding = asyncio.create_task(flood(server, count))
        answered = []
        while not flooding.done():
            at = time.monotonic()
            await peer.heartbeat()
            answered.append(time.monotonic() - at)
            await asyncio.wait([flooding], timeout=0.1)
        statuses = flooding.result()
        elsewhere = await status_of(server, fresh("X"), headers={"X-Forwarded-For": "198.51.100.7"})
        async with station(server, V201, known, password=PASSWORD) as again:
            await again.heartbeat()

        grown = psutil.Process(server.process.pid).memory_info().rss - memory

    minutes = 1 + int((time.monotonic() - began) / 60)
    assert set(statuses) == {within, 429}
    assert statuses[within] <= PER_MINUTE * minutes
    assert elsewhere == within
    assert statistics.median(answered) < 1
    assert grown < 32 << 20
    floods = records.rows("SELECT * FROM chargepoints_refusedconnection WHERE code = 429")
    assert 1 <= len(floods) <= minutes
    assert (
        floods[0]["reason"] == f"More than {PER_MINUTE} unknown identities within a minute from this address."
    )
    assert (
        len(records.rows("SELECT id FROM chargepoints_refusedconnection")) <= (PER_MINUTE + 1) * minutes + 1
    )
    assert len(records.rows("SELECT id FROM chargepoints_chargepoint")) == 1
    assert server.log.read_text().count("station.refused") <= (PER_MINUTE + 1) * minutes + 1

"""Vendors' messages with the receiver of docs/adding-a-data-transfer.md (16-064, TC_P_02)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.peer import V16, Operator, Peer, Records, station
from tests.servers import LiveServer

VENDOR = "com.example.cabinet"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Any:
    live = LiveServer(
        tmp_path_factory.mktemp("example"),
        template=migrated_database,
        OCPP_DATA_TRANSFER_MODULES="docs.examples.cabinet_temperature",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


async def reported(peer: Peer, data: Any, message: str = "Temperature", vendor: str = VENDOR) -> Any:
    """The answer to a report; the data of a 1.6 station is JSON text."""
    sent = {"vendorId": vendor, "messageId": message}
    if data is not None:
        sent["data"] = json.dumps(data) if peer.version == V16 and not isinstance(data, str) else data
    answer = await peer.call("DataTransfer", sent)
    if peer.version == V16 and "data" in answer:
        assert isinstance(answer["data"], str)
        answer["data"] = json.loads(answer["data"])
    return answer


async def test_16_064_a_registered_message_gets_to_its_receiver(
    server: LiveServer, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        hot = await reported(peer, {"celsius": 71.5})
        cold = await reported(peer, '{"celsius": 20}', message="TEMPERATURE")

    assert hot == {"status": "Accepted", "data": {"reportAfterS": 60}}
    assert cold == {"status": "Accepted", "data": {"reportAfterS": 3600}}
    (event,) = records.security_events(peer.identity)
    assert (event["type"], event["tech_info"], event["from_station"]) == ("CabinetTooHot", "71.5 °C", 0)


async def test_16_064_TC_P_02_other_messages_are_unknown(
    server: LiveServer, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        assert await reported(peer, {}, message="Humidity") == {"status": "UnknownMessageId"}
        assert await reported(peer, {}, vendor="com.example") == {"status": "UnknownVendorId"}
        without = await peer.call("DataTransfer", {"vendorId": VENDOR})
        assert without == {"status": "UnknownMessageId"}

    assert records.security_events(peer.identity) == []  # no receiver has run


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("warm", "InvalidValue"),
        ('{"celsius": 7', "InvalidValue"),
        ("[" * 40 + "]" * 40, "InvalidValue"),
        ('{"text": "' + "x" * 70_000 + '"}', "TooLargeElement"),
    ],
    ids=["a word", "half an object", "too deep", "too long"],
)
async def test_data_that_is_no_json_is_rejected_and_counted(
    server: LiveServer, operator: Operator, version: str, data: str, reason: str
) -> None:
    async with station(server, version) as peer:
        answer = await reported(peer, data)
        await peer.heartbeat()

    expected = {"status": "Rejected"}
    if version != V16:
        expected["statusInfo"] = {"reasonCode": reason}  # type: ignore[assignment]
    assert answer == expected


@pytest.mark.parametrize("data", [None, {"celsius": "hot"}, [1], 7])
async def test_content_that_the_receiver_does_not_take_is_rejected(
    server: LiveServer, version: str, data: Any
) -> None:
    async with station(server, version) as peer:
        answer = await reported(peer, data)

    assert answer["status"] == "Rejected"


@pytest.fixture
def records(server: LiveServer) -> Records:
    return Records(server.database)


@pytest.fixture
def operator(server: LiveServer) -> Operator:
    return Operator(server)

"""Stations over MQTT: state, events, discovery, commands, deletion, a broker that restarts, the last will."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import orjson
import pytest

from tests.conformance.peer import Operator, Peer, at, fresh, station
from tests.mqtt.broker import Broker
from tests.self_signed import certify
from tests.servers import LiveServer

pytestmark = pytest.mark.nightly

ROOT = "home-ocpp"
DEVICE = "home-ocpp"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker")).start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, broker: Broker
) -> Iterator[LiveServer]:
    settings = {
        "MQTT_URL": broker.url,
        "MQTT_TOPIC": ROOT,
        "MQTT_DISCOVERY": "homeassistant",
        "MQTT_COMMANDS": "on",
    }
    server = LiveServer(tmp_path_factory.mktemp("mqtt"), template=migrated_database, **settings).start()
    yield server
    server.stop()
    assert "Traceback" not in server.log.read_text("utf-8", "replace")


class Reader:
    """A client of the broker: the last payload of each topic, and every message in its order."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.topics: dict[str, str] = {}
        self.messages: list[tuple[str, bytes]] = []

    async def read(self) -> None:
        async for message in self.client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            self.topics[str(message.topic)] = payload.decode()
            self.messages.append((str(message.topic), payload))

    def of(self, identity: str, name: str) -> str | None:
        return self.topics.get(f"{ROOT}/{identity}/{name}")

    def retained(self, identity: str) -> list[str]:
        """The topics of a station with a value, but not its events, which may come late."""
        return [
            topic
            for topic, text in self.topics.items()
            if text and identity in topic and "/events/" not in topic
        ]

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(40):
            while not is_true():
                await asyncio.sleep(0.05)  # poll: other processes make it true


@asynccontextmanager
async def reading(broker: Broker) -> AsyncIterator[Reader]:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        reader = Reader(client)
        await client.subscribe("#", qos=1)
        task = asyncio.ensure_future(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def report(peer: Peer, status: str) -> None:
    await peer.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status})


async def test_a_session_is_visible_and_is_stopped_by_a_message(server: LiveServer, broker: Broker) -> None:
    identity, token = fresh(), fresh()
    await Operator(server).add_token(token, type="RFID")
    async with reading(broker) as reader, station(server, identity=identity) as peer:
        # Events from before the connection to the broker are not published.
        await reader.until(lambda: reader.topics.get(f"{ROOT}/status") == "online")
        await report(peer, "Charging")
        start = {"connectorId": 1, "idTag": token, "meterStart": 1000, "timestamp": at()}
        number = (await peer.call("StartTransaction", start))["transactionId"]
        shown = {
            "available": "online",
            "vendor": "Vendor",
            "1/transaction_id": str(number),
            "1/iec_status": "C",
            "1/id_tag": f"{token[:4]}••••",
        }
        discovered = f"homeassistant/device/{DEVICE}_{identity}_1/config"
        await reader.until(lambda: {name: reader.of(identity, name) for name in shown} == shown)
        await reader.until(lambda: discovered in reader.topics)
        config = orjson.loads(reader.topics[discovered])
        assert config["cmps"]["status"]["stat_t"] == f"{ROOT}/{identity}/1/status"

        await reader.client.publish(f"{ROOT}/{identity}/1/charge/set", "false", qos=1)
        call = await peer.next_call()
        assert call[2:] == ["RemoteStopTransaction", {"transactionId": number}]
        await peer.answer(call, {"status": "Accepted"})
        stop = {"transactionId": number, "meterStop": 3000, "timestamp": at()}
        await peer.call("StopTransaction", stop)
        await report(peer, "Available")
        ended = f"{ROOT}/{identity}/events/transaction.ended"
        await reader.until(lambda: ended in reader.topics)
        await reader.until(lambda: reader.of(identity, "1/transaction_id") == "none")
        await reader.until(lambda: reader.of(identity, "1/connected") == "false")

        assert orjson.loads(reader.topics[ended])["data"]["energyWh"] == 2000
        types = [topic.rpartition("/")[2] for topic, _ in reader.messages if f"/{identity}/events/" in topic]
        assert types.index("transaction.started") < types.index("transaction.ended")


async def test_a_retained_wish_is_ignored_and_a_deleted_station_leaves_no_topic(
    server: LiveServer, broker: Broker
) -> None:
    identity = fresh()
    async with reading(broker) as reader:
        async with station(server, identity=identity) as peer:
            await report(peer, "Available")
            await reader.until(lambda: reader.of(identity, "1/status") == "Available")
        await reader.until(lambda: reader.of(identity, "available") == "offline")
        status, _ = await Operator(server).request("DELETE", f"/api/v1/chargepoints/{identity}")
        assert status == 200
        # The topics are deleted in any order.
        await reader.until(lambda: not reader.retained(identity))
    async with reading(broker) as later:
        await asyncio.sleep(1)  # the retained topics arrive
        assert later.retained(identity) == []


async def test_the_server_publishes_again_to_a_broker_that_has_forgotten_all(
    server: LiveServer, broker: Broker
) -> None:
    identity = fresh()
    async with station(server, identity=identity) as peer:
        await report(peer, "Available")
        async with reading(broker) as reader:
            await reader.until(lambda: reader.of(identity, "1/status") == "Available")
        await asyncio.to_thread(broker.stop)
        await report(peer, "Faulted")
        await asyncio.to_thread(broker.start)
        # A message that the broker keeps must not become a command.
        async with reading(broker) as reader:
            await reader.client.publish(f"{ROOT}/{identity}/reset/set", "soft", qos=1, retain=True)
            await reader.until(lambda: reader.of(identity, "1/status") == "Faulted")
            await reader.until(lambda: f"{ROOT}/{identity}/events/station.faulted" in reader.topics)
        with pytest.raises(TimeoutError):
            await peer.next_call(2)


async def test_a_limit_is_a_command_and_phases_are_shown(server: LiveServer, broker: Broker) -> None:
    identity, token = fresh(), fresh()
    await Operator(server).add_token(token, type="RFID")
    async with reading(broker) as reader, station(server, identity=identity) as peer:
        await report(peer, "Charging")
        start = {"connectorId": 1, "idTag": token, "meterStart": 0, "timestamp": at()}
        number = (await peer.call("StartTransaction", start))["transactionId"]
        currents = [
            {"value": value, "measurand": "Current.Import", "phase": phase, "unit": "A"}
            for phase, value in (("L1", "15.9"), ("L2", "0.0"), ("L3", "16.1"))
        ]
        sample = {"timestamp": at(), "sampledValue": currents}
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
        shown = {"1/current_l1_a": "15.9", "1/current_l2_a": "0", "1/current_l3_a": "16.1"}
        await reader.until(lambda: {name: reader.of(identity, name) for name in shown} == shown)

        await reader.client.publish(f"{ROOT}/{identity}/1/max_current/set", "10", qos=1)
        call = await peer.next_call()
        profile = call[3]["csChargingProfiles"]
        assert (call[2], call[3]["connectorId"]) == ("SetChargingProfile", 1)
        assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
        assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10.0}]
        await peer.answer(call, {"status": "Accepted"})
        await reader.until(lambda: reader.of(identity, "1/limit_a") == "10")

        stop = {"transactionId": number, "meterStop": 3000, "timestamp": at()}
        await peer.call("StopTransaction", stop)
        await reader.until(lambda: reader.of(identity, "1/current_l1_a") == "0")


async def test_the_certificate_of_a_broker_is_verified(tmp_path: Path, migrated_database: Path) -> None:
    certificate, key = certify(tmp_path, "broker")
    broker = Broker(tmp_path, tls=(certificate, key)).start()
    settings = {"MQTT_URL": f"mqtts://localhost:{broker.tls_port}", "MQTT_TOPIC": "secure"}
    trusting, doubting = tmp_path / "trusting", tmp_path / "doubting"
    try:
        trusting.mkdir()
        doubting.mkdir()
        stranger = LiveServer(doubting, template=migrated_database, **settings).start()
        async with reading(broker) as reader:
            await reader.until(
                lambda: "certificate verify failed" in stranger.log.read_text("utf-8", "replace")
            )
            assert await asyncio.to_thread(stranger.stop) == 0
            assert "secure/status" not in reader.topics
            server = LiveServer(
                trusting, template=migrated_database, SSL_CERT_FILE=str(certificate), **settings
            ).start()
            await reader.until(lambda: reader.topics.get("secure/status") == "online")
            assert await asyncio.to_thread(server.stop) == 0
    finally:
        broker.stop()


async def test_the_last_will_says_that_the_server_is_gone(
    tmp_path: Path, migrated_database: Path, broker: Broker
) -> None:
    settings = {"MQTT_URL": broker.url, "MQTT_TOPIC": "other"}
    server = LiveServer(tmp_path, template=migrated_database, **settings).start()
    async with reading(broker) as reader:
        await reader.until(lambda: reader.topics.get("other/status") == "online")
        await asyncio.to_thread(server.kill)
        await reader.until(lambda: reader.topics.get("other/status") == "offline")
        await asyncio.to_thread(server.start)
        await reader.until(lambda: reader.topics.get("other/status") == "online")
        assert await asyncio.to_thread(server.stop) == 0
        await reader.until(lambda: reader.topics.get("other/status") == "offline")

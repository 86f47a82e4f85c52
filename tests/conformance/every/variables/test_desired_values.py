"""Desired values: applied by ChangeConfiguration (16-021, 16-040) or SetVariables (TC_B_09, TC_B_10)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peer import V16, V201, VERSIONS, Operator, Peer, Records, eventually, fresh, station
from tests.servers import LiveServer

KEYS = {V16: ("MeterValueSampleInterval", "ConnectionTimeOut", "VendorKey")}
VARIABLES = ("SampledDataCtrlr.TxUpdatedInterval", "TxCtrlr.EVConnectionTimeOut", "VendorCtrlr.Key")


def names(version: str) -> tuple[str, str, str]:
    return KEYS.get(version, VARIABLES)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that reads configurations by itself."""
    folder = tmp_path_factory.mktemp("desired")
    live = LiveServer(folder, template=migrated_database, OCPP_CONFIGURATION_READS="10").start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


class Owner:
    """An operator with one station."""

    def __init__(self, server: LiveServer, identity: str) -> None:
        self.operator, self.path = Operator(server), f"/api/v1/chargepoints/{identity}"

    async def want(self, key: str, value: str = "60", **more: Any) -> None:
        body = {"key": key, "value": value, **more}
        status, answer = await self.operator.request("POST", f"{self.path}/desired-values", body)
        assert status == 201, answer

    def apply(self) -> asyncio.Task[tuple[int, Any]]:
        return asyncio.create_task(
            self.operator.request("POST", f"{self.path}/apply-configuration", {"timeout": 30})
        )

    async def states(self) -> dict[str, str]:
        status, answer = await self.operator.request("GET", f"{self.path}/configuration/drift")
        assert status == 200, answer
        return {row["key"]: row["state"] for row in answer["data"]["desired"]}


def changed(call: list[Any]) -> dict[str, str]:
    """The names and values of a ChangeConfiguration or a SetVariables."""
    if call[2] == "ChangeConfiguration":
        return {call[3]["key"]: call[3]["value"]}
    assert call[2] == "SetVariables"
    return {
        f"{one['component']['name']}.{one['variable']['name']}": one["attributeValue"]
        for one in call[3]["setVariableData"]
    }


async def answer_changes(peer: Peer, **words: str) -> dict[str, str]:
    """Answer the next change with a status for each name; the names and values that it had."""
    call = await peer.next_call()
    given = changed(call)
    if call[2] == "ChangeConfiguration":
        (name,) = given
        await peer.answer(call, {"status": words[name]})
        return given
    results = []
    for one in call[3]["setVariableData"]:
        name = f"{one['component']['name']}.{one['variable']['name']}"
        part = {"component": one["component"], "variable": one["variable"]}
        results.append({**part, "attributeStatus": words[name]})
        if words[name] == "Rejected":
            results[-1]["attributeStatusInfo"] = {"reasonCode": "OutOfRange"}
    await peer.answer(call, {"setVariableResult": results})
    return given


@pytest.mark.parametrize("version", VERSIONS)
async def test_16_021_TC_B_10_each_desired_value_gets_the_state_of_its_answer(
    server: LiveServer, records: Records, version: str
) -> None:
    first, second, third = names(version)
    unknown = "NotSupported" if version == V16 else "UnknownVariable"
    async with station(server, version) as peer:
        owner = Owner(server, peer.identity)
        for name in names(version):
            await owner.want(name)
        assert set((await owner.states()).values()) == {"not-reported"}
        sending = owner.apply()
        words = {first: "Accepted", second: "RebootRequired", third: unknown}
        given: dict[str, str] = {}
        while len(given) < len(words):
            given |= await answer_changes(peer, **words)
        status, answer = await sending

    assert given == dict.fromkeys(names(version), "60")
    assert status == 200
    states = {first: "same", second: "pending-reboot", third: "unknown-key"}
    assert {row["key"]: row["state"] for row in answer["data"]["desired"]} == states
    assert await owner.states() == states
    rows = records.of("configuration_reportedkey", peer.identity)
    assert {row["key"]: row["value"] for row in rows} == {first: "60", second: "60"}


@pytest.mark.parametrize("version", [V16, V201])
async def test_16_040_2_a_refused_value_has_its_reason_and_is_not_sent_by_itself(
    server: LiveServer, records: Records, version: str
) -> None:
    name, *_ = names(version)
    async with station(server, version) as peer:
        owner = Owner(server, peer.identity)
        await owner.want(name, "-1")
        sending = owner.apply()
        assert await answer_changes(peer, **{name: "Rejected"}) == {name: "-1"}
        status, answer = await sending
        reason = "" if version == V16 else "OutOfRange"
        assert (status, answer["success"]) == (200, False)
        assert answer["data"]["desired"] == [{"key": name, "state": "refused", "reason": reason}]
    (row,) = records.of("configuration_desiredvalue", peer.identity)
    assert (row["state"], row["value"]) == ("refused", "-1")


async def test_nothing_to_apply_is_409_and_an_offline_station_503(server: LiveServer) -> None:
    async with station(server, V16) as peer:
        owner = Owner(server, peer.identity)
        assert (await owner.apply())[0] == 409
    await eventually(lambda: not server.request("GET", owner.path)[1]["data"]["isOnline"])
    await owner.want("MeterValueSampleInterval")
    assert (await owner.apply())[0] == 503


async def test_a_change_without_an_answer_ends_the_sequence(server: LiveServer) -> None:
    async with station(server, V16) as peer:
        owner = Owner(server, peer.identity)
        await owner.want("A")
        await owner.want("B")
        status, answer = await owner.operator.request(
            "POST", f"{owner.path}/apply-configuration", {"timeout": 1}
        )
        assert status == 408
        assert changed(await peer.next_call()) == {"A": "60"}
        await peer.heartbeat()
        assert not peer.calls
        assert set((await owner.states()).values()) == {"not-reported"}


def keys(**values: str) -> dict[str, Any]:
    return {
        "configurationKey": [{"key": key, "readonly": False, "value": value} for key, value in values.items()]
    }


EVERYTHING = dict.fromkeys(
    (
        "GetConfigurationMaxKeys",
        "HeartbeatInterval",
        "MeterValueSampleInterval",
        "NumberOfConnectors",
        "SupportedFeatureProfiles",
    ),
    "60",
)


async def test_values_that_a_boot_has_reset_are_applied_again_where_that_is_asked_for(
    reader: LiveServer,
) -> None:
    identity, rows = fresh(), Records(reader.database)
    owner = Owner(reader, identity)
    async with station(reader, V16, identity) as peer:
        await peer.answer(await peer.next_call(), keys(**EVERYTHING))
        await eventually(lambda: rows.of("configuration_configurationstate", identity, "1")[0]["read_at"])
        await owner.want("MeterValueSampleInterval", reapplies=True)
        await owner.want("HeartbeatInterval")
        assert set((await owner.states()).values()) == {"same"}

    async with station(reader, V16, identity) as peer:
        call = await peer.next_call()
        assert call[2:] == ["GetConfiguration", {"key": ["HeartbeatInterval", "MeterValueSampleInterval"]}]
        await peer.answer(call, keys(MeterValueSampleInterval="900", HeartbeatInterval="900"))
        assert await answer_changes(peer, MeterValueSampleInterval="Accepted") == {
            "MeterValueSampleInterval": "60"
        }
        await peer.heartbeat()
        assert not peer.calls

    assert await owner.states() == {"HeartbeatInterval": "differs", "MeterValueSampleInterval": "same"}
    path = f"/api/v1/events?station={identity}&types=configuration.drifted"
    # An event is shown when it is numbered, slightly after its commit.
    events = await eventually(lambda: reader.request("GET", path)[1]["data"]["events"])
    drifted = [one for event in events for one in event["data"]["changes"]]
    assert {one["key"]: (one["desired"], one["reported"]) for one in drifted} == {
        "HeartbeatInterval": ("60", "900"),
        "MeterValueSampleInterval": ("60", "900"),
    }


async def test_a_value_that_waits_for_a_reboot_is_the_same_after_it(reader: LiveServer) -> None:
    identity, rows = fresh(), Records(reader.database)
    owner = Owner(reader, identity)
    async with station(reader, V16, identity) as peer:
        await peer.answer(await peer.next_call(), keys(**EVERYTHING))
        await eventually(lambda: rows.of("configuration_configurationstate", identity, "1")[0]["read_at"])
        await owner.want("ConnectionTimeOut")
        assert await owner.states() == {"ConnectionTimeOut": "unknown-key"}  # not among everything
        sending = owner.apply()
        await answer_changes(peer, ConnectionTimeOut="RebootRequired")
        await sending
        assert await owner.states() == {"ConnectionTimeOut": "pending-reboot"}

    async with station(reader, V16, identity) as peer:
        await peer.answer(await peer.next_call(), keys(ConnectionTimeOut="60"))
        await eventually(lambda: rows.of("configuration_desiredvalue", identity)[0]["state"] == "same")

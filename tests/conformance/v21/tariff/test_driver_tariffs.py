"""Tariffs of drivers in the answers to Authorize (2.1 I08)."""

from __future__ import annotations

from typing import Any

import pytest

from docs.examples.driver_tariff import FLEET
from tests.conformance.conftest import ALICE, BOB
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, V201, Operator, Records, station
from tests.conformance.profiles import asked
from tests.servers import LiveServer

SWITCH = {"component": {"name": "TariffCostCtrlr"}, "variable": {"name": "Enabled", "instance": "Tariff"}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Any:
    """A server at which ALICE has a tariff."""
    live = LiveServer(
        tmp_path_factory.mktemp("fleet"),
        template=migrated_database,
        OCPP_DRIVER_TARIFF="docs.examples.driver_tariff.of_token",
    ).start()
    for uid in (ALICE, BOB):
        assert live.request("POST", "/api/v1/tokens", {"uid": uid})[0] == 201
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


async def test_TC_I_109_an_accepted_token_brings_the_tariff_of_its_driver(fleet):
    async with station(fleet, V21) as peer:
        alice = await peer.call("Authorize", {"idToken": token(ALICE)})
        bob = await peer.call("Authorize", {"idToken": token(BOB)})
        stranger = await peer.call("Authorize", {"idToken": token("STRANGER")})
        info = {"tariffId": alice["tariff"]["tariffId"]}
        started = event("Started", new_transaction(), 0, idToken=token(ALICE), info=info)
        await peer.call("TransactionEvent", started)
    async with station(fleet, V201) as other:
        older = await other.call("Authorize", {"idToken": token(ALICE)})

    assert (alice["idTokenInfo"]["status"], alice["tariff"]) == ("Accepted", FLEET)
    row = Records(fleet.database).transaction(peer.identity)
    assert (row["id_token"], row["station_tariff_id"]) == (ALICE, FLEET["tariffId"])
    assert "tariff" not in bob
    assert "tariff" not in stranger
    assert "tariff" not in older


async def test_TC_I_109_a_station_that_has_switched_tariffs_off_gets_none(fleet):
    result = {**SWITCH, "attributeStatus": "Accepted", "attributeValue": "false"}
    async with station(fleet, V21) as peer:
        keys = {"keys": ["TariffCostCtrlr.Enabled[Tariff]"]}
        read = {"getVariableResult": [result]}
        code, answer, call = await asked(Operator(fleet), peer, "get-configuration", keys, read)
        assert (code, call[3]["getVariableData"]) == (200, [SWITCH]), answer
        alice = await peer.call("Authorize", {"idToken": token(ALICE)})
        refused, why, none = await asked(Operator(fleet), peer, "get-tariffs", {})

    assert alice["idTokenInfo"]["status"] == "Accepted"
    assert "tariff" not in alice
    (row,) = Records(fleet.database).of("configuration_reportedkey", peer.identity)
    assert (row["key"], row["value"]) == ("TariffCostCtrlr.Enabled[Tariff]", "false")
    assert (refused, why["data"]["code"], none) == (409, "not-supported", None)

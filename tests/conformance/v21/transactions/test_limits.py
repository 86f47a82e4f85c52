"""Limits of a transaction (2.1 E16, C17); the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, Operator, Peer, Records, fresh, station
from tests.servers import LiveServer

ALL = "MaxCost,MaxEnergy,MaxTime,MaxSoC"


@pytest.fixture(scope="module")
def prepaid(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server with accounts of prepaid tokens, see `tests.conformance.prepaid`."""
    folder = tmp_path_factory.mktemp("prepaid")
    accounts = "tests.conformance.prepaid"
    live = LiveServer(folder, template=migrated_database, OCPP_DATA_TRANSFER_MODULES=accounts).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


async def supports(operator: Operator, peer: Peer, limits: str = ALL) -> None:
    """Let the station report the limits that it supports."""
    variable = {"component": {"name": "TxCtrlr"}, "variable": {"name": "SupportedLimits"}}
    wanted = {"getVariableData": [variable]}
    sent = asyncio.create_task(operator.command(peer.identity, "GetVariables", wanted))
    call = await peer.next_call()
    result = variable | {"attributeStatus": "Accepted", "attributeValue": limits}
    await peer.answer(call, {"getVariableResult": [result]})
    assert (await sent)[0] == 200


def limits_of(records: Records, peer: Peer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(records.transaction(peer.identity)["limits"] or "{}")
    return found


def limit_set(transaction: str, seq_no: int, **limit: float) -> dict[str, Any]:
    return event("Updated", transaction, seq_no, trigger="LimitSet", info={"transactionLimit": limit})


async def started(peer: Peer, transaction: str, uid: str) -> dict[str, Any]:
    return await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token(uid)))


async def test_TC_E_102_an_operator_replaces_the_limit_of_the_station(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    transaction = new_transaction()
    async with station(server, V21) as peer:
        await supports(operator, peer)
        await started(peer, transaction, "ALICE0001")
        own = await peer.call("TransactionEvent", limit_set(transaction, 1, maxEnergy=6000))
        number = records.transaction(peer.identity)["id"]
        path = f"/api/v1/transactions/{number}/limit"
        code, shown = await operator.request("POST", path, {"maxEnergy": 10000})
        answer = await peer.call("TransactionEvent", event("Updated", transaction, 2))
        confirmed = await peer.call("TransactionEvent", limit_set(transaction, 3, maxEnergy=10000))
        over = event(
            "Ended",
            transaction,
            4,
            trigger="EnergyLimitReached",
            info={"stoppedReason": "EnergyLimitReached"},
        )
        assert await peer.call("TransactionEvent", over) == {}
        late, _ = await operator.request("POST", path, {"maxEnergy": 1})

    assert (code, shown["data"]["limits"]["asked"]) == (200, {"maxEnergy": 10000})
    assert own == confirmed == {}
    assert answer == {"transactionLimit": {"maxEnergy": 10000}}
    found = limits_of(records, peer)
    assert (found["sent"], found["set"]) == ({"maxEnergy": 10000}, {"maxEnergy": 10000})
    assert records.transaction(peer.identity)["stop_reason"] == "EnergyLimitReached"
    assert late == 409


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("maxEnergy", 6000, "EnergyLimitReached", id="TC_E_106"),
        pytest.param("maxTime", 120, "TimeLimitReached", id="TC_E_107"),
    ],
)
async def test_TC_E_106_TC_E_107_a_limit_of_the_station_is_stored_and_not_repeated(
    server: LiveServer, records: Records, operator: Operator, *, name: str, value: int, reason: str
) -> None:
    transaction = new_transaction()
    async with station(server, V21) as peer:
        await supports(operator, peer)
        await started(peer, transaction, "ALICE0001")
        answer = await peer.call("TransactionEvent", limit_set(transaction, 1, **{name: value}))
        ended = event("Ended", transaction, 2, trigger=reason, info={"stoppedReason": reason})
        assert await peer.call("TransactionEvent", ended) == {}

    assert answer == {}
    assert limits_of(records, peer) == {"set": {name: value}}
    assert records.transaction(peer.identity)["stop_reason"] == reason


async def test_TC_E_110_the_energy_that_a_budget_leaves_is_sent_once(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    transaction, uid = new_transaction(), fresh("T")[:20]
    await operator.add_token(uid, energy_wh_per_day=10000)
    async with station(server, V21) as peer:
        await supports(operator, peer)
        first = event("Started", transaction, 0, idToken=token(uid))
        answer = await peer.call("TransactionEvent", first)
        again = await peer.call("TransactionEvent", first)
        confirmed = await peer.call("TransactionEvent", limit_set(transaction, 1, maxEnergy=10000))
        later = await peer.call("TransactionEvent", event("Updated", transaction, 2))

    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["transactionLimit"] == again["transactionLimit"] == {"maxEnergy": 10000}
    assert confirmed == later == {}
    found = limits_of(records, peer)
    assert found["wanted"] == found["sent"] == found["set"] == {"maxEnergy": 10000}


@pytest.mark.parametrize(
    ("supported", "more"),
    [("", {}), ("MaxTime,MaxCost", {}), (ALL, {"offline": True})],
    ids=["nothing reported", "another limit", "an event of the past"],
)
async def test_E16_FR_12_FR_18_no_limit_is_sent_that_the_station_cannot_keep(
    server: LiveServer, records: Records, operator: Operator, supported: str, more: dict[str, Any]
) -> None:
    transaction, uid = new_transaction(), fresh("T")[:20]
    await operator.add_token(uid, energy_wh_per_day=10000)
    async with station(server, V21) as peer:
        if supported:
            await supports(operator, peer, supported)
        first = event("Started", transaction, 0, idToken=token(uid), **more)
        answer = await peer.call("TransactionEvent", first)

    assert answer.keys() == {"idTokenInfo"}
    assert limits_of(records, peer) == {"wanted": {"maxEnergy": 10000}}


async def test_E16_FR_08_a_lower_limit_of_the_station_stays(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    transaction, uid = new_transaction(), fresh("T")[:20]
    await operator.add_token(uid, energy_wh_per_day=10000)
    async with station(server, V21) as peer:
        await supports(operator, peer)
        info = {"transactionLimit": {"maxEnergy": 4000}}
        answer = await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(uid), info=info)
        )

    assert "transactionLimit" not in answer
    assert limits_of(records, peer) == {"wanted": {"maxEnergy": 10000}, "set": {"maxEnergy": 4000}}


@pytest.mark.parametrize(
    ("uid", "limit"),
    [
        pytest.param("PREPAID-10", {"maxCost": 10}, id="TC_E_109"),
        pytest.param("TIMED-120", {"maxTime": 120}, id="TC_E_111"),
    ],
)
async def test_TC_E_109_TC_E_111_the_limit_of_an_account_is_sent_once(
    prepaid: LiveServer, uid: str, limit: dict[str, float]
) -> None:
    records, operator, transaction = Records(prepaid.database), Operator(prepaid), new_transaction()
    uid = f"{uid}-{fresh('')[-6:]}"
    await operator.add_token(uid)
    async with station(prepaid, V21) as peer:
        await supports(operator, peer, "MaxCost" if "maxCost" in limit else "MaxTime")
        answer = await started(peer, transaction, uid)
        confirmed = await peer.call("TransactionEvent", limit_set(transaction, 1, **limit))

    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["transactionLimit"] == limit
    assert confirmed == {}
    assert limits_of(records, peer)["set"] == limit


async def test_TC_C_103_a_prepaid_token_is_not_cached_and_limited_to_its_credit(prepaid: LiveServer) -> None:
    records, operator = Records(prepaid.database), Operator(prepaid)
    uid = f"PREPAID-25.5-{fresh('')[-6:]}"
    await operator.add_token(uid)
    async with station(prepaid, V21) as peer:
        await supports(operator, peer)
        authorized = await peer.call("Authorize", {"idToken": token(uid)})
        answer = await started(peer, new_transaction(), uid)

    for found in (authorized["idTokenInfo"], answer["idTokenInfo"]):
        expiry = datetime.fromisoformat(found["cacheExpiryDateTime"])
        assert found["status"] == "Accepted"
        assert abs(datetime.now(UTC) - expiry) < timedelta(minutes=1)
    assert answer["transactionLimit"] == {"maxCost": 25.5}
    assert limits_of(records, peer)["sent"] == {"maxCost": 25.5}


async def test_TC_C_104_a_prepaid_token_without_credit(prepaid: LiveServer) -> None:
    records, operator, uid = Records(prepaid.database), Operator(prepaid), f"PREPAID-0-{fresh('')[-6:]}"
    await operator.add_token(uid)
    async with station(prepaid, V21) as peer:
        found = (await peer.call("Authorize", {"idToken": token(uid)}))["idTokenInfo"]

    expiry = datetime.fromisoformat(found["cacheExpiryDateTime"])
    (refusal,) = records.of("transactions_refusal", peer.identity)
    assert found["status"] == refusal["status"] == "NoCredit"
    assert abs(datetime.now(UTC) - expiry) < timedelta(minutes=1)


async def test_a_limit_of_an_operator_is_refused_where_it_has_no_effect(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(server, V21) as peer:
        await started(peer, new_transaction(), "ALICE0001")
        number = records.transaction(peer.identity)["id"]
        path = f"/api/v1/transactions/{number}/limit"
        code, answer = await operator.request("POST", path, {"maxSoC": 80})
        empty, _ = await operator.request("POST", path, {})

    assert (code, answer["data"]["code"], empty) == (409, "not-supported", 400)
    assert records.transaction(peer.identity)["limits_asked"] is None

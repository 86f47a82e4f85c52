"""Display messages, published firmware and battery swaps between the server and simulated stations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from simulator import Misbehaviour, Station
from tests.conformance.conftest import ALICE
from tests.conformance.peer import TIMEOUT_S, Operator, Records, eventually, fresh
from tests.seeds import chosen_seed
from tests.servers import LiveServer

Make = Callable[..., Coroutine[Any, Any, Station]]
MD5 = "0" * 32


@pytest.fixture
async def make_station(server: LiveServer) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def make(version: str, **misbehaviour: Any) -> Station:
            made = Station(
                fresh("SIM"),
                version,
                server.ocpp,
                speed=500,
                seed=chosen_seed("simulated station"),
                misbehaviour=Misbehaviour(**misbehaviour),
            )
            await made.start(timeout_s=TIMEOUT_S)
            stack.push_async_callback(made.stop, grace_s=1)
            return made

        yield make


async def send(operator: Operator, one: Station, name: str, **body: Any) -> dict[str, Any]:
    code, answer = await operator.request("POST", f"/api/v1/chargepoints/{one.identity}/{name}", body)
    assert code == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_messages_are_compared(
    operator: Operator, records: Records, make_station: Make, version: str
) -> None:
    one = await make_station(version)
    kept = await send(operator, one, "set-display-message", content="Kept")
    lost = await send(operator, one, "set-display-message", content="Lost")
    del one.displays[lost["messageId"]]
    await send(operator, one, "get-display-messages")

    def found() -> dict[int, str]:
        rows = records.of("chargepoints_displaymessage", one.identity)
        return {row["number"]: row["state"] for row in rows}

    await eventually(lambda: found()[lost["messageId"]] == "missing")
    one.misbehaviour.refuses_messages = "NotSupportedPriority"
    refused = await send(operator, one, "set-display-message", content="No")
    assert found() == {
        kept["messageId"]: "confirmed", lost["messageId"]: "missing", refused["messageId"]: "refused"
    }  # fmt: skip


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("outcome", ["", "InvalidChecksum"])
async def test_firmware_is_published(
    operator: Operator, records: Records, make_station: Make, version: str, outcome: str
) -> None:
    one = await make_station(version, publishing=outcome)
    await send(operator, one, "publish-firmware", location="ftp://files.example.com/2.bin", checksum=MD5)

    def state() -> str:
        (row,) = records.of("chargepoints_publishedfirmware", one.identity)
        return str(row["state"])

    if outcome:
        await eventually(lambda: state() == "failed")
        return
    await eventually(lambda: state() == "published")
    data = await send(operator, one, "unpublish-firmware", checksum=MD5)
    assert (data["status"], state()) == ("Unpublished", "unpublished")


@pytest.mark.parametrize(
    ("misbehaviour", "state"),
    [({}, "swapped"), ({"leaves_batteries": True}, "returned"), ({"lacks_batteries": True}, "rejected")],
)
async def test_a_battery_is_swapped(
    operator: Operator, records: Records, make_station: Make, misbehaviour: dict[str, bool], state: str
) -> None:
    one = await make_station("2.1", **misbehaviour)
    await send(operator, one, "request-battery-swap", idTag=ALICE)

    def rows() -> list[dict[str, Any]]:
        return records.of("chargepoints_batteryswap", one.identity)

    await eventually(lambda: rows()[0]["state"] == state)
    assert len(rows()) == 1

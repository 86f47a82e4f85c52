"""Events are part of the unit of work: they are stored with the message's changes, once, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from events.models import Event
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import registry
from ocpp_server.protocol.versions import V16
from tests.unit.live.unit_of_work.messages import START

pytestmark = pytest.mark.django_db(transaction=True)


async def stored() -> list[str]:
    return [kind async for kind in Event.objects.order_by("id").values_list("type", flat=True)]


async def test_a_message_that_is_rolled_back_emits_nothing(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await make_wire(V16)
    handler = registry.handler(V16, "StartTransaction")
    assert handler is not None

    async def invalid_answer(station: Station, request: dict[str, Any]) -> dict[str, Any]:
        await handler(station, request)
        return {"transactionId": "one", "idTagInfo": {"status": "Accepted"}}

    monkeypatch.setitem(registry._on, (V16, "StartTransaction"), invalid_answer)
    refused = await wire.call("StartTransaction", START)
    after_refusal = await stored()
    monkeypatch.undo()
    await wire.call("StartTransaction", START)

    assert refused[0] == 4
    assert "transaction.started" not in after_refusal
    assert (await stored()).count("transaction.started") == 1


async def test_a_message_that_is_handled_twice_emits_once(make_wire: Any, tokens: None) -> None:
    """Another process has stored the same start: the commit is refused, and the message runs once more."""
    wire, twin = await make_wire(V16), await make_wire(V16)
    first = await wire.call("StartTransaction", START)

    again = await twin.call("StartTransaction", START)

    assert again[2] == first[2]
    assert (await stored()).count("transaction.started") == 1

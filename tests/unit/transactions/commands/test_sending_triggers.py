"""The trigger that is sent: its action, its payload, and the messages that a station has not implemented."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.commanding import NotSupported, Result
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.transactions.at_once import at_once
from tests.unit.transactions.commands.conftest import HOW, Wire
from transactions.commands.remote_control.trigger import TRIGGER
from transactions.commands.remote_control.unlock import UNLOCK

pytestmark = pytest.mark.django_db
MISSING = {"TriggerMessage.Heartbeat": "2", "ExtendedTriggerMessage.MeterValues": "2"}


async def triggered(row: ChargePoint, **arguments: Any) -> Result:
    assert TRIGGER.prepare is not None and TRIGGER.run is not None
    given = await TRIGGER.prepare(row, **arguments)
    return await TRIGGER.run(row, **HOW, **given)


@pytest.mark.parametrize(
    ("version", "arguments", "action"),
    [
        (V16, {"message": "Heartbeat"}, "TriggerMessage"),
        (V16, {"message": "Heartbeat", "extended": False}, "TriggerMessage"),
        (V16, {"message": "Heartbeat", "extended": True}, "ExtendedTriggerMessage"),
        (V16, {"message": "LogStatusNotification"}, "ExtendedTriggerMessage"),
        (V16, {"message": "DiagnosticsStatusNotification"}, "TriggerMessage"),
        (V201, {"message": "LogStatusNotification"}, "TriggerMessage"),
        (V21, {"message": "Heartbeat"}, "TriggerMessage"),
    ],
)
@at_once
async def test_the_extended_command_is_sent_where_it_is_needed_or_asked_for(
    charger: Any, wire: Wire, version: str, arguments: dict[str, Any], action: str
) -> None:
    result = await triggered(await charger(version), **arguments)

    assert wire.sent == [(action, {"requestedMessage": arguments["message"]})]
    assert wire.how == [HOW] and result.command.pk == "c-1"


@pytest.mark.parametrize(
    ("version", "place"), [(V16, {"connectorId": 2}), (V201, {"evse": {"id": 2, "connectorId": 1}})]
)
@at_once
async def test_the_place_is_sent_too(charger: Any, wire: Wire, version: str, place: dict[str, Any]) -> None:
    await triggered(await charger(version), message="StatusNotification", evse_number=2)

    assert wire.sent[0][1] == {"requestedMessage": "StatusNotification", **place}


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ({"message": "Heartbeat"}, "TriggerMessage for Heartbeat"),
        ({"message": "Heartbeat", "extended": True}, ""),
        ({"message": "MeterValues"}, ""),
        ({"message": "MeterValues", "extended": True}, "ExtendedTriggerMessage for MeterValues"),
        ({"message": "Heartbeat", "force": True}, ""),
        ({"message": "MeterValues", "extended": True, "force": True}, ""),
    ],
)
@at_once
async def test_a_message_that_is_not_implemented_is_sent_only_by_force(
    charger: Any, wire: Wire, arguments: dict[str, Any], refused: str
) -> None:
    row = await charger()
    row.missing_triggers, row.firmware_version = MISSING, "2"

    if not refused:
        await triggered(row, **arguments)
        assert len(wire.sent) == 1
        return
    with pytest.raises(NotSupported) as error:
        await triggered(row, **arguments)
    assert str(error.value) == f"The station has answered {refused}: NotImplemented."
    assert wire.sent == []


@at_once
async def test_a_payload_that_the_schema_refuses_comes_before_what_is_not_implemented(
    charger: Any, wire: Wire
) -> None:
    row = await charger()
    row.missing_triggers, row.firmware_version = MISSING, "2"

    with pytest.raises(Invalid, match="not a valid TriggerMessage"):
        await triggered(row, message="Heartbeat", evse_number="two")

    assert wire.sent == []


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (V16, {"connectorId": 2}),
        (V201, {"evseId": 2, "connectorId": 1}),
        (V21, {"evseId": 2, "connectorId": 1}),
    ],
)
def test_a_2_x_station_unlocks_the_first_connector_of_the_evse(version: str, payload: dict[str, int]) -> None:
    assert UNLOCK.payload(version, {"evse_number": 2}) == payload

"""Commands about monitors: their payloads, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.commands.monitoring import (
    ADJUST_EVENT_STREAM,
    CLEAR_VARIABLE_MONITORING,
    GET_MONITORING_REPORT,
    SET_MONITORING_BASE,
    SET_VARIABLE_MONITORING,
)
from ocpp_server.domain import Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21, V201
from tests.unit.configuration.commands.conftest import Connect

ONE = {"variable": "Connector[left](1.2).Power", "type": "Delta", "value": 1.5, "severity": 0}
RESULT = {
    "component": {"name": "Connector"},
    "variable": {"name": "Power"},
    "type": "Delta",
    "severity": 0,
    "status": "Accepted",
    "id": 1,
}


async def sent(online: Connect, version: str, command: Any, answer: Any, **arguments: Any) -> Any:
    """The payload of the CALL that a command leads to; it fits its schema."""
    garage = await online(version, answer)
    await command.perform(garage.row, actor="ann", **arguments)
    ((action, payload),) = garage.commands
    schemas.outgoing(version, action, "request", payload)
    return payload


async def refusal(online: Connect, command: Any, version: str = V21, **arguments: Any) -> tuple[str, str]:
    """The wrong field and the sentence. Nothing is sent."""
    garage = await online(version)
    with pytest.raises(Invalid) as refused:
        await command.perform(garage.row, actor="ann", **arguments)
    assert garage.commands == []
    return str(refused.value.errors[0]["field"]), refused.value.sentence


async def test_a_monitor_is_spelled_with_its_component_and_stream(online: Connect) -> None:
    whole = {**ONE, "id": 7, "transaction": True, "interval": 10, "values": 30}

    payload = await sent(
        online, V21, SET_VARIABLE_MONITORING, {"setMonitoringResult": [RESULT]}, monitors=[whole]
    )

    assert payload["setMonitoringData"] == [
        {
            "component": {
                "name": "Connector",
                "instance": "left",
                "evse": {"id": 1, "connectorId": 2},
            },
            "variable": {"name": "Power"},
            "type": "Delta",
            "value": 1.5,
            "severity": 0,
            "id": 7,
            "transaction": True,
            "periodicEventStream": {"interval": 10, "values": 30},
        }
    ]


@pytest.mark.parametrize(
    ("monitors", "field", "words"),
    [
        ({}, "monitors", "list of 1 to 500"),
        ([], "monitors", "list of 1 to 500"),
        ([ONE] * 501, "monitors", "list of 1 to 500"),
        (["EVSE.Power"], "monitors[0]", "object"),
        ([ONE, {**ONE, "often": 1}], "monitors[1]", "'often'"),
        ([{"type": "Delta", "value": 1}], "monitors[0]", "variable, severity"),
        ([{**ONE, "variable": 5}], "monitors[0].variable", "Component.Variable"),
        ([{**ONE, "variable": "Power"}], "monitors[0].variable", "Component.Variable"),
        ([{**ONE, "type": "Sometimes"}], "monitors[0].type", "UpperThreshold"),
        ([{**ONE, "type": ["Delta"]}], "monitors[0].type", "UpperThreshold"),
        ([{**ONE, "value": "1"}], "monitors[0].value", "number"),
        ([{**ONE, "value": True}], "monitors[0].value", "number"),
        ([{**ONE, "value": float("nan")}], "monitors[0].value", "number"),
        ([{**ONE, "value": -1}], "monitors[0].value", "negative"),
        ([{**ONE, "severity": 10}], "monitors[0].severity", "0 to 9"),
        ([{**ONE, "severity": True}], "monitors[0].severity", "0 to 9"),
        ([{**ONE, "id": -1}], "monitors[0].id", "0 to 2147483647"),
        ([{**ONE, "transaction": "yes"}], "monitors[0].transaction", "true or false"),
        ([{**ONE, "interval": 1.5}], "monitors[0].interval", "whole number"),
    ],
)
async def test_a_wrong_monitor_is_refused_by_its_field(
    online: Connect, monitors: Any, field: str, words: str
) -> None:
    found, sentence = await refusal(online, SET_VARIABLE_MONITORING, monitors=monitors)

    assert found == field
    assert words in sentence


@pytest.mark.parametrize("more", [{"type": "TargetDelta"}, {"interval": 10}])
async def test_what_2_1_added_is_not_sent_to_a_2_0_1_station(online: Connect, more: dict[str, Any]) -> None:
    found = await refusal(online, SET_VARIABLE_MONITORING, V201, monitors=[ONE, ONE | more])

    assert found == ("monitors[1]", "Needs OCPP 2.1.")


async def test_ids_are_sent_once(online: Connect) -> None:
    answer = {"clearMonitoringResult": [{"id": 2, "status": "Accepted"}]}

    payload = await sent(online, V201, CLEAR_VARIABLE_MONITORING, answer, monitor_ids=[2, 1, 2])

    assert payload == {"id": [2, 1]}


@pytest.mark.parametrize("ids", [5, [], ["1"], [True], [-1], list(range(1001))])
async def test_wrong_ids_are_refused(online: Connect, ids: Any) -> None:
    field, _sentence = await refusal(online, CLEAR_VARIABLE_MONITORING, monitor_ids=ids)

    assert field.startswith("monitorIds")


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("EVSE", {"component": {"name": "EVSE"}}),
        (
            "EVSE[a](1.2)",
            {"component": {"name": "EVSE", "instance": "a", "evse": {"id": 1, "connectorId": 2}}},
        ),
        ("EVSE(1).Power", {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}),
    ],
)
async def test_a_report_is_about_components_or_variables(
    online: Connect, name: str, spelled: dict[str, Any]
) -> None:
    answer = {"status": "Accepted"}

    payload = await sent(
        online,
        V201,
        GET_MONITORING_REPORT,
        answer,
        variables=[name],
        criteria=["DeltaMonitoring", "DeltaMonitoring"],
    )

    number = payload.pop("requestId")
    assert 0 < number < 2**31
    assert payload == {"componentVariable": [spelled], "monitoringCriteria": ["DeltaMonitoring"]}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"criteria": ["Delta"]}, "monitoringCriteria"),
        ({"variables": ["a.b.c"]}, "variables"),
        ({"variables": ["EVSE("]}, "variables"),
    ],
)
async def test_a_wrong_report_is_refused(online: Connect, arguments: dict[str, Any], field: str) -> None:
    found, _sentence = await refusal(online, GET_MONITORING_REPORT, **arguments)

    assert found == field


async def test_a_stream_is_adjusted_by_what_is_given(online: Connect) -> None:
    payload = await sent(online, V21, ADJUST_EVENT_STREAM, {"status": "Accepted"}, stream_id=2, values=45)

    assert payload == {"id": 2, "params": {"values": 45}}
    assert (await refusal(online, ADJUST_EVENT_STREAM, stream_id=2))[0] == "interval"


@pytest.mark.parametrize(("base", "is_dangerous"), [("All", False), ("FactoryDefault", True)])
def test_a_base_that_deletes_monitors_is_confirmed(base: str, is_dangerous: bool) -> None:
    assert bool(SET_MONITORING_BASE.confirmation(None, {"base": base})) is is_dangerous  # type: ignore[arg-type]

"""Messages about keys and variables: what is stored as reported, and a station that asks for its own keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import Command, FollowUp, ReportAssembly
from configuration.handlers import monitoring, variables
from configuration.models import ReportedKey
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.station import DirectStation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("units_at_once")]

Make = Callable[..., Awaitable[DirectStation]]
Run = Callable[..., Awaitable[Any]]


async def reported(run_orm: Run) -> dict[str, tuple[str | None, bool]]:
    rows = await run_orm(lambda: list(ReportedKey.objects.values_list("key", "value", "readonly")))
    return {key: (value, readonly) for key, value, readonly in rows}


async def reports(run_orm: Run) -> list[Any]:
    return list(await run_orm(lambda: list(ReportAssembly.objects.values_list("action", "request_id"))))


async def test_16_answers_are_stored_as_reported(station: Make, run_orm: Run) -> None:
    garage = (await station(V16)).station
    keys = [
        {"key": "A", "readonly": True, "value": "1"},
        {"key": "B", "readonly": False},
    ]

    await variables.configuration_reported(garage, {}, {"configurationKey": keys, "unknownKey": ["X"]}, "c")
    await variables.configuration_reported(garage, {}, {}, "c")
    for status in ("Accepted", "RebootRequired", "Rejected", "NotSupported"):
        change = {"key": status, "value": "5"}
        await variables.configuration_changed(garage, change, {"status": status}, "c")

    assert await reported(run_orm) == {
        "A": ("1", True),
        "B": (None, False),
        "Accepted": ("5", False),
        "RebootRequired": ("5", False),
    }


def variable(name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": "C"}, "variable": {"name": name}} | more


async def test_read_variables_are_stored_if_they_were_accepted_and_actual(
    station: Make, run_orm: Run
) -> None:
    garage = (await station(V201)).station
    results = [
        variable("A", attributeStatus="Accepted", attributeValue="1"),
        variable("B", attributeStatus="Accepted", attributeType="Actual", attributeValue="2"),
        variable("C", attributeStatus="Accepted"),
        variable("D", attributeStatus="Accepted", attributeType="Target", attributeValue="4"),
        variable("E", attributeStatus="Rejected", attributeValue="5"),
    ]

    await variables.variables_reported(garage, {}, {"getVariableResult": results}, "c")

    assert await reported(run_orm) == {"C.A": ("1", False), "C.B": ("2", False), "C.C": (None, False)}


async def test_set_variables_are_stored_if_they_were_accepted_and_actual(station: Make, run_orm: Run) -> None:
    garage = (await station(V201)).station
    words = ("Accepted", "RebootRequired", "Rejected", "UnknownVariable")
    data = [variable(word, attributeValue="1") for word in words]
    data.append(variable("Target", attributeType="Target", attributeValue="2"))
    data.append(variable("Actual", attributeType="Actual", attributeValue="3"))
    results = [variable(word, attributeStatus=word) for word in words]
    results += [variable(name, attributeStatus="Accepted") for name in ("Target", "Actual", "Unasked")]

    await variables.variables_set(garage, {"setVariableData": data}, {"setVariableResult": results}, "c")

    assert await reported(run_orm) == {
        "C.Accepted": ("1", False),
        "C.RebootRequired": ("1", False),
        "C.Actual": ("3", False),
    }


async def test_a_part_of_a_report_is_stored_with_its_variables(station: Make, run_orm: Run) -> None:
    garage = await station(V201)
    part = {
        "requestId": 4,
        "generatedAt": "2026-05-04T11:00:00Z",
        "seqNo": 0,
        "tbc": True,
        "reportData": [variable("A", variableAttribute=[{"value": "1", "mutability": "ReadOnly"}])],
    }

    assert await garage.ask(("NotifyReport", part)) == {}
    assert await garage.ask(("NotifyReport", {**part, "seqNo": 1, "tbc": False, "reportData": []})) == {}

    assert await reported(run_orm) == {"C.A": ("1", True)}
    rows = await run_orm(
        lambda: list(FollowUp.objects.order_by("seq_no").values_list("request_id", "is_last"))
    )
    assert rows == [(4, False), (4, True)]


async def test_a_station_may_ask_for_its_own_keys(station: Make) -> None:
    garage = await station(V16)
    for number in (1, 2):
        await garage.status("Available", number)

    everything = (await garage.ask(("GetConfiguration", {})))["configurationKey"]
    some = await garage.ask(
        ("GetConfiguration", {"key": ["numberofconnectors", "AuthorizationKey", "n" * 50, "Model"]})
    )
    none = await garage.ask(("GetConfiguration", {"key": ["Nothing"]}))

    assert len(everything) > 40
    assert some == {
        "configurationKey": [
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "AuthorizationKey", "readonly": False},
            {"key": "Model", "readonly": True, "value": "v1.0"},
        ],
        "unknownKey": ["n" * 50],
    }
    assert none == {"unknownKey": ["Nothing"]}


async def test_long_values_and_names_are_cut_to_their_types(
    station: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def own(one: Any) -> dict[str, str]:
        return {"CpoName": "x" * 501}

    monkeypatch.setattr(variables, "stored_keys", own)
    garage = (await station(V16)).station

    answer = await variables.get_configuration(garage, {"key": ["CpoName", "n" * 51]})

    assert answer == {
        "configurationKey": [{"key": "CpoName", "readonly": False, "value": "x" * 500}],
        "unknownKey": ["n" * 50],
    }


async def test_a_station_may_change_its_own_keys(station: Make) -> None:
    garage = await station(V16)

    async def change(key: str, value: str) -> str:
        return str((await garage.ask(("ChangeConfiguration", {"key": key, "value": value})))["status"])

    assert await change("HeartbeatInterval", "77") == "Accepted"
    assert await change("ConnectionTimeOut", "77") == "RebootRequired"
    assert await change("Model", "x") == "Rejected"
    assert await change("Nothing", "x") == "NotSupported"
    asked = await garage.ask(("GetConfiguration", {"key": ["HeartbeatInterval"]}))
    assert asked["configurationKey"][0]["value"] == "77"


async def test_the_ends_of_a_stream_are_kept(station: Make, run_orm: Run) -> None:
    garage = await station(V21)
    constant = {"id": 3, "params": {}, "variableMonitoringId": 1}

    opened = await garage.ask(("OpenPeriodicEventStream", {"constantStreamData": constant}))
    closed = await garage.ask(("ClosePeriodicEventStream", {"id": 3}))

    assert (opened, closed) == ({"status": "Accepted"}, {})
    rows = await run_orm(lambda: list(FollowUp.objects.order_by("pk").values_list("action", "reference")))
    assert rows == [("OpenPeriodicEventStream", ""), ("ClosePeriodicEventStream", "id 3")]


async def test_a_report_of_monitors_begins_with_its_accepted_command(station: Make, run_orm: Run) -> None:
    garage = (await station(V201)).station
    garage.action = "GetMonitoringReport"
    request = {"requestId": 6}
    now = datetime.now(UTC)
    await run_orm(
        Command.objects.create,
        id="c",
        charge_point_id=garage.pk,
        action="GetMonitoringReport",
        payload=request,
        created_at=now,
        deadline_at=now,
    )

    await monitoring.monitoring_report_requested(garage, request, {"status": "Rejected"}, "c")
    refused = await reports(run_orm)
    await monitoring.monitoring_report_requested(garage, request, {"status": "Accepted"}, "c")

    assert (refused, await reports(run_orm)) == ([], [("NotifyMonitoringReport", 6)])

"""Monitors of variables as 2.x spells them."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate.monitors import (
    CRITERIA,
    CUSTOM,
    TYPES,
    TYPES_201,
    Monitored,
    Stream,
    cleared_monitors,
    monitored,
    reported_monitors,
    set_monitors,
    stream,
)

PLACE = {"component": {"name": "C"}, "variable": {"name": "V"}}
OF = Monitored("C", "", None, None, "V", "")


def asked(**more: Any) -> dict[str, Any]:
    return {**PLACE, "type": "Delta", "value": 1, "severity": 8, **more}


def answered(status: str = "Accepted", **more: Any) -> dict[str, Any]:
    return {**PLACE, "type": "Delta", "severity": 8, "status": status, **more}


def accepted(items: list[Any], results: list[Any]) -> list[tuple[int, str]]:
    found = set_monitors({"setMonitoringData": items}, {"setMonitoringResult": results})
    return [(one.id, one.of.variable) for one in found]


@pytest.mark.parametrize(
    ("component", "variable", "name"),
    [
        ({"name": "C"}, {"name": "V"}, "C.V"),
        ({"name": "C", "instance": "a"}, {"name": "V", "instance": "b"}, "C[a].V[b]"),
        ({"name": "C", "evse": {"id": 1}}, {"name": "V"}, "C(1).V"),
        ({"name": "C", "evse": {"id": 1, "connectorId": 2}}, {"name": "V"}, "C(1.2).V"),
        ({"name": "C", "evse": {"id": -1}}, {"name": "V"}, "C.V"),
    ],
)
def test_a_monitored_variable_has_a_name(component: Any, variable: Any, name: str) -> None:
    assert monitored({"component": component, "variable": variable}).name == name


def test_too_long_names_are_cut() -> None:
    long = {"name": "x" * 60, "instance": "y" * 60}

    found = monitored({"component": long, "variable": long})

    assert {len(text) for text in found if isinstance(text, str)} == {50}


def test_a_report_names_monitors_with_their_variable() -> None:
    one = {"id": 4, "transaction": True, "value": 7.5, "type": "UpperThreshold", "severity": 2}
    two = {**one, "id": 5, "eventNotificationType": "HardWiredMonitor", "severity": 77, "transaction": False}

    found = list(reported_monitors({"monitor": [{**PLACE, "variableMonitoring": [one, two]}]}))

    assert [(m.id, m.of, m.type, m.value) for m in found] == [
        (4, OF, "UpperThreshold", 7.5),
        (5, OF, "UpperThreshold", 7.5),
    ]
    assert [(m.severity, m.is_for_transactions, m.kind, m.stream) for m in found] == [
        (2, True, "", Stream()),
        (9, False, "HardWiredMonitor", Stream()),
    ]
    assert list(reported_monitors({})) == []


@pytest.mark.parametrize("bad", [{"id": 2**63}, {"value": 10**400}, {"value": float("inf")}])
def test_a_monitor_that_no_column_holds_is_left_out(bad: dict[str, Any]) -> None:
    one = {"id": 4, "transaction": False, "value": 1, "type": "Delta", "severity": 2, **bad}

    assert list(reported_monitors({"monitor": [{**PLACE, "variableMonitoring": [one]}]})) == []


def test_results_belong_to_the_items_with_the_same_names_in_any_order() -> None:
    other = {"component": {"name": "C"}, "variable": {"name": "W"}}

    assert accepted([asked(), asked(**other)], [answered(**other, id=2), answered(id=1)]) == [
        (2, "W"),
        (1, "V"),
    ]


def test_equal_items_get_the_results_in_order() -> None:
    items = [asked(value=1), asked(value=2)]
    found = set_monitors(
        {"setMonitoringData": items}, {"setMonitoringResult": [answered(id=1), answered("Duplicate")]}
    )

    assert [(one.id, one.value) for one in found] == [(1, 1.0)]


def test_a_wrongly_named_result_is_believed_where_the_numbers_agree() -> None:
    wrong = {"component": {"name": "c"}}
    other = {"component": {"name": "C"}, "variable": {"name": "W"}}

    assert accepted([asked()], [answered(**wrong, id=3)]) == [(3, "V")]
    assert accepted([asked(), asked(**other)], [answered(**wrong, id=3)]) == []


@pytest.mark.parametrize("result", [answered("Rejected", id=1), answered("Duplicate"), answered()])
def test_only_accepted_monitors_with_an_id_exist(result: dict[str, Any]) -> None:
    assert accepted([asked()], [result]) == []


def test_a_replaced_monitor_keeps_the_id_of_the_request() -> None:
    assert accepted([asked(id=6)], [answered()]) == [(6, "V")]


def test_an_accepted_monitor_is_custom_and_has_its_stream() -> None:
    item = asked(transaction=True, periodicEventStream={"interval": 10, "values": 2**31})
    (one,) = set_monitors({"setMonitoringData": [item]}, {"setMonitoringResult": [answered(id=1)]})

    assert (one.kind, one.stream, one.is_for_transactions) == (CUSTOM, Stream(10, None), True)


def test_cleared_and_unknown_monitors_are_gone() -> None:
    words = {1: "Accepted", 2: "Rejected", 3: "NotFound", 2**70: "Accepted"}
    results = [{"id": id, "status": word} for id, word in words.items()]

    assert cleared_monitors({"clearMonitoringResult": results}) == [1, 3]


def test_the_parameters_of_a_stream_are_optional() -> None:
    assert stream({}) == Stream()
    assert stream({"interval": 0, "values": -1}) == Stream(0, None)


def test_each_type_has_one_criterion_and_target_deltas_are_of_2_1() -> None:
    assert len(TYPES) == len(set(TYPES)) == sum(len(names) for names in CRITERIA.values())
    assert set(TYPES) - set(TYPES_201) == {"TargetDelta", "TargetDeltaRelative"}

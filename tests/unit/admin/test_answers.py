"""The fields of an answer: values by name, and a table for each list of objects."""

from __future__ import annotations

from ocpp_server.admin.answers import MOST_ROWS, fields_of


def test_the_keys_of_a_configuration_are_a_table_and_the_unknown_ones_a_value() -> None:
    answer = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "Empty", "readonly": True},
        ],
        "unknownKey": ["Nonsense", "More"],
    }

    shown = fields_of(answer)

    assert shown.values == [("unknownKey", "Nonsense, More")]
    [table] = shown.tables
    assert (table.name, table.heads) == ("configurationKey", ["key", "readonly", "value"])
    assert table.rows == [["HeartbeatInterval", "false", "300"], ["Empty", "true", "–"]]


def test_the_names_of_nested_objects_are_joined() -> None:
    variable = {
        "attributeStatus": "Accepted",
        "attributeValue": "60",
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
    }

    [table] = fields_of({"getVariableResult": [variable]}).tables

    assert table.heads == ["attributeStatus", "attributeValue", "component.name", "variable.name"]
    assert fields_of({"statusInfo": {"reasonCode": "NoTx"}}).values == [("statusInfo.reasonCode", "NoTx")]


def test_a_schedule_has_its_values_and_a_table_of_its_periods() -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}

    shown = fields_of({"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule})

    assert shown.values == [
        ("status", "Accepted"), ("connectorId", "1"), ("chargingSchedule.chargingRateUnit", "A")
    ]  # fmt: skip
    assert shown.tables[0].name == "chargingSchedule.chargingSchedulePeriod"
    assert shown.tables[0].rows == [["0", "16.0"]]


def test_any_answer_is_shown_and_none_is_without_a_limit() -> None:
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"a": deep, "b": [1, [2]]}

    assert fields_of(deep).values
    assert fields_of(["text"]).values == [("", "text")]
    long = fields_of({"keys": [{"key": str(number)} for number in range(MOST_ROWS + 7)], "text": "x" * 9000})
    assert len(long.tables[0].rows) == MOST_ROWS and long.tables[0].left == 7
    assert len(long.values[0][1]) < 3000

"""Keys and variables as stations report them: names, values, limits, and the event of a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Site
from configuration.models import ReportedKey
from configuration.services.variables import reported
from configuration.services.variables.reported import of_report, values, variable_name
from events.models import Event
from ocpp_server.live.station import Station

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
Entry = tuple[str | None, bool]


def described(component: Any = "C", variable: Any = "V", **more: Any) -> dict[str, Any]:
    parts = {"component": component, "variable": variable}
    return {name: part if isinstance(part, dict) else {"name": part} for name, part in parts.items()} | more


@pytest.mark.parametrize(
    ("component", "variable", "name"),
    [
        ("C", "V", "C.V"),
        ({"name": "C", "instance": "1"}, "V", "C[1].V"),
        ("C", {"name": "V", "instance": "a"}, "C.V[a]"),
        ({"name": "C", "instance": ""}, {"name": "V", "instance": "a"}, "C.V[a]"),
    ],
)
def test_a_variable_is_named_by_its_component_and_instances(component: Any, variable: Any, name: str) -> None:
    assert variable_name(described(component, variable)) == name


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("C", "C.V"),
        ({"name": "C", "evse": {"id": 1}}, "C(1).V"),
        ({"name": "C", "evse": {"id": 1, "connectorId": 2}}, "C(1.2).V"),
        ({"name": "C", "instance": "x", "evse": {"id": 0}}, "C[x](0).V"),
    ],
)
def test_the_variables_of_each_evse_have_names_of_their_own(component: Any, name: str) -> None:
    found = of_report([described(component, variableAttribute=[{"value": "5"}])])

    assert found == {name: ("5", False)}


@pytest.mark.parametrize(
    ("attributes", "entry"),
    [
        ([{"value": "5"}], ("5", False)),
        ([{"type": "Actual", "value": "5", "mutability": "ReadOnly"}], ("5", True)),
        ([{"value": "5", "mutability": "WriteOnly"}], (None, False)),
        ([{"mutability": "ReadWrite"}], (None, False)),
        ([{"type": "MaxSet", "value": "9"}, {"type": "Actual", "value": "5"}], ("5", False)),
        ([{"type": "Target", "value": "9"}], (None, False)),
        ([], None),
    ],
)
def test_only_the_actual_value_of_a_variable_is_kept(
    attributes: list[dict[str, str]], entry: Entry | None
) -> None:
    found = of_report([described(variableAttribute=attributes)])

    assert found == ({} if entry is None else {"C.V": entry})


# -- the rows ----------------------------------------------------------------------------------------------


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE", site=Site.objects.create(name="Home"))


def store(
    garage: ChargePoint, keys: dict[str, Entry], *, secret: tuple[str, ...] = (), hours: int = 0
) -> None:
    reported._store(garage.pk, keys, secret, NOON + timedelta(hours=hours))


def stored() -> list[tuple[str, str | None, bool, datetime]]:
    rows = ReportedKey.objects.order_by("key")
    return list(rows.values_list("key", "value", "readonly", "reported_at"))


def changes() -> list[dict[str, Any]]:
    found = []
    for event in Event.objects.filter(type="configuration.changed").order_by("id"):
        assert (event.station, event.site_id) == ("GARAGE", Site.objects.get().pk)
        found.append(orjson.loads(event.data))
    return found


def test_a_report_replaces_the_values_of_the_one_before(garage: ChargePoint) -> None:
    store(garage, {"B": ("1", False), "A": ("1", True)})
    store(garage, {"B": (None, True)}, hours=1)

    assert stored() == [("A", "1", True, NOON), ("B", None, True, NOON + timedelta(hours=1))]


def test_a_value_without_a_flag_keeps_the_one_that_was_reported_before(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    store(garage, {"A": ("1", True), "B": ("1", False), "C": ("1", True)})
    store(other, {"B": ("1", True)})

    reported._store(garage.pk, {"A": ("2", None), "B": ("2", None), "C": ("2", False)}, (), NOON)

    rows = ReportedKey.objects.filter(charge_point=garage).order_by("key")
    assert list(rows.values_list("key", "readonly")) == [("A", True), ("B", False), ("C", False)]


def test_the_row_of_a_name_that_is_now_a_secret_is_deleted(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    store(garage, {"A": ("1", False), "Pin": ("2", False)})
    store(other, {"Pin": ("2", False)})

    store(garage, {}, secret=("Pin",))

    assert list(ReportedKey.objects.order_by("pk").values_list("charge_point", "key")) == [
        (garage.pk, "A"),
        (other.pk, "Pin"),
    ]


def test_a_changed_value_is_an_event_with_what_it_was(garage: ChargePoint) -> None:
    store(garage, {"A": ("1", False), "B": ("1", False), "C": ("1", False)})
    assert changes() == []

    store(garage, {"C": ("2", False), "B": ("1", True), "A": ("3", False), "D": ("4", False)})

    assert changes() == [
        {
            "changes": [
                {"key": "A", "reported": "3", "previous": "1"},
                {"key": "C", "reported": "2", "previous": "1"},
            ],
            "count": 2,
        }
    ]


def test_one_event_has_at_most_40_changes(garage: ChargePoint) -> None:
    names = [f"K{number:02}" for number in range(41)]
    store(garage, dict.fromkeys(names, ("1", False)))
    store(garage, dict.fromkeys(names, ("2", False)))

    (found,) = changes()
    assert ([change["key"] for change in found["changes"]], found["count"]) == (names[:40], 41)


def test_the_values_of_another_station_are_no_earlier_values(garage: ChargePoint) -> None:
    store(ChargePoint.objects.create(identity="OTHER"), {"A": ("1", False)})
    store(garage, {"A": ("2", False)})

    assert changes() == []


def test_names_are_cut_to_their_column_and_secrets_kept_apart() -> None:
    one = Station(pk=7, identity="CP-1", version="ocpp2.0.1")
    one.received_at = NOON
    secret, plain = "Password" + "p" * 248, "n" * 256

    reported.store(station=one, keys={secret: ("1", False), plain: ("2", True)})
    reported.store(station=one, keys={})

    (write,) = one.unit.functions
    assert isinstance(write, partial)
    assert write.args == (7, {plain[:255]: ("2", True)}, [secret[:255]], NOON, {})


@pytest.mark.parametrize(
    ("most", "kept"),
    [(4, "ABCD"), (3, "ABC"), (2, "AB"), (1, "AB")],
)
def test_a_full_station_keeps_its_rows_and_gets_few_new_ones(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch, most: int, kept: str
) -> None:
    store(garage, {"A": ("1", False), "B": ("1", False)})
    store(ChargePoint.objects.create(identity="OTHER"), {"D": ("1", False)})
    monkeypatch.setattr(reported, "MOST_PER_STATION", most)

    store(garage, dict.fromkeys("CDAB", ("2", False)))

    rows = ReportedKey.objects.filter(charge_point=garage).order_by("key")
    assert "".join(row.key for row in rows) == kept
    assert {row.value for row in rows} == {"2"}


def test_as_many_new_keys_as_there_is_room_are_stored_without_a_second_query(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "MOST_PER_STATION", 2)

    store(garage, {"A": ("1", False), "B": ("1", False)})

    assert [row[0] for row in stored()] == ["A", "B"]


def test_secrets_inside_of_a_value_are_masked(garage: ChargePoint) -> None:
    store(garage, {"Server": ("wss://ann:hunter2@host/", False), "Empty": ("", False)})

    kept = {key: value for key, value, _, _ in stored()}
    assert kept["Server"] is not None
    assert "hunter2" not in kept["Server"]
    assert "host" in kept["Server"]
    assert kept["Empty"] == ""


def test_values_are_found_without_case_under_the_names_that_were_asked(garage: ChargePoint) -> None:
    store(garage, {"HeartbeatInterval": ("300", False), "Model": (None, False), "Other": ("1", False)})
    store(ChargePoint.objects.create(identity="OTHER"), {"Vendor": ("x", False)})

    found = values(garage.pk, ["HEARTBEATINTERVAL", "Model", "Vendor", "Nothing"])

    assert found == {"HEARTBEATINTERVAL": "300"}

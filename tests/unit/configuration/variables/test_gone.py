"""Variables that a full report no longer has: marked, kept for 30 days, and deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, ReportAssembly
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from configuration.services.variables import described, desired, drift, inventory, reading, reported

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE", ocpp_version="ocpp2.0.1")


def store(garage: ChargePoint, *names: str, at: datetime = NOW, value: str = "1") -> None:
    reported._store(garage.pk, dict.fromkeys(names, (value, False)), (), at)


def gone() -> list[str]:
    return list(
        ReportedKey.objects.filter(gone_at__isnull=False).order_by("key").values_list("key", flat=True)
    )


def a_report(garage: ChargePoint, *, base: str = "FullInventory", **columns: Any) -> ReportAssembly:
    command = Command.objects.create(
        id=f"{base}-{Command.objects.count()}",
        charge_point=garage,
        action="GetBaseReport",
        payload={"requestId": 7, "reportBase": base},
        created_at=NOW,
        deadline_at=NOW,
    )
    columns = {"state": "complete", "request_id": 7, "started_at": NOW, "last_at": NOW} | columns
    return ReportAssembly.objects.create(
        charge_point=garage, command=command, action="NotifyReport", **columns
    )


def test_a_complete_full_report_marks_what_was_reported_before_it(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    store(garage, "C.Old", at=NOW - HOUR)
    store(garage, "C.Same", at=NOW)
    store(other, "C.Old", at=NOW - HOUR)
    a_report(garage)

    inventory.mark_gone(garage.pk, 7)

    assert [(row.charge_point_id, row.key) for row in ReportedKey.objects.filter(gone_at__isnull=False)] == [
        (garage.pk, "C.Old")
    ]
    assert ConfigurationState.objects.get().gone_since is not None


@pytest.mark.parametrize(
    "columns",
    [{"state": "collecting"}, {"state": "incomplete"}, {"base": "ConfigurationInventory"}],
)
def test_another_report_takes_nothing_away(garage: ChargePoint, columns: dict[str, Any]) -> None:
    store(garage, "C.Old", at=NOW - HOUR)
    a_report(garage, **columns)

    inventory.mark_gone(garage.pk, 7)
    inventory.mark_gone(garage.pk, 8)
    inventory.mark_missed()

    assert gone() == []


def test_a_report_whose_last_part_was_handled_by_a_dead_process_is_found(garage: ChargePoint) -> None:
    store(garage, "C.Old", at=NOW - HOUR)
    report = a_report(garage, last_at=NOW - 2 * HOUR)
    inventory.mark_missed()
    assert gone() == []

    report.last_at = NOW
    report.save()
    inventory.mark_missed()

    assert gone() == ["C.Old"]


def test_a_gone_variable_is_not_used_any_more_and_comes_back_with_a_report(garage: ChargePoint) -> None:
    row = desired.add(garage, key="C.Old", value="1")
    store(garage, "C.Old", at=NOW - HOUR)
    reported.mark_gone(garage.pk, NOW, NOW)

    row.refresh_from_db()
    assert row.state == DesiredValue.State.UNKNOWN_KEY
    assert drift.reported([row]) == {}
    assert reported.values(garage.pk, ["C.Old"]) == {}
    assert reading.known_names(garage.pk) == []
    assert drift.compare(garage, garage) == ([], 0)

    store(garage, "C.Old", at=NOW + HOUR)

    row.refresh_from_db()
    assert (gone(), row.state) == ([], DesiredValue.State.SAME)


def test_gone_variables_are_deleted_after_thirty_days(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    old = NOW - reported.GONE_KEPT - HOUR
    store(garage, "C.Older", at=old - HOUR)
    reported.mark_gone(garage.pk, old, old)
    store(garage, "C.Newer", at=NOW - HOUR)
    store(garage, "C.Present", at=NOW)
    reported.mark_gone(garage.pk, NOW, NOW)
    store(other, "C.Other", at=NOW - HOUR)
    reported.mark_gone(other.pk, NOW, NOW)

    reported.delete_gone()

    assert gone() == ["C.Newer", "C.Other"]
    assert ReportedKey.objects.filter(key="C.Present").exists()
    assert ConfigurationState.objects.get(pk=garage.pk).gone_since == NOW

    ReportedKey.objects.filter(charge_point=garage).update(gone_at=old)
    ConfigurationState.objects.filter(pk=garage.pk).update(gone_since=old)
    reported.delete_gone()

    assert gone() == ["C.Other"]
    assert ConfigurationState.objects.get(pk=garage.pk).gone_since is None


def test_a_full_station_gives_the_place_of_gone_variables_to_new_ones(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "MOST_PER_STATION", 2)
    store(garage, "C.A", "C.B", at=NOW - HOUR)
    store(garage, "C.B", at=NOW)
    reported.mark_gone(garage.pk, NOW, NOW)

    store(garage, "C.B", "C.C", "C.D", at=NOW + HOUR)

    assert list(ReportedKey.objects.order_by("key").values_list("key", flat=True)) == ["C.B", "C.C"]


# -- descriptions beside the values ------------------------------------------------------------------------


def test_an_answer_with_a_value_alone_keeps_the_description(garage: ChargePoint) -> None:
    description = described.Description("ReadOnly", {"dataType": "integer"}, {"Target": {"value": "1"}})
    reported._store(garage.pk, {"C.V": ("1", True)}, (), NOW, {"C.V": description})
    reported._store(garage.pk, {"C.V": ("2", None), "C.W": ("3", None)}, (), NOW)

    first, second = ReportedKey.objects.order_by("key")
    assert (first.value, first.readonly, first.mutability) == ("2", True, "ReadOnly")
    assert (first.characteristics, first.attributes) == ({"dataType": "integer"}, {"Target": {"value": "1"}})
    assert (second.value, second.mutability, second.characteristics) == ("3", None, None)


def test_the_value_of_a_write_only_variable_is_not_stored_from_any_answer(garage: ChargePoint) -> None:
    store(garage, "C.V", value="leaked before")
    description = described.Description("WriteOnly")
    reported._store(garage.pk, {"C.V": ("leaked", False)}, (), NOW, {"C.V": description})
    assert ReportedKey.objects.get().value is None

    store(garage, "C.V", value="accepted")

    assert ReportedKey.objects.get().value is None


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("HeartbeatInterval", ("", "HeartbeatInterval")),
        ("C.V", ("C", "V")),
        ("C[a.b](1.2).V[x.y]", ("C[a.b](1.2)", "V[x.y]")),
        ("C(1).V", ("C(1)", "V")),
    ],
)
def test_a_name_is_split_into_component_and_variable(key: str, parts: tuple[str, str]) -> None:
    assert reported.parts(key) == parts

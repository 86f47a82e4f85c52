"""The changes that a template would lead to at stations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationTemplate, DesiredValue, ReportedKey, TemplateAssignment
from configuration.services.variables import desired, preview, templates
from configuration.services.variables.preview import Change, Preview
from ocpp_server.protocol.versions import V16, V201

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def station(identity: str, *, version: str = V16, reported: Any = None, **columns: Any) -> ChargePoint:
    made = ChargePoint.objects.create(identity=identity, ocpp_version=version, **columns)
    for key, value in (reported or {}).items():
        ReportedKey.objects.create(charge_point=made, key=key, value=value, reported_at=NOON)
    return made


def template(name: str = "Base", **values: str) -> ConfigurationTemplate:
    return templates.create(name=name, dialect="1.6", values=values)


def test_keys_with_another_value_would_change() -> None:
    base = template(b="1", A="1", C="1", D="1")
    first = station("CP-1", reported={"B": "01", "a": "5", "c": None, "Other": "1"})
    second = station("CP-2")

    assert preview.of(base, [second, first]) == [
        Preview(second, [Change(key, None, "1") for key in ("A", "b", "C", "D")], []),
        Preview(first, [Change("A", "5", "1"), Change("C", None, "1"), Change("D", None, "1")], []),
    ]
    assert not TemplateAssignment.objects.exists()
    assert not DesiredValue.objects.exists()


def test_keys_with_another_desired_value_that_wins_would_not_change() -> None:
    base, near = template(A="1", B="1", C="1"), template("Near", b="2")
    one, other = station("CP-1", model="W22"), station("CP-2", model="W22")
    desired.add(one, key="a", value="2")
    templates.assign(near, charge_point=one)
    by_station = preview.of(base, [one])
    templates.assign(base, model="W22")

    by_model = preview.of(base, [one, other])

    assert by_station == [Preview(one, [Change("B", None, "1"), Change("C", None, "1")], ["A"])]
    assert by_model[0] == Preview(one, [Change("C", None, "1")], ["A", "B"])
    assert [change.key for change in by_model[1].changes] == ["A", "B", "C"]


def test_a_row_of_a_template_is_no_value_of_the_station() -> None:
    base, one = template(A="1"), station("CP-1")
    templates.use(one, base)

    assert preview.of(base, [one]) == [Preview(one, [Change("A", None, "1")], [])]


@pytest.mark.parametrize("version", ["", V201])
def test_a_station_of_the_other_dialect_would_not_change(version: str) -> None:
    one = station("CP-1", version=version)

    assert preview.of(template(A="1"), [one]) == [Preview(one, [], [], is_other_dialect=True)]


def test_the_preview_is_what_a_campaign_makes_desired() -> None:
    base, near, one = template(A="1", B="1"), template("Near", B="2"), station("CP-1")
    templates.assign(near, charge_point=one)
    (shown,) = preview.of(base, [one])

    templates.use(one, base)

    rows = DesiredValue.objects.filter(template=base).order_by("key")
    assert [(row.key, row.value) for row in rows] == [
        (change.key, change.desired) for change in shown.changes
    ]

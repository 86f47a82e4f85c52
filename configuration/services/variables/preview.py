"""The changes at stations that a template would lead to, before anything is stored or sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationTemplate, DesiredValue
from configuration.services.variables import desired, drift


class Change(NamedTuple):
    """A key whose reported value is another one. `reported` is None where the station has not reported it."""

    key: str
    reported: str | None
    desired: str


class Preview(NamedTuple):
    """The changes at one station. `kept` are the keys of the template for which another desired value of the
    station wins; `is_other_dialect`: the template is not for this station.
    """

    charge_point: ChargePoint
    changes: list[Change]
    kept: list[str]
    is_other_dialect: bool = False


def of(template: ConfigurationTemplate, charge_points: Sequence[ChargePoint]) -> list[Preview]:
    """The changes at each of these stations."""
    own: dict[int, set[str]] = {one.pk: set() for one in charge_points}
    rows = DesiredValue.objects.filter(charge_point__in=own, template=None)
    for pk, key in rows.values_list("charge_point", "key"):
        own[pk].add(key.casefold())
    keys = [DesiredValue(charge_point=one, key=key) for one in charge_points for key in template.values]
    seen = drift.reported_of(keys)
    return [_of_one(template, one, own[one.pk], seen) for one in charge_points]


def _of_one(
    template: ConfigurationTemplate,
    charge_point: ChargePoint,
    own: set[str],
    seen: dict[tuple[int, str], drift.Seen],
) -> Preview:
    if desired.dialect_of(charge_point) != template.dialect:
        return Preview(charge_point, [], [], is_other_dialect=True)
    wanted = desired.by_templates(charge_point, used=template)
    found = Preview(charge_point, [], [])
    for key, value in sorted(template.values.items(), key=lambda item: item[0].casefold()):
        if key.casefold() in own or wanted[key.casefold()].template != template:
            found.kept.append(key)
            continue
        last = seen.get((charge_point.pk, key.lower()))
        reported = None if last is None else last.value
        if not drift.is_same(value, reported):
            found.changes.append(Change(key, reported, value))
    return found

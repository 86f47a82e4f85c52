"""The desired values of a station: its own ones, and those of the templates that are assigned to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, ConfigurationTemplate, DesiredValue, TemplateAssignment
from configuration.services.variables import catalogue, drift, limits
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import VERSIONS, in_dialect

MOST_PER_STATION: Final = 200
# One run of the job computes the desired values of this many stations.
AT_ONCE: Final = 100

Dialect = ConfigurationTemplate.Dialect


class Limits(NamedTuple):
    """The longest key and value of a dialect, and whether its keys name a component."""

    key: int
    value: int
    has_components: bool


_ANY: Final = Limits(255, 2500, has_components=False)
# 1.6 7.29, 7.30; 2.0.1 SetVariableDataType.
_LIMITS: Final[dict[str, Limits]] = {
    Dialect.V16: Limits(50, 500, has_components=False),
    Dialect.V2X: Limits(255, 2500, has_components=True),
}


def add(charge_point: ChargePoint, *, key: str, value: str, reapplies: bool = False) -> DesiredValue:
    """Set a desired value of this station alone; it replaces the one of a template. The station gets it with
    the next `apply`. Raises Invalid, and Conflict where the station has such a value.
    """
    check_at(charge_point, key, value)
    rows = DesiredValue.objects.filter(charge_point=charge_point)
    if rows.count() >= MOST_PER_STATION:
        raise Conflict(f"A station has at most {MOST_PER_STATION} desired values.")
    try:
        with transaction.atomic():
            rows.filter(key__iexact=key.strip(), template__isnull=False).delete()
            row = DesiredValue.objects.create(
                charge_point=charge_point, key=key.strip(), value=value, reapplies=reapplies
            )
    except IntegrityError:
        raise Conflict(
            f"{charge_point} has a desired value of {key}.", field="key", code=Code.DUPLICATE
        ) from (None)
    drift.refresh(charge_point.pk, [row.key])
    row.refresh_from_db()
    return row


def change(row: DesiredValue, *, value: str | None = None, reapplies: bool | None = None) -> None:
    """Change a value of the station alone. Raises Invalid, and Conflict for a value of a template."""
    _own(row)
    if reapplies is not None:
        row.reapplies = reapplies
    if value is not None and value != row.value:
        check_at(row.charge_point, row.key, value)
        row.value, row.state, row.reason, row.answered_at = value, DesiredValue.State.NOT_REPORTED, "", None
    row.save()
    drift.refresh(row.charge_point_id, [row.key])
    row.refresh_from_db()


def remove(row: DesiredValue) -> None:
    """Remove a value of the station alone; a template's value takes its place. The station keeps what it
    has. Raises Conflict for a value of a template.
    """
    _own(row)
    charge_point = row.charge_point
    row.delete()
    resolve(charge_point)


def _own(row: DesiredValue) -> None:
    if row.template is not None:
        raise Conflict(
            f"{row.key} comes from the template {row.template}. Change the template, or add a desired value "
            f"of this station."
        )


def check(key: str, value: str, *, dialect: str) -> None:
    """Raises Invalid for a key or a value that stations of this dialect (empty: any) can't have.

    A secret would be stored in clear, so it has no desired value.
    """
    name, limits = key.strip(), _LIMITS.get(dialect, _ANY)
    if not 1 <= len(name) <= limits.key:
        raise Invalid(f"Must have 1 to {limits.key} characters.", field="key")
    if limits.has_components and "." not in name:
        raise Invalid(f"'{name}' must be Component.Variable or Component[instance].Variable.", field="key")
    if catalogue.is_secret(name):
        raise Invalid(f"{name} is a secret, which is not stored.", field="key")
    if len(value) > limits.value:
        raise Invalid(f"Must have at most {limits.value} characters.", field="value")


def check_at(charge_point: ChargePoint, key: str, value: str) -> None:
    """`check` for one station: raises Invalid for what it has reported not to take, too."""
    check(key, value, dialect=dialect_of(charge_point))
    if refusal := limits.to_wish(charge_point.pk, key.strip(), value):
        raise Invalid(refusal, field="value")


def dialect_of(charge_point: ChargePoint) -> str:
    """The dialect of a station's last connection; empty before its first one."""
    version = charge_point.ocpp_version
    return in_dialect(version, Dialect.V16, Dialect.V2X) if version in VERSIONS else ""


# -- templates -----------------------------------------------------------------------------------------------


def assigned(charge_point: ChargePoint) -> list[TemplateAssignment]:
    """The templates for a station in its dialect, the ones that win last."""
    for_model = Q(model=charge_point.model, vendor__in=("", charge_point.vendor)) & ~Q(model="")
    target = Q(charge_point=charge_point) | for_model
    if charge_point.site_id is not None:
        target |= Q(site=charge_point.site_id)
    found = TemplateAssignment.objects.filter(target, template__dialect=dialect_of(charge_point))
    return sorted(
        found.select_related("template"),
        key=lambda one: (one.charge_point_id is not None, one.site_id is not None, one.vendor != "", one.pk),
    )


class Wanted(NamedTuple):
    """The value of a key by the template that wins."""

    key: str
    value: str
    template: ConfigurationTemplate


def by_templates(
    charge_point: ChargePoint, *, used: ConfigurationTemplate | None = None
) -> dict[str, Wanted]:
    """The values of the templates for a station, by the key in lower case. With `used` as if that template
    were assigned to the station, unless it is for it already.
    """
    found = [one.template for one in assigned(charge_point)]
    if used is not None and used not in found:
        found.append(used)
    return {
        key.casefold(): Wanted(key, value, template)
        for template in found
        for key, value in template.values.items()
    }


def resolve(charge_point: ChargePoint) -> None:
    """Make the station's rows what its own values and the templates say, and compute their states."""
    wanted = by_templates(charge_point)
    with transaction.atomic():
        ConfigurationState.objects.filter(pk=charge_point.pk).update(is_stale=False)
        for row in DesiredValue.objects.select_for_update().filter(charge_point=charge_point):
            template_value = wanted.pop(row.key.casefold(), None)
            if row.template_id is None:
                continue
            if template_value is None:
                row.delete()
                continue
            _update(row, *template_value)
        DesiredValue.objects.bulk_create(
            DesiredValue(
                charge_point=charge_point,
                key=key,
                value=value,
                template=template,
                reapplies=template.reapplies,
            )
            for key, value, template in wanted.values()
        )
        drift.refresh(charge_point.pk)


def _update(row: DesiredValue, key: str, value: str, template: ConfigurationTemplate) -> None:
    if (row.key, row.value, row.template_id, row.reapplies) == (key, value, template.pk, template.reapplies):
        return
    if row.value != value:
        row.value, row.state, row.reason, row.answered_at = value, DesiredValue.State.NOT_REPORTED, "", None
    row.key, row.template, row.reapplies = key, template, template.reapplies
    row.save()


def mark_stale(stations: QuerySet[ChargePoint]) -> None:
    """Let the job compute the desired values of these stations again."""
    keys = list(stations.order_by("pk").values_list("pk", flat=True))
    ConfigurationState.objects.bulk_create(
        [ConfigurationState(charge_point_id=pk, is_stale=True) for pk in keys],
        update_conflicts=True,
        unique_fields=["charge_point"],
        update_fields=["is_stale"],
    )


def mark_all_stale() -> None:
    """Find what no change of a template has shown: stations that have another site since."""
    by_template = Q(desired_values__template__isnull=False)
    for_site = Q(site__in=TemplateAssignment.objects.filter(site__isnull=False).values("site"))
    mark_stale(ChargePoint.objects.filter(by_template | for_site).distinct())


def resolve_stale() -> bool:
    """Compute the desired values of some stations whose templates have changed. Returns whether there were
    AT_ONCE of them.
    """
    stale = ConfigurationState.objects.filter(is_stale=True).select_related("charge_point")
    found = list(stale.order_by("pk")[:AT_ONCE])
    for state in found:
        resolve(state.charge_point)
    return len(found) == AT_ONCE


def targets(assignments: Iterable[TemplateAssignment]) -> QuerySet[ChargePoint]:
    """The stations that these assignments are for."""
    condition = Q(pk__in=())
    for one in assignments:
        if one.charge_point_id is not None:
            condition |= Q(pk=one.charge_point_id)
        elif one.site_id is not None:
            condition |= Q(site=one.site_id)
        else:
            condition |= Q(model=one.model, **({"vendor": one.vendor} if one.vendor else {}))
    return ChargePoint.objects.filter(condition)


def differences(charge_point: ChargePoint) -> list[DesiredValue]:
    """All desired values of a station by the templates of now, those that it does not have first."""
    resolve(charge_point)
    rows = DesiredValue.objects.filter(charge_point=charge_point).select_related("charge_point")
    return sorted(rows, key=lambda row: (row.state in drift.SETTLED, row.key.casefold()))


# -- applying ------------------------------------------------------------------------------------------------


def open_values(
    charge_point_pk: int, *, states: Collection[str] = drift.OPEN, only: Mapping[str, Any] | None = None
) -> list[DesiredValue]:
    """The values in these states, by key; `only` are further conditions."""
    rows = DesiredValue.objects.filter(charge_point=charge_point_pk, state__in=states, **(only or {}))
    return list(rows.order_by("key"))


def names(charge_point_pk: int) -> list[str]:
    """The keys with desired values."""
    return list(DesiredValue.objects.filter(charge_point=charge_point_pk).values_list("key", flat=True))

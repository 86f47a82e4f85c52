"""The section of the station page with the desired values beside the reported ones."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from configuration.services.variables import described, drift, limits
from ocpp_server.admin import access, cells, tones
from ocpp_server.rights import Right

MOST = 40


def rows(charge_point: ChargePoint, user: Any) -> list[cells.Row]:
    """The values that differ, then the other desired ones, then values that are only reported. The desired
    value leads to its form, and a missing one to the form of a new one.
    """
    may_add = access.may(user, Right.COMMANDS)
    wanted = DesiredValue.objects.filter(charge_point=charge_point).select_related("template")
    desired = sorted(wanted, key=lambda row: (row.state in drift.SETTLED, row.key.casefold()))
    seen = drift.reported(desired) if desired else {}
    found = [_desired(row, seen.get(row.key.lower())) for row in desired[:MOST]]
    if len(found) < MOST:
        named = {row.key.lower() for row in desired}
        others = ReportedKey.objects.filter(charge_point=charge_point, gone_at=None).order_by("key")
        alone = [row for row in others[: MOST + len(named)] if row.key.lower() not in named]
        found += [_reported(row, may_add=may_add) for row in alone[: MOST - len(found)]]
    return found


def note(charge_point: ChargePoint) -> str:
    """Why the configuration is not read completely; empty if it is."""
    state = ConfigurationState.objects.filter(pk=charge_point.pk).first()
    if state is None or not state.problem:
        return ""
    return gettext("The last reading of the configuration failed: %(problem)s") % {"problem": state.problem}


def _desired(row: DesiredValue, seen: drift.Seen | None) -> cells.Row:
    return [
        cells.text(row.key, note=str(row.template or "")),
        cells.text(_value(seen.value) if seen is not None else "–"),
        cells.text(_value(row.value), href=reverse("admin:configuration_desiredvalue_change", args=[row.pk])),
        cells.label(
            row.get_state_display(), tones.DESIRED_VALUE.get(row.state, tones.NEUTRAL), note=row.reason
        ),
        cells.moment(seen.at) if seen is not None else cells.text("–"),
    ]


def _reported(row: ReportedKey, *, may_add: bool) -> cells.Row:
    wanted: dict[str, str | int] = {"charge_point": row.charge_point_id, "key": row.key}
    add = f"{reverse('admin:configuration_desiredvalue_add')}?{urlencode(wanted)}"
    is_write_only = row.mutability == described.WRITE_ONLY
    can_differ = may_add and not row.readonly and not is_write_only
    return [
        cells.text(row.key, note=limits.words(row)),
        cells.text(_value(row.value), note=_attributes(row)),
        cells.text(gettext("Set") if can_differ else "–", href=add if can_differ else ""),
        cells.text(gettext("Read-only") if row.readonly else gettext("Write-only") if is_write_only else "–"),
        cells.moment(row.reported_at),
    ]


def _attributes(row: ReportedKey) -> str:
    """The other attributes of a variable: "MinSet 6, MaxSet 32"."""
    found = (row.attributes or {}).items()
    return ", ".join(f"{name} {_value(attribute.get('value'))}" for name, attribute in found)


def _value(value: str | None) -> str:
    return "–" if value is None else value or gettext("(empty)")

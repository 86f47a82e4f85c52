"""The rules: made from the defaults of the codes, changed, copied for a site or station, deleted."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from alerts.models import AlertRule
from alerts.services.codes import CODES, Code
from alerts.services.notices import escalation
from chargepoints.models import ChargePoint, Site
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code as ErrorCode

CHANGEABLE: Final = (
    "is_enabled",
    "severity",
    "critical_after_s",
    "for_s",
    "keep_for_s",
    "parameters",
    "auto_resolve",
    "reopens",
    "channels",
    "quiet",
    "escalation",
    "note",
)


def create_missing(**_signal: Any) -> None:
    """Create the rule for all stations of each code that has none; after `migrate`."""
    AlertRule.objects.bulk_create([_default(code) for code in CODES.values()], ignore_conflicts=True)


def _default(code: Code) -> AlertRule:
    return AlertRule(
        code=code.name,
        severity=code.severity,
        critical_after_s=code.critical_after_s,
        for_s=code.for_s,
        keep_for_s=code.keep_for_s,
        parameters=code.defaults,
        auto_resolve=code.auto_resolve,
    )


def change(rule: AlertRule, *, actor: str, **fields: Any) -> None:
    """Change the settings of a rule. Raises Invalid."""
    if "parameters" in fields:
        fields["parameters"] = {**rule.parameters, **checked(rule.code, fields["parameters"])}
    if "escalation" in fields:
        escalation.parse(fields["escalation"])
    for name, value in fields.items():
        setattr(rule, name, value)
    rule.updated_by = actor[:150]
    rule.save(update_fields=[*fields, "updated_by", "updated_at"])


def copy(
    *, actor: str, code: str, site: Site | None = None, charge_point: ChargePoint | None = None, **fields: Any
) -> AlertRule:
    """A rule of this code for one site or station, from the rule for all. Raises Invalid and Conflict."""
    if code not in CODES:
        raise Invalid(f"There is no code {code}.", field="code")
    if (site is None) == (charge_point is None):
        raise Invalid("Either a site or a station is required.", field="site")
    own = AlertRule.objects.filter(code=code, site=None, charge_point=None).first() or _default(CODES[code])
    rule = AlertRule(code=code, site=site, charge_point=charge_point, updated_by=actor[:150])
    for name in CHANGEABLE:
        setattr(rule, name, getattr(own, name))
    if "parameters" in fields:
        fields["parameters"] = {**rule.parameters, **checked(code, fields["parameters"])}
    if "escalation" in fields:
        escalation.parse(fields["escalation"])
    for name, value in fields.items():
        setattr(rule, name, value)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise Conflict(
            f"There is a rule {code} for {charge_point or site} already.", code=ErrorCode.DUPLICATE
        ) from None
    return rule


def reset(rule: AlertRule, *, actor: str) -> None:
    """Give a rule the defaults of its code."""
    own = _default(CODES[rule.code])
    change(rule, actor=actor, **{name: getattr(own, name) for name in CHANGEABLE})


def delete(rule: AlertRule) -> None:
    """Delete a copy. Raises Conflict for the rule for all stations, which can be disabled."""
    if rule.is_for_all:
        raise Conflict("The rule for all stations can be disabled and not deleted.")
    rule.delete()


def checked(code: str, parameters: Any) -> dict[str, int]:
    """The given parameters of a code. Raises Invalid with the name and what is allowed."""
    if not isinstance(parameters, dict):
        raise Invalid("Must be an object.", field="parameters")
    known = {each.name: each for each in CODES[code].parameters}
    for name, value in parameters.items():
        one = known.get(name)
        if one is None:
            allowed = ", ".join(known) or "none"
            raise Invalid(f"Has no parameter {name}; allowed: {allowed}.", field="parameters")
        if not isinstance(value, int) or isinstance(value, bool) or not one.least <= value <= one.most:
            raise Invalid(
                f"{name} must be a whole number from {one.least:,} to {one.most:,}.", field="parameters"
            )
    return dict(parameters)

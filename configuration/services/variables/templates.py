"""Templates: desired values for the stations of a model, of a site, or for single stations.

A change of a template changes what its stations should have, and is seen as drift. It sends nothing: `apply`
of each station does that, one after the other.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint, Site
from configuration.models import ConfigurationTemplate, TemplateAssignment
from configuration.services.variables import desired
from ocpp_server.domain import Conflict, Invalid, Missing
from ocpp_server.error_codes import Code

MOST_VALUES: Final = 100


def create(**settings: Any) -> ConfigurationTemplate:
    """Create a template. Raises Invalid, and Conflict when the name exists (case makes no difference)."""
    return _save(ConfigurationTemplate(), settings)


def change(template: ConfigurationTemplate, **settings: Any) -> None:
    """Change the given settings; the dialect stays. Raises Invalid, Conflict."""
    if settings.get("dialect", template.dialect) != template.dialect:
        raise Invalid("The dialect of a template can't be changed.", field="dialect")
    with transaction.atomic():
        _save(template, settings)
        desired.mark_stale(desired.targets(template.assignments.all()))


def delete(template: ConfigurationTemplate) -> None:
    """Delete a template. Its stations keep the values that they have, and none of them is desired any more,
    unless another template has it.
    """
    with transaction.atomic():
        desired.mark_stale(desired.targets(template.assignments.all()))
        template.delete()


def _save(template: ConfigurationTemplate, settings: dict[str, Any]) -> ConfigurationTemplate:
    for name, value in settings.items():
        setattr(template, name, value.strip() if name in ("name", "description") else value)
    if not template.name:
        raise Invalid("Must not be blank.", field="name")
    template.values = checked(template.values, template.dialect)
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError:
        raise Conflict(
            f"A template {template.name} already exists.", field="name", code=Code.DUPLICATE
        ) from None
    return template


def checked(values: dict[str, str], dialect: str) -> dict[str, str]:
    """The values with trimmed keys. Raises Invalid."""
    if not 1 <= len(values) <= MOST_VALUES:
        raise Invalid(f"Must have 1 to {MOST_VALUES} values.", field="values")
    checked: dict[str, str] = {}
    for key, value in values.items():
        try:
            desired.check(key, value, dialect=dialect)
        except Invalid as error:
            raise Invalid(f"{key}: {error.sentence}", field="values") from None
        if key.strip().casefold() in {known.casefold() for known in checked}:
            raise Invalid(f"{key} is there twice; case makes no difference.", field="values")
        checked[key.strip()] = value
    return checked


def assign(
    template: ConfigurationTemplate,
    *,
    charge_point: ChargePoint | None = None,
    site: Site | None = None,
    vendor: str = "",
    model: str = "",
) -> TemplateAssignment:
    """Assign a template to one station, to a site, or to a model (of one vendor, or of any).

    Raises Invalid unless exactly one is named, and Conflict for an assignment that exists.
    """
    named = [one for one in (charge_point, site, model) if one]
    if len(named) != 1 or (vendor and not model):
        raise Invalid("Name one station, one site, or one model.", field="model")
    try:
        with transaction.atomic():
            made = TemplateAssignment.objects.create(
                template=template, charge_point=charge_point, site=site, vendor=vendor, model=model
            )
            desired.mark_stale(desired.targets([made]))
    except IntegrityError:
        raise Conflict("The template is assigned to it already.", code=Code.DUPLICATE) from None
    return made


def unassign(assignment: TemplateAssignment) -> None:
    """End an assignment. The stations keep the values that they have."""
    with transaction.atomic():
        desired.mark_stale(desired.targets([assignment]))
        assignment.delete()


def template_of(number: int) -> ConfigurationTemplate:
    """The template of this number. Raises Missing."""
    found = ConfigurationTemplate.objects.filter(pk=number).first()
    if found is None:
        raise Missing(f"Template {number} not found.")
    return found


def use(charge_point: ChargePoint, template: ConfigurationTemplate) -> None:
    """Assign a template to one station, if it does not have it, and make its values the desired ones.

    A campaign calls it before `apply`. Raises Conflict for a station of the other dialect.
    """
    if template.dialect != desired.dialect_of(charge_point):
        raise Conflict(f"The template {template} is for OCPP {template.dialect}.", code=Code.NOT_SUPPORTED)
    has_it = any(one.template_id == template.pk for one in desired.assigned(charge_point))
    with transaction.atomic():
        if not has_it:
            TemplateAssignment.objects.create(template=template, charge_point=charge_point)
        desired.resolve(charge_point)

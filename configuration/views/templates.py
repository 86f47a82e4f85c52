"""Templates of desired values over REST, and the stations that they are for."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import named_site, station
from configuration.filters import AssignmentQuery, TemplateQuery
from configuration.models import ConfigurationTemplate, TemplateAssignment
from configuration.serializers import (
    AssignmentBody,
    AssignmentSerializer,
    TemplateBody,
    TemplateChanges,
    TemplateSerializer,
)
from configuration.services.variables import templates
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.domain import Invalid, Missing


def template(text: str, *, lock: bool = False) -> ConfigurationTemplate:
    """The template of this number. Raises Invalid for a bad number, Missing."""
    return by_number(
        ConfigurationTemplate.objects.all(), text, noun="template", field="template_id", lock=lock
    )


TEMPLATE = Lookup("template_id", "The number of the template.", find=template)


class TemplateViewSet(ResourceViewSet):
    tag, noun = "Configuration", "template"
    queryset = ConfigurationTemplate.objects.order_by("name_key", "pk")
    serializer_class = TemplateSerializer
    deletions = ConfigurationTemplate
    lookup = TEMPLATE
    operations = (
        List(TemplateQuery),
        Get(),
        Create(TemplateBody, templates.create),
        Change(
            TemplateChanges,
            templates.change,
            description="Stations show the difference as drift. Nothing is sent to them.",
        ),
        Delete(templates.delete, description="Its stations keep the values that they have."),
    )


class AssignmentViewSet(ResourceViewSet):
    tag, noun = "Configuration", "assignment"
    component = "TemplateAssignment"
    label = "Assignment {row.pk}"
    serializer_class = AssignmentSerializer
    deletions = TemplateAssignment
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "site": Expansion("site", "chargepoints.views.sites.SiteViewSet"),
    }
    parent = TEMPLATE
    lookup = Lookup("assignment_id", "The number of the assignment.")
    operations = (
        List(AssignmentQuery, summary="List the stations, sites and models that a template is for"),
        Get(),
        Create(
            AssignmentBody,
            templates.assign,
            description="To one station, to a site, or to a model. One for the station wins over one for its "
            "site, and that over one for its model.",
        ),
        Delete(templates.unassign),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().assignments.select_related("charge_point").order_by("pk")
        return rows

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if (client_id := given.pop("clientId", None)) is not None:
            try:
                given["charge_point"] = station(client_id)
            except Missing as missing:
                raise Invalid(missing.sentence, field="clientId") from None
        if (site_id := given.pop("siteId", None)) is not None:
            given["site"] = named_site(site_id)
        return given

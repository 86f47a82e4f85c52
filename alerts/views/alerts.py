"""Alerts over REST: the alerts, their notes, and the rules."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from alerts.filters.alerts import AlertNoteQuery, AlertQuery, AlertRuleQuery
from alerts.models import Alert, AlertNote, AlertRule
from alerts.serializers.alerts import (
    AcknowledgeBody,
    AlertNoteBody,
    AlertNoteSerializer,
    AlertRuleBody,
    AlertRuleChanges,
    AlertRuleSerializer,
    AlertSerializer,
    AssignBody,
    ResolveBody,
    SnoozeBody,
)
from alerts.services import handling, rules
from chargepoints.views.lookups import STATION, named_site
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.domain import Invalid, Missing
from ocpp_server.rights import Right, role_for

TAG = "Alerts"


def _alert(text: str, *, lock: bool = False) -> Alert:
    """The alert with this number. Raises Missing, and Invalid for a bad number."""
    return by_number(Alert.objects.all(), text, noun="alert", field="alert_id", lock=lock)


_ALERT = Lookup("alert_id", "The number of the alert.", find=_alert)


class AlertViewSet(ResourceViewSet):
    """The alerts. The server changes them without a request, so an alert has no ETag."""

    tag, noun = TAG, "alert"
    label = "Alert {row.pk}"
    has_etag = False
    write_role = role_for(Right.ALERTS)
    queryset = Alert.objects.select_related("site", "assignee").order_by("-pk")
    serializer_class = AlertSerializer
    lookup = Lookup("alert_id", "The number of the alert.")
    operations = (
        List(
            AlertQuery,
            summary="List alerts, newest first",
            description="`resolved=false&suppressed=false` are the alerts that need attention.",
        ),
        Get(),
        Act(
            "acknowledge",
            handling.acknowledge,
            AcknowledgeBody,
            passes_actor=True,
            also=(409,),
            sentence="Alert {row.pk} acknowledged.",
            description="The alert stays unresolved, and is repeated and escalated no more. The "
            "acknowledgement lapses after 24 hours, or when the severity rises.",
        ),
        Act(
            "snooze",
            handling.snooze,
            SnoozeBody,
            passes_actor=True,
            also=(409,),
            description="Nothing is sent about the alert until this time.",
        ),
        Act(
            "resolve",
            handling.resolve,
            ResolveBody,
            passes_actor=True,
            also=(409,),
            description="The same cause opens nothing until it was over once, unless the rule `reopens`.",
        ),
        Act(
            "assign",
            handling.assign,
            AssignBody,
            passes_actor=True,
            also=(409,),
            sentence="Alert {row.pk} assigned.",
            description="An operator works on it.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"assignee": _operator(given["assignee"])} if self.action == "assign" else given


class AlertNoteViewSet(ResourceViewSet):
    """The notes about an alert. They are evidence: they can't be changed."""

    tag, noun = TAG, "note about an alert"
    nouns, key, component, label = "notes", "notes", "AlertNote", "Note {row.pk}"
    write_role = role_for(Right.ALERTS)
    serializer_class = AlertNoteSerializer
    parent = _ALERT
    lookup = Lookup("note_id", "The number of the note.")
    operations = (
        List(AlertNoteQuery, summary="List the notes about an alert"),
        Get(summary="Get a note about an alert"),
        Create(
            AlertNoteBody,
            handling.add_note,
            passes_actor=True,
            summary="Add a note to an alert",
            sentence="Note {row.pk} added.",
        ),
    )

    def get_queryset(self) -> QuerySet[AlertNote]:
        return AlertNote.objects.filter(alert=self.parent_row()).order_by("pk")


class AlertRuleViewSet(ResourceViewSet):
    tag, noun, key = TAG, "alert rule", "alertRules"
    label = "Rule {row.code}"
    deletions = AlertRule
    write_role = role_for(Right.ALERT_RULES)
    queryset = AlertRule.objects.select_related("charge_point").order_by("code", "pk")
    serializer_class = AlertRuleSerializer
    lookup = Lookup("rule_id", "The number of the rule.")
    operations = (
        List(AlertRuleQuery, summary="List the rules of alerts"),
        Get(),
        Create(
            AlertRuleBody,
            rules.copy,
            passes_actor=True,
            also=(409,),
            summary="Copy a rule for a site or a station",
            description="It begins with the settings of the rule for all stations, and counts before it.",
        ),
        Change(AlertRuleChanges, rules.change, passes_actor=True),
        Act(
            "reset",
            rules.reset,
            passes_actor=True,
            sentence="Rule {row.code} has its defaults again.",
            description="Replaces severity, times and limits by the defaults of the code.",
        ),
        Delete(
            rules.delete,
            also=(409,),
            description="Only a copy can be deleted; the rule for all stations can be disabled.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.action != "create":
            return given
        site, identity = given.pop("siteId", None), given.pop("clientId", None)
        if site is not None:
            given["site"] = named_site(site, "siteId")
        if identity is not None:
            try:
                given["charge_point"] = STATION.found(identity, lock=False)
            except Missing as error:
                raise Invalid(error.sentence, field="clientId") from None
        return given


def _operator(login: str | None) -> User | None:
    """The operator with this login. Raises Invalid."""
    if login is None:
        return None
    found: User | None = User.objects.filter(username=login).first()
    if found is None:
        raise Invalid(f"There is no operator {login}.", field="assignee")
    return found

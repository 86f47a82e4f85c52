"""Recipients of notices, and the log of notices, over REST."""

from __future__ import annotations

from typing import Any

from alerts.filters.recipients import NoticeQuery, RecipientQuery
from alerts.models import AlertRecipient, Notification
from alerts.serializers.recipients import (
    NoticeSerializer,
    RecipientBody,
    RecipientChanges,
    RecipientSerializer,
)
from alerts.services.notices import recipients
from chargepoints.models import Site
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right, role_for


def _send_test(recipient: AlertRecipient) -> None:
    recipients.send_test(recipient)


class RecipientViewSet(ResourceViewSet):
    tag, noun, key = "Alerts", "alert recipient", "alertRecipients"
    deletions = AlertRecipient
    write_role = role_for(Right.ALERT_RECIPIENTS)
    queryset = (
        AlertRecipient.objects.select_related("user").prefetch_related("sites").order_by("name_key", "pk")
    )
    serializer_class = RecipientSerializer
    lookup = Lookup("recipient_id", "The number of the recipient.")
    operations = (
        List(RecipientQuery),
        Get(),
        Create(
            RecipientBody,
            recipients.create,
            description="A recipient gets mails about the alerts that it has chosen. It needs an address or "
            "an operator.",
        ),
        Change(RecipientChanges, recipients.change),
        Delete(recipients.delete, description="The log of its notices is deleted with it."),
        Act(
            "test",
            _send_test,
            summary="Send a test to an alert recipient",
            sentence="Test for {row} queued.",
            description="The mail leaves within seconds, also in quiet hours. The notice of the kind `test` "
            "in `/api/v1/alert-notices` shows whether the mail server has taken it. Refused with 409 while "
            "EMAIL_URL is not set, and for a recipient that is disabled or has no address.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "operator" in given:
            given["user"] = recipients.operator(given.pop("operator"))
        if "sites" in given:
            wanted = set(given["sites"])
            given["sites"] = list(Site.objects.filter(pk__in=wanted))
            if missing := wanted - {site.pk for site in given["sites"]}:
                raise Invalid(f"Site {min(missing)} not found.", field="siteIds")
        return given


class NoticeViewSet(ResourceViewSet):
    tag, noun, key = "Alerts", "alert notice", "alertNotices"
    label = "Alert notice {row.pk}"
    queryset = Notification.objects.select_related("recipient").order_by("-pk")
    serializer_class = NoticeSerializer
    lookup = Lookup("notice_id", "The number of the notice.")
    operations = (
        List(NoticeQuery, summary="List the notices about alerts, newest first"),
        Get(summary="Get a notice about an alert"),
    )

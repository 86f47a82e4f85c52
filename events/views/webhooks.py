"""Webhooks and their deliveries over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.decorators import action as extra_action
from rest_framework.request import Request
from rest_framework.response import Response

from events.filters.webhooks import DeliveryQuery, WebhookQuery
from events.models import WebhookEndpoint
from events.serializers.webhooks import (
    DeliverySerializer,
    EnableBody,
    ReplayBody,
    ReplaySerializer,
    RotateBody,
    TestResultSerializer,
    WebhookBody,
    WebhookChanges,
    WebhookSerializer,
)
from events.services.webhooks import endpoints
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List, NothingBody
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.rights import Right, role_for


def _webhook(text: str, *, lock: bool = False) -> WebhookEndpoint:
    return by_number(WebhookEndpoint.objects.all(), text, noun="webhook", field="webhook_id", lock=lock)


WEBHOOK = Lookup("webhook_id", "The number of the webhook.", find=_webhook)


class WebhookViewSet(ResourceViewSet):
    """The sender changes a webhook with every delivery, so it has no ETag."""

    tag, noun, has_etag = "Webhooks", "webhook", False
    read_role = write_role = role_for(Right.WEBHOOKS)
    queryset = WebhookEndpoint.objects.order_by("pk")
    serializer_class = WebhookSerializer
    deletions = WebhookEndpoint
    lookup = WEBHOOK
    operations = (
        List(WebhookQuery),
        Get(),
        Create(
            WebhookBody,
            endpoints.create,
            description="It gets every event from now on that passes its filters, at least once and in order "
            "for each station. At most 50. `secret` is shown in this answer only.",
        ),
        Change(WebhookChanges, endpoints.change),
        Delete(endpoints.delete, description="Its log is deleted too."),
        Act(
            "pause",
            endpoints.pause,
            also=(409,),
            description="Nothing is sent. Events wait until it is enabled, for as long as they are kept.",
        ),
        Act(
            "enable",
            endpoints.enable,
            EnableBody,
            also=(409,),
            description="Sends again after a pause, or after failures have disabled the webhook.",
        ),
        Act(
            "rotate-secret",
            endpoints.rotate,
            RotateBody,
            sentence="The secret of webhook {row} was rotated.",
            summary="Rotate the secret of a webhook",
            description="`secret` is shown in this answer only. Until the overlap is over, requests have two "
            "signatures.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.action == "create":
            return {**given, "created_by": actor(self.request)}
        if "overlapHours" in given:
            return {"overlap": timedelta(hours=given["overlapHours"])}
        return given

    def respond(self, sentence: str, shown: dict[str, Any], *, made: Any = None) -> Response:
        response = super().respond(sentence, shown, made=made)
        if "secret" in shown:
            response.shown_once = frozenset({"secret"})  # type: ignore[attr-defined]
        return response

    @described(
        "Send a test to a webhook",
        enveloped("TestResult", TestResultSerializer),
        tag="Webhooks",
        path=WEBHOOK.path,
        body=NothingBody,
        changes=True,
        description="Sends one `webhook.test` now and waits up to 10 s for the answer. It may be sent to a "
        "webhook that is paused or disabled, and is not in the log.",
    )
    @extra_action(detail=True, methods=["post"], url_path="test")
    def test(self, request: Request, **path: str) -> Response:
        body(NothingBody, request)
        row = self.find()
        result = endpoints.test(row)
        sentence = result.error or f"The receiver answered {result.status}."
        shown = dict(TestResultSerializer(result).data)
        return answer(sentence, shown, success=shown["isDelivered"])

    @described(
        "Replay events to a webhook",
        enveloped("Replay", ReplaySerializer),
        tag="Webhooks",
        path=WEBHOOK.path,
        body=ReplayBody,
        changes=True,
        description="Sends the stored events since a time once more, at most 10,000, with the header "
        "`Webhook-Replay: 1` and their ids of before. New events go on beside them.",
    )
    @extra_action(detail=True, methods=["post"], url_path="replay")
    def replay(self, request: Request, **path: str) -> Response:
        asked = body(ReplayBody, request)
        row = self.find()
        with transaction.atomic():
            count = endpoints.replay(row, **asked)
        return answer(f"{count} events are sent to webhook {row} once more.", {"count": count})


class DeliveryViewSet(ResourceViewSet):
    tag, noun, nouns, has_etag = "Webhooks", "delivery", "deliveries", False
    key, component = "deliveries", "WebhookDelivery"
    label = "Delivery {row.pk}"
    read_role = write_role = role_for(Right.WEBHOOKS)
    serializer_class = DeliverySerializer
    parent = WEBHOOK
    lookup = Lookup("delivery_id", "The number of the delivery.")
    operations = (
        List(DeliveryQuery, summary="List the deliveries of a webhook, newest first"),
        Get(summary="Get a delivery of a webhook"),
        Act(
            "retry",
            endpoints.retry,
            also=(409,),
            summary="Send a delivery of a webhook once more",
            description="With the same id: the receiver recognizes an event that it has had.",
            sentence="Delivery {row.pk} is sent once more.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().deliveries.order_by("-pk")
        return rows

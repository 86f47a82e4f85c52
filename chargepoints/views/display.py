"""The messages on a station's displays over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import DisplayMessageQuery
from chargepoints.models import DisplayMessage
from chargepoints.serializers.display import DisplayMessageSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class DisplayMessageViewSet(ResourceViewSet):
    """Read only: the commands set-display-message and clear-display-message change what is shown."""

    tag, noun, key = "Display messages", "display message", "displayMessages"
    component = "DisplayMessage"
    has_etag = False
    serializer_class = DisplayMessageSerializer
    parent = STATION
    lookup = Lookup("display_message_id", "The server's id of the message.", str)
    operations = (
        List(
            DisplayMessageQuery,
            summary="List the messages on a station's displays, newest first",
            description="What the station has now: `isCurrent=true`. It follows from the answers and the "
            "reports of the station; get-display-messages compares.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().display_messages.order_by("-created_at", "-pk")
        return rows

    def find(self, *, lock: bool = False) -> DisplayMessage:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        message: DisplayMessage = required(found, key, self.noun)
        return message

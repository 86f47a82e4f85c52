"""Events over REST: pages by position, one event, and the schemas of the types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint
from events.filters import LATEST, EventQuery
from events.models import Event
from events.serializers import EventSerializer, site_names
from events.services import reading
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView
from ocpp_server.domain import Missing
from ocpp_server.events import catalogue

TAG = "Events"
_PAGE = enveloped(
    "Events",
    {
        "events": EventSerializer(many=True),
        "count": serializers.IntegerField(help_text="Events on this page."),
        "next": serializers.CharField(help_text="The `after` of the next page, also when it is empty now."),
        "more": serializers.BooleanField(help_text="Whether there are later events already."),
        "gap": serializers.BooleanField(
            help_text="true: events after the given position were deleted before they were read "
            "(EVENT_RETENTION), or the position is unknown here. Read the resources again."
        ),
    },
)
_DESCRIPTION = (
    "In the order of their positions, which have no gaps. A consumer keeps `next` and requests the events "
    "after it; then it misses none. After a crash it may read an event a second time, with the same `id`."
)


class EventsView(ApiView):
    @described("List events", _PAGE, tag=TAG, query=EventQuery, also=(400,), description=_DESCRIPTION)
    def get(self, request: Request) -> Response:
        asked = query(EventQuery, request)
        conditions = asked.conditions
        if "station" in conditions:
            conditions["station"] = _spelled(conditions["station"])
        after = asked.validated_data.get("after")
        page = reading.read(
            reading.last_position() if after == LATEST else None if after is None else int(after),
            limit=asked.validated_data["limit"],
            conditions=conditions,
        )
        items = EventSerializer(page.events, many=True, context={"prepared": site_names(page.events)}).data
        return answer(
            f"{len(items)} events.",
            {
                "events": items,
                "count": len(items),
                "next": str(page.next),
                "more": page.more,
                "gap": page.gap,
            },
        )


class EventView(ApiView):
    @described(
        "Get an event",
        enveloped("Event", EventSerializer),
        tag=TAG,
        path={"event_id": (OpenApiTypes.STR, "The id of the event.")},
        also=(404,),
    )
    def get(self, request: Request, event_id: str) -> Response:
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in event_id else Event.objects.numbered().filter(uid=event_id).first()
        if found is None:
            raise Missing(f"Event {event_id!r} not found.")
        data = EventSerializer(found, context={"prepared": site_names([found])}).data
        return answer(f"{found.type}.", dict(data))


class EventSchemaView(ApiView):
    """The JSON Schema of a type's data, as plain JSON."""

    @extend_schema(exclude=True)
    def get(self, request: Request, name: str) -> Response:
        found = catalogue.EVENTS.get(name)
        if found is None:
            raise Missing(f"There is no type of event {name!r}.")
        schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **found.schema}
        return Response(schema)


def _spelled(identity: str) -> str:
    """The identity as the station's row spells it; as it is given for a station that was deleted."""
    identity = identity.replace("\0", "")
    return ChargePoint.objects.by_identity(identity).values_list("identity", flat=True).first() or identity

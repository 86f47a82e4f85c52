"""Events over REST: pages by position, a stream, one event, and the schemas of the types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from events.filters.events import (
    LATEST,
    WHOLE,
    EventQuery,
    StreamQuery,
    TicketBody,
    TokensQuery,
    is_position,
    selection,
)
from events.models import Event
from events.serializers.events import EventSerializer, Prepared, TicketSerializer
from events.services import reading, tickets
from events.services.access import holder, still_allowed
from events.services.places import places
from events.services.subscribing import GREETING, Subscriber
from events.services.tickets import Ticket
from ocpp_server import rights
from ocpp_server.api.authentication import SCHEME, actor, principal
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView, body
from ocpp_server.bounds import callers, continuing
from ocpp_server.credentials import Role
from ocpp_server.domain import Missing
from ocpp_server.events import catalogue
from ocpp_server.rights import Right

log = structlog.get_logger(__name__)

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

_STREAM = (
    "Server-Sent Events: each event is a record with its position as `id`, its type as `event` and the event "
    "as one line of JSON as `data`. A client that connects again sends the last `id` that it has handled in "
    "the header Last-Event-ID (browsers do so by themselves) and gets all events after it. The first record "
    "is `stream.reset` when events after that position were deleted, or the position is unknown here: then "
    "read the resources again. A comment comes at least every 15 seconds. The server ends a stream after "
    "about an hour, and when the client reads too slowly; at most 10 streams of a caller are open in one "
    "process."
)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
    OpenApiParameter.HEADER,
    description="The position of the last event that the client has handled.",
)


class EventsView(ApiView):
    is_of_sites = True

    @described("List events", _PAGE, tag=TAG, query=EventQuery, also=(400,), description=_DESCRIPTION)
    def get(self, request: Request) -> Response:
        asked = query(EventQuery, request)
        after = asked.validated_data.get("after")
        page = reading.read(
            reading.last_position() if after == LATEST else None if after is None else int(after),
            limit=asked.validated_data["limit"],
            conditions=asked.selection.conditions,
        )
        prepared = Prepared.of(page.events, with_tokens=sees_tokens(request, asked.validated_data))
        items = EventSerializer(page.events, many=True, context={"prepared": prepared}).data
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


class TicketAuthentication(BaseAuthentication):
    """`?ticket=` of a stream, in place of other credentials."""

    def authenticate(self, request: Request) -> tuple[Any, Ticket]:
        ticket = tickets.redeem(request.query_params["ticket"])
        user = None if ticket is None else holder(ticket.caller)
        if ticket is None or user is None:
            raise AuthenticationFailed(f"This ticket is unknown, used or older than {tickets.TICKET_S} s.")
        callers.release(request._request)
        return user, ticket

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class EventStreamView(ApiView):
    """The stream of events: this view answers with the first bytes, and a `Subscriber` sends the rest."""

    is_of_sites = True

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Django's request; the OpenAPI document is made without one.
        given = getattr(self.request, "GET", {}) if self.request is not None else {}
        return [TicketAuthentication()] if "ticket" in given else super().get_authenticators()

    @described(
        "Stream events",
        {"text/event-stream": OpenApiTypes.STR},
        tag=TAG,
        query=StreamQuery,
        also=(400,),
        description=_STREAM,
        headers=(LAST_EVENT_ID,),
    )
    def get(self, request: Request) -> HttpResponse:
        given = query(StreamQuery, request).validated_data
        after = _last_event_id(request) or given.get("after", LATEST)
        position = reading.last_position() if after == LATEST else int(after)
        response = HttpResponse(GREETING, content_type="text/event-stream; charset=utf-8")
        if isinstance(request.auth, Ticket):
            given = request.auth.filters
            # A page of any origin may read the answer, because it has shown a ticket and no cookie counts.
            response["Access-Control-Allow-Origin"] = "*"
        shows_tokens = sees_tokens(request, given)
        # nginx would keep the events until its buffer is full.
        response["X-Accel-Buffering"] = "no"
        if request.method == "GET" and continuing.is_possible(request._request):
            caller = principal(request)
            places.take(caller)
            subscriber = Subscriber(
                selection(given), position, caller, still_allowed(request.user), sees_tokens=shows_tokens
            )
            continuing.set_continuation(request._request, subscriber)
        return response


class TicketsView(ApiView):
    """Tickets for streams. Reading is enough for one."""

    is_of_sites = True
    write_role = Role.VIEWER

    @described(
        "Create a ticket for a stream of events",
        enveloped("EventTicket", TicketSerializer),
        tag=TAG,
        status=201,
        body=TicketBody,
        changes=True,
        also=(400,),
        description="For browsers of another origin, whose EventSource can send no header: open `url` of the "
        "answer within 60 seconds. The ticket works once, with the filters of this request and the rights of "
        "its caller. After a lost connection create another one, and add `&after=` with the last id.",
    )
    def post(self, request: Request) -> Response:
        given = body(TicketBody, request)
        sees_tokens(request, given)
        plain, until = tickets.issue(Ticket(principal(request), given))
        url = f"{reverse('event-stream')}?ticket={plain}"
        data = TicketSerializer({"ticket": plain, "expiresAt": until, "url": url}).data
        return answer("Ticket created.", data, status=201)


def sees_tokens(request: Request, asked: Mapping[str, Any]) -> bool:
    """Whether the events of this request have whole uids of tokens. Raises PermissionDenied."""
    if asked["tokens"] != WHOLE:
        return False
    if not rights.allows(request.user, Right.PERSONAL_DATA):
        raise PermissionDenied(f"tokens=whole needs the role {rights.role_for(Right.PERSONAL_DATA)}.")
    log.info("events.whole_tokens", actor=actor(request))
    return True


def _last_event_id(request: Request) -> str:
    """The header Last-Event-ID; empty without one. Raises ValidationError."""
    word: str = request.headers.get("Last-Event-ID", "")
    if word and not is_position(word):
        raise serializers.ValidationError({"Last-Event-ID": ["Must be a position (digits)."]})
    return word


class EventView(ApiView):
    is_of_sites = True

    @described(
        "Get an event",
        enveloped("Event", EventSerializer),
        tag=TAG,
        path={"event_id": (OpenApiTypes.STR, "The id of the event.")},
        query=TokensQuery,
        also=(400, 404),
        description="The same object as in the list. An event never changes; it is deleted after its "
        "retention.",
    )
    def get(self, request: Request, event_id: str) -> Response:
        # PostgreSQL refuses a query for text with NUL.
        rows = Event.objects.numbered().of_caller()
        found = None if "\0" in event_id else rows.filter(uid=event_id).first()
        if found is None:
            raise Missing(f"Event {event_id!r} not found.")
        with_tokens = sees_tokens(request, query(TokensQuery, request).validated_data)
        prepared = Prepared.of([found], with_tokens=with_tokens)
        data = EventSerializer(found, context={"prepared": prepared}).data
        return answer(f"{found.type}.", dict(data))


class EventSchemaView(ApiView):
    """The JSON Schema of a type's data, as plain JSON."""

    is_of_sites = True

    @extend_schema(exclude=True)
    def get(self, request: Request, name: str) -> Response:
        found = catalogue.EVENTS.get(name)
        if found is None:
            raise Missing(f"There is no type of event {name!r}.")
        schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **found.schema}
        return Response(schema)

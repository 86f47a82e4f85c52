"""Liveness, readiness, the connected stations, and metrics for Prometheus."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server import live, sites
from ocpp_server.api import server
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer, refusal
from ocpp_server.api.fields import ReadSerializer, TimeField, rfc3339
from ocpp_server.api.views import ApiView
from ocpp_server.api.waiting import release_connection
from ocpp_server.error_codes import Code
from ocpp_server.observability import metrics

TAG = "Health"
# Clients of older systems compare this text.
RUNNING = "OCPP Server is running"


class ClientsSerializer(ReadSerializer):
    clients = serializers.ListField(child=serializers.CharField())
    count = serializers.IntegerField()


class HealthView(ApiView):
    """The one endpoint that needs no credentials."""

    is_of_sites = True
    authentication_classes = ()
    permission_classes = ()

    @described(
        "Whether the server is running",
        enveloped("Health", {"timestamp": TimeField()}),
        tag=TAG,
        description="The process answers. Whether it can serve stations is at /health/ready.",
    )
    def get(self, request: Request) -> Response:
        return answer(RUNNING, {"timestamp": rfc3339(timezone.now())})


class ReadyView(ApiView):
    is_of_sites = True
    is_probed = True  # API keys are cached (`probes`), because probes run while the database is down
    throttle_classes = ()  # the throttle uses Redis, which may hang

    @described(
        "Whether the server can serve stations",
        enveloped(
            "Ready",
            {
                "timestamp": TimeField(),
                "parts": serializers.DictField(help_text="Each part with `ok` and `detail`."),
            },
        ),
        tag=TAG,
        also=(503,),
        description="503 while a part is down: database, journal, channelLayer, disk (SQLite), with Redis "
        "redis and queue; or while the server is shutting down. Answers within four seconds.",
    )
    def get(self, request: Request) -> Response:
        parts = state_of_parts()
        down = sorted(name for name, part in parts.items() if not part["ok"])
        data = {"timestamp": rfc3339(timezone.now()), "parts": parts}
        if down:
            return refusal(f"Not ready: {', '.join(down)}.", 503, data, code=Code.NOT_READY)
        return answer("The server is ready.", data)

    def handle_exception(self, exc: Exception) -> Response:
        """While the database is down and a key can't be checked, any caller gets only the state of the
        database.
        """
        response = super().handle_exception(exc)
        if isinstance(exc, (OperationalError, InterfaceError)):
            away = {"ok": False, "detail": "The database does not answer."}
            now = rfc3339(timezone.now())
            data = {"timestamp": now, "parts": {"database": away}}
            headers = {"Retry-After": "10"}
            return refusal(
                "Not ready: database.", response.status_code, data, code=Code.DATABASE_AWAY, headers=headers
            )
        return response


class ClientsView(ApiView):
    is_of_sites = True

    @described(
        "List the stations that are online now",
        enveloped("Clients", ClientsSerializer),
        tag=TAG,
        description="Their identities, over all processes and gateways, in one answer. "
        "`GET /api/v1/chargepoints` has all stations with their details.",
    )
    def get(self, request: Request) -> Response:
        connected = live.state().connected()
        if sites.is_limited():
            theirs = sites.port.app.identities()
            connected = [identity for identity in connected if identity in theirs]
        sentence = f"{len(connected)} stations are connected."
        return answer(sentence, {"clients": connected, "count": len(connected)})


class MetricsView(ApiView):
    is_of_sites = False
    is_probed = True
    throttle_classes = ()

    @described(
        "Metrics for Prometheus",
        {"text/plain": OpenApiTypes.STR},
        tag=TAG,
        description="In Prometheus' configuration: `authorization: {type: Api-Key, credentials: <key>}`. "
        "docs/observability.md explains each metric.",
    )
    def get(self, request: Request) -> HttpResponse:
        text, kind = metrics.exposition()
        return HttpResponse(text, content_type=kind)


def state_of_parts() -> dict[str, Any]:
    """Each part of the server with `ok` and `detail`. Without an ASGI lifespan the engine starts with the
    first station; before that, only the database is checked.
    """
    if server.port.app.is_running():
        release_connection()
        return async_to_sync(server.port.app.status)()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return {"database": {"ok": False, "detail": str(error)}}
    return {
        "database": {"ok": True, "detail": "The database answers."},
        "journal": {"ok": True, "detail": "Starts with the first station."},
    }

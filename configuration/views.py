"""A station's configuration over REST: the stored keys, and the station's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.views.commanding import command_answer, documented, perform, send
from chargepoints.views.lookups import STATION_PATH, station
from configuration.commands import variables
from configuration.commands.variables import CHANGE_CONFIGURATION, GET_CONFIGURATION
from configuration.serializers import (
    ChangeBody,
    ChangedSerializer,
    KeysQuery,
    LiveKeysQuery,
    LiveSerializer,
    StoredSerializer,
    entries,
)
from configuration.services.variables import catalogue
from ocpp_server.api.command_bodies import body_of
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView, body
from ocpp_server.domain import StationOffline

TAG = "Configuration"
CHANGE = body_of(CHANGE_CONFIGURATION)
T = TypeVar("T")
_SUCCESSFUL = (catalogue.ACCEPTED, catalogue.REBOOT_REQUIRED)


class ConfigurationView(ApiView):
    @described(
        "Get the stored keys",
        enveloped("Stored", StoredSerializer),
        tag=TAG,
        path=STATION_PATH,
        query=KeysQuery,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        keys = query(KeysQuery, request).asked()
        charge_point = station(client_id)
        found, unknown = catalogue.stored_sync(charge_point.pk, keys)
        return answer(f"{len(found)} stored keys of {charge_point.identity}.", entries(found, unknown))

    @described(
        "Change a stored key without asking the station",
        enveloped("Changed", ChangedSerializer),
        tag=TAG,
        path=STATION_PATH,
        body=ChangeBody,
        changes=True,
        also=(400,),
    )
    def put(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        asked = body(ChangeBody, request)
        status = catalogue.change(charge_point, asked["key"], asked["value"])
        sentence = f"{asked['key']} of {charge_point.identity}: {status}."
        return answer(sentence, {"status": status, "key": asked["key"]}, success=status in _SUCCESSFUL)


class ExportView(ApiView):
    @described(
        "Export all stored keys", enveloped("StoredExport", StoredSerializer), tag=TAG, path=STATION_PATH
    )
    def get(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        found = catalogue.stored(charge_point)
        return answer(f"All {len(found)} stored keys of {charge_point.identity}.", entries(dict(found), []))


class LiveConfigurationView(ApiView):
    read_role = GET_CONFIGURATION.role  # the request sends a command to the station
    write_role = CHANGE_CONFIGURATION.role

    @described(
        "Read the station's own configuration",
        enveloped("Live", LiveSerializer),
        tag=TAG,
        path=STATION_PATH,
        query=LiveKeysQuery,
        waits=True,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        asked = query(LiveKeysQuery, request)
        keys = asked.asked() or []
        charge_point = station(client_id)
        timeout = asked.validated_data.get("timeout")
        found = _asked(send, request, variables.read, charge_point, keys=keys, timeout=timeout)
        if not found.is_answered:
            return command_answer(found.command, charge_point, found.data)
        # Unknown keys do not make an answer fail, in 1.6 and in 2.x.
        command_id, station_id = found.command.id, charge_point.identity
        shared = {"requestId": command_id, "clientId": station_id, "status": catalogue.ACCEPTED}
        sentence = f"{station_id} reported {len(found.keys)} keys."
        return answer(sentence, {**shared, **found.data})

    @documented(CHANGE_CONFIGURATION, CHANGE, tag=TAG, path=STATION_PATH)
    def put(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        return _asked(perform, request, CHANGE_CONFIGURATION, charge_point, body(CHANGE, request))


def _asked(how: Callable[..., T], request: Request, *args: Any, **arguments: Any) -> T:
    try:
        return how(request, *args, **arguments)
    except StationOffline as error:
        note = f"{error.sentence} Stored values are at {request.path.removesuffix('/live')}."
        raise StationOffline(note, data=error.data) from None

"""A station's configuration over REST: the stored keys, and the station's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint
from chargepoints.views.commanding import command_answer, documented, pending_answer, perform, send
from chargepoints.views.lookups import STATION, station
from configuration.commands import variables
from configuration.commands.variables import CHANGE_CONFIGURATION, GET_CONFIGURATION
from configuration.models import ConfigurationState
from configuration.serializers import (
    ChangeBody,
    ChangedSerializer,
    CollectedQuery,
    CollectedReportSerializer,
    CompareQuery,
    ComparisonSerializer,
    DesiredValueSerializer,
    DifferenceSerializer,
    DriftSerializer,
    KeysQuery,
    LiveKeysQuery,
    LiveSerializer,
    ReadingSerializer,
    StoredSerializer,
    entries,
)
from configuration.services.variables import catalogue, desired, drift, inventory
from ocpp_server.api.command_bodies import body_of
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.domain import Invalid, Missing, StationOffline

CHANGE = body_of(CHANGE_CONFIGURATION)
T = TypeVar("T")
_SUCCESSFUL = (catalogue.ACCEPTED, catalogue.REBOOT_REQUIRED)
_described = partial(described, tag="Configuration", path=STATION.path)


class ConfigurationViewSet(ResourceViewSet):
    """The stored keys are the server's own values for a station. The live ones are asked of the station."""

    tag, noun = "Configuration", "station"
    lookup = STATION

    @_described(
        "Get the stored keys",
        enveloped("Stored", StoredSerializer),
        query=KeysQuery,
        description="The server's own values for the station: it is not asked. `configuration/live` asks "
        "it, and `reported-values` has what it has reported.",
    )
    @action(detail=True, url_path="configuration")
    def stored(self, request: Request, **path: str) -> Response:
        keys = query(KeysQuery, request).asked()
        charge_point = self.find()
        found, unknown = catalogue.stored_sync(charge_point.pk, keys)
        return answer(f"{len(found)} stored keys of {charge_point}.", entries(found, unknown))

    @_described(
        "Change a stored key without asking the station",
        enveloped("Changed", ChangedSerializer),
        body=ChangeBody,
        changes=True,
        description="`status` is Accepted, RebootRequired, Rejected or NotSupported, all with 200. "
        "`configuration/live` changes a key of the station itself.",
    )
    @stored.mapping.put
    def change_stored(self, request: Request, **path: str) -> Response:
        charge_point = self.find()
        asked = body(ChangeBody, request)
        status = catalogue.change(charge_point, **asked)
        sentence = f"{asked['key']} of {charge_point}: {status}."
        return answer(sentence, {"status": status, "key": asked["key"]}, success=status in _SUCCESSFUL)

    @_described(
        "Export all stored keys",
        enveloped("StoredExport", StoredSerializer),
        description="All keys except secrets, also those with a default value.",
    )
    @action(detail=True, url_path="configuration/export")
    def export(self, request: Request, **path: str) -> Response:
        charge_point = self.find()
        found = catalogue.stored(charge_point)
        return answer(f"All {len(found)} stored keys of {charge_point}.", entries(dict(found), []))

    @_described(
        "Compare the desired values with the reported ones",
        enveloped("Drift", DriftSerializer),
        description="`desired` has each desired value with its state, `differing` counts those that the "
        "station does not have, and `reading` says when its configuration was read. `apply-configuration` "
        "sends them.",
    )
    @action(detail=True, url_path="configuration/drift")
    def drift(self, request: Request, **path: str) -> Response:
        charge_point = self.find()
        rows = desired.differences(charge_point)
        differing = sum(row.state not in drift.SETTLED for row in rows)
        state = ConfigurationState.objects.filter(pk=charge_point.pk).first() or ConfigurationState()
        shown = {
            "clientId": charge_point.identity,
            "differing": differing,
            "desired": DesiredValueSerializer(
                rows, many=True, context={"prepared": drift.reported_of(rows)}
            ).data,
            "reading": ReadingSerializer(state).data,
        }
        return answer(f"{differing} of {len(rows)} desired values of {charge_point} differ.", shown)

    @_described(
        "Compare the reported configuration with that of another station",
        enveloped("Comparison", ComparisonSerializer),
        query=CompareQuery,
        description="Keys that differ, or that only one of both has reported. `same` counts the equal ones.",
    )
    @action(detail=True, url_path="configuration/compare")
    def compare(self, request: Request, **path: str) -> Response:
        here = self.find()
        there = _other(query(CompareQuery, request).validated_data["with"])
        found, same = drift.compare(here, there)
        shown = {
            "clientId": here.identity,
            "otherId": there.identity,
            "differences": DifferenceSerializer(found, many=True).data,
            "count": len(found),
            "same": same,
        }
        return answer(f"{len(found)} keys of {here} and {there} differ.", shown)

    @_described(
        "Get a report of variables with the parts that have arrived",
        enveloped("CollectedReport", CollectedReportSerializer),
        query=CollectedQuery,
        description="A report that a command has asked for, by its number. `state` says whether all parts "
        "have arrived, and `missing` which have not.",
    )
    @action(detail=True, url_path="configuration/report")
    def report(self, request: Request, **path: str) -> Response:
        charge_point = self.find()
        number = query(CollectedQuery, request).validated_data["requestId"]
        collected = inventory.collected(charge_point.pk, number)
        if collected is None:
            raise Missing(f"{charge_point} has sent no report {number} of variables.")
        found, keys, is_cut = collected
        payload = found.command.payload if found.command is not None else {}
        shown = {
            "requestId": found.request_id,
            "clientId": charge_point.identity,
            "reportBase": payload.get("reportBase", ""),
            "state": found.state,
            "parts": found.parts,
            "missing": found.missing,
            "truncated": is_cut,
            "configuration": keys,
        }
        return answer(f"Report {number} of {charge_point}: {len(keys)} variables.", shown)

    # The request sends a command to the station, so its role is needed to read, too.
    @_described(
        "Read the station's own configuration",
        enveloped("Live", LiveSerializer),
        query=LiveKeysQuery,
        waits=True,
        description="Sends GetConfiguration (1.6) or GetVariables (2.x) and waits for the answer. An offline "
        "station is 503; its stored and reported values are at `configuration` and `reported-values`.",
    )
    @action(
        detail=True,
        url_path="configuration/live",
        read_role=GET_CONFIGURATION.role,
        write_role=CHANGE_CONFIGURATION.role,
    )
    def live(self, request: Request, **path: str) -> Response:
        asked = query(LiveKeysQuery, request)
        keys, timeout = asked.asked() or [], asked.validated_data.get("timeout")
        charge_point = self.find()
        found = _asked(send, request, variables.read, charge_point, keys=keys, timeout=timeout)
        if found.pending:
            return pending_answer(found.command, charge_point, found.pending)
        if not found.is_answered or found.is_refused:
            return command_answer(found.command, charge_point, found.data)
        # Unknown keys do not make an answer fail, in 1.6 and in 2.x.
        command_id, station_id = found.command.id, charge_point.identity
        shared = {"requestId": command_id, "clientId": station_id, "status": catalogue.ACCEPTED}
        return answer(f"{station_id} reported {len(found.keys)} keys.", {**shared, **found.data})

    @documented(CHANGE_CONFIGURATION, CHANGE, tag="Configuration", path=STATION.path)
    @live.mapping.put
    def change_live(self, request: Request, **path: str) -> Response:
        return _asked(perform, request, CHANGE_CONFIGURATION, self.find(), body(CHANGE, request))


def _other(identity: str) -> ChargePoint:
    try:
        return station(identity)
    except Missing as missing:
        raise Invalid(missing.sentence, field="with") from None


def _asked(how: Callable[..., T], request: Request, *args: Any, **arguments: Any) -> T:
    """Send, and name the stored values where the station is offline."""
    try:
        return how(request, *args, **arguments)
    except StationOffline as error:
        note = f"{error.sentence} Stored values are at {request.path.removesuffix('/live')}."
        raise StationOffline(note, data=error.data) from None

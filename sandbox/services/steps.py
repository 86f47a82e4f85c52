"""Steps of virtual stations: requested by callers, taken by the process that runs the stations.

A step is a row, because the caller and the stations may be in different processes. The caller waits for its
end. A step that no process takes is withdrawn, so that nothing happens later that the caller was refused.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from ocpp_server.api.waiting import release_connection
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from sandbox.models import Step, VirtualStation
from sandbox.services import stations

# A station that was just created connects first.
TAKEN_WITHIN_S: Final = 10.0
# How long a station may need for a step, and how long the caller waits for its end.
LONGEST_S: Final = 20.0
WAIT_S: Final = TAKEN_WITHIN_S + LONGEST_S + 5.0
KEPT: Final = timedelta(days=1)
# Steps that wait for one station.
MOST_WAITING: Final = 20
_LOOK_S: Final = 0.1


def plug(station: VirtualStation, *, connector: int = 1) -> VirtualStation:
    """Plug a cable in. Raises Conflict, Invalid, Refused."""
    return _take(station, Step.Kind.PLUG, connector=connector)


def unplug(station: VirtualStation, *, connector: int = 1) -> VirtualStation:
    """Unplug the cable, which ends the session. Raises Conflict, Invalid, Refused."""
    return _take(station, Step.Kind.UNPLUG, connector=connector)


def tap(station: VirtualStation, *, token: str, connector: int = 1) -> VirtualStation:
    """Show a token: it starts or ends a session. Raises Conflict, Invalid, Refused."""
    return _take(station, Step.Kind.TAP, connector=connector, token=token)


def fail_next(station: VirtualStation, *, answer: str, action: str = "") -> VirtualStation:
    """Answer the next command with a refusal, an error or not at all. Raises Conflict, Invalid, Refused."""
    # Imported here: the simulator takes 12 MB, and most processes of a server never need it.
    from simulator import failing, schemas

    if action and action not in schemas.actions(station.ocpp_version):
        raise Invalid(f"OCPP {station.ocpp_version} has no action {action}.", field="action")
    if action and answer == failing.REJECTED and failing.refusal(station.ocpp_version, action) is None:
        raise Invalid(
            f"{action} has no word for a refusal. Name an error, such as InternalError.", field="answer"
        )
    return _take(station, Step.Kind.FAIL_NEXT, answer=answer, action=action)


def _take(station: VirtualStation, kind: Step.Kind, **arguments: Any) -> VirtualStation:
    """Request a step and wait for its end. Returns the station as it is then."""
    stations.require_sandbox()
    if arguments.get("connector", 1) > station.connectors:
        raise Invalid(f"{station} has no connector {arguments['connector']}.", field="connectorId")
    if station.is_ending:
        raise Conflict(f"{station} is being deleted.")
    if station.steps.filter(state=Step.State.WAITING).count() >= MOST_WAITING:
        raise Conflict(f"{station} has {MOST_WAITING} steps to take already.", code=Code.LIMIT_REACHED)
    stations.used(station)
    step = Step.objects.create(station=station, kind=kind, arguments=arguments)
    ended = _awaited(step)
    if ended.state == Step.State.REFUSED:
        raise Conflict(ended.reason)
    return VirtualStation.objects.select_related("charge_point").get(pk=station.pk)


def _awaited(step: Step) -> Step:
    """The step when it has ended. Raises Conflict when no process takes it, or it does not end."""
    began = time.monotonic()
    rows = Step.objects.filter(pk=step.pk)
    while True:
        release_connection()
        time.sleep(_LOOK_S)
        found = rows.first()
        if found is None:
            raise Conflict(f"{step.station} was deleted.")
        if found.state in (Step.State.DONE, Step.State.REFUSED):
            return found
        waited = time.monotonic() - began
        if waited > TAKEN_WITHIN_S and rows.filter(state=Step.State.WAITING).delete()[0]:
            raise Conflict(f"{step.station} is not running: no process of the server runs the sandbox.")
        if waited > WAIT_S:
            raise Conflict(f"{step.station} did not end the step {step.kind} in time.")


# -- in the process that runs the stations -----------------------------------------------------------------


def claim(station_pks: QuerySet[Any] | list[int]) -> list[Step]:
    """The waiting steps of these stations, which are running from now on."""
    waiting = Step.objects.filter(state=Step.State.WAITING, station__in=station_pks).order_by("pk")
    return [
        step
        for step in waiting
        # The caller may have withdrawn it.
        if Step.objects.filter(pk=step.pk, state=Step.State.WAITING).update(state=Step.State.RUNNING)
    ]


def store(step: Step, reason: str = "") -> None:
    """Store the end of a step: done, or refused for a reason."""
    state = Step.State.REFUSED if reason else Step.State.DONE
    Step.objects.filter(pk=step.pk).update(state=state, reason=reason[:300])


def begin_again() -> None:
    """Refuse the steps that a process before this one has not ended."""
    running = Step.objects.filter(state=Step.State.RUNNING)
    running.update(state=Step.State.REFUSED, reason="The process that runs the sandbox was restarted.")


def refuse(station_pk: int) -> None:
    """Refuse the steps that a station has taken and will not end."""
    running = Step.objects.filter(station=station_pk, state=Step.State.RUNNING)
    running.update(state=Step.State.REFUSED, reason="The station failed and is started again.")


def delete_old() -> None:
    """Delete the steps that ended long ago."""
    Step.objects.filter(created_at__lt=datetime.now(UTC) - KEPT).delete()

"""The heartbeat of the alerts themselves: a request every minute to a service that notices when none comes.

It is sent only while the rules are judged, so it stops with the server, its network, its database or the
evaluation. The service outside then raises the alert.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings

from alerts.models import Evaluation
from ocpp_server.outbound import http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Limits, RequestFailed
from ocpp_server.process.scheduler import Job
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

EVERY_S: Final = 60.0
_LIMITS: Final = Limits(connect_s=5.0, total_s=20.0)
# Answers from this status on mean that the service did not take the heartbeat; redirects are not followed.
_REFUSED: Final = 300
# An evaluation may be late by some intervals: a locked table costs a look.
_INTERVALS: Final = 3


def _is_asked_for() -> bool:
    return bool(settings.ALERT_HEARTBEAT_URL)


HEARTBEAT: Final = Job("alert_heartbeat", every=EVERY_S, when=_is_asked_for)


async def send() -> bool:
    """Send a heartbeat, unless the rules were not judged. Returns whether the service took it.

    No line of the log has the address: it is a secret.
    """
    if not is_alive(await journal.run(_checked_at), datetime.now(UTC)):
        log.warning("alerts.heartbeat_withheld", reason="The rules of alerts are not judged.")
        return False
    try:
        answer = await http.request("GET", settings.ALERT_HEARTBEAT_URL, listed=None, limits=_LIMITS)
    except (AddressRefused, RequestFailed) as error:
        log.warning("alerts.heartbeat_failed", reason=str(error))
        return False
    if answer.status >= _REFUSED:
        log.warning("alerts.heartbeat_failed", reason=f"The answer was {answer.status}.")
        return False
    return True


async def beat() -> None:
    """The step of the job."""
    await send()


def is_alive(checked_at: datetime | None, now: datetime) -> bool:
    """Whether the rules were judged lately."""
    if checked_at is None:
        return False
    longest: float = _INTERVALS * settings.ALERT_INTERVAL + EVERY_S
    return (now - checked_at).total_seconds() <= longest


def _checked_at() -> datetime | None:
    return Evaluation.objects.filter(pk=Evaluation.ONLY).values_list("checked_at", flat=True).first()

"""Jobs of notices, in the elected housekeeper."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings

from alerts.services import changes
from alerts.services.notices import following, metrics, queueing, sending
from ocpp_server.observability import fleet
from ocpp_server.outbound import mail
from ocpp_server.process import scheduler
from ocpp_server.process.scheduler import Job
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)


def _part_of_the_wait() -> float:
    return min(5.0, max(0.25, float(settings.ALERT_GROUP_WAIT) / 6))


SEND_NOTICES: Final = Job("send_notices", every=_part_of_the_wait, when=mail.is_configured)
REPEAT_NOTICES: Final = Job("repeat_notices", every=30.0, when=mail.is_configured)


async def send() -> None:
    """Send all mails that are due. The journal does not wait for the mail server."""
    while outgoing := await journal.run(sending.claim, datetime.now(UTC)):
        results = await asyncio.to_thread(mail.send, [one.mail for one in outgoing])
        await journal.run(sending.record, outgoing, results, datetime.now(UTC))
        for result in results:
            if result.outcome is not mail.Outcome.SENT:
                log.warning("notices.not_sent", outcome=result.outcome.value, reason=result.reason)


async def repeat() -> None:
    await journal.run(following.follow, datetime.now(UTC))


def register() -> None:
    """Follow the changes of alerts, schedule the jobs and add the metrics; for `AppConfig.ready`."""
    changes.register(queueing.follow)
    fleet.register(metrics.FLEET)
    scheduler.register(((SEND_NOTICES, send), (REPEAT_NOTICES, repeat)))

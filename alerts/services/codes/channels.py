"""Codes about the ways into and out of this server: logins, webhooks, e-mail."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, HOUR, MINUTE, Code, Parameter, Unit

LOGINS: Final = Code(
    name="failed_logins",
    label="Many failed logins",
    condition="More than 50 logins to the admin or API keys failed in 10 minutes, from all addresses "
    "together.",
    what_to_do="Read the security log: it names the addresses. If they are not yours, limit the addresses "
    "that reach the admin, and look for a key or a password that has leaked.",
    severity=Severity.WARNING,
    keep_for_s=30 * MINUTE,
    waits=False,
    parameters=(
        Parameter("times", "Failures", 50, Unit.TIMES, 1, 100_000),
        Parameter("within_s", "Within", 10 * MINUTE, Unit.SECONDS, MINUTE, 2 * HOUR),
    ),
)
WEBHOOK: Final = Code(
    name="webhook_failing",
    label="Webhook fails",
    condition="The last 5 requests of a webhook failed, and none succeeded for an hour. A webhook that the "
    "server has disabled is critical.",
    what_to_do="Open the webhook: it has the last error. Events are kept for EVENT_RETENTION and follow when "
    "the receiver works again; a disabled webhook must be enabled by hand.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("times", "Failed requests", 5, Unit.TIMES, 1, 1000),
        Parameter("after_s", "Without a success for", HOUR, Unit.SECONDS, MINUTE, 31 * DAY),
    ),
    every_s=MINUTE,
)
MAIL: Final = Code(
    name="mail_failing",
    label="Mails are not sent",
    condition="The last 5 attempts to send mails about alerts failed.",
    what_to_do="Read the errors of the alert notices, and check EMAIL_URL and the mail server. Recipients "
    "get no mails about alerts, nor about this one.",
    severity=Severity.WARNING,
    for_s=HOUR,
    waits=False,
    parameters=(Parameter("times", "Failed attempts", 5, Unit.TIMES, 1, 1000),),
    every_s=MINUTE,
)

CODES: Final = (LOGINS, WEBHOOK, MAIL)

"""Notifies the contact of a webhook by e-mail that it was disabled."""

from __future__ import annotations

import asyncio
import smtplib

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext

from events.models import WebhookEndpoint

log = structlog.get_logger(__name__)


async def tell(row: WebhookEndpoint) -> None:
    """Send the e-mail, if there is a contact. A failure is logged: the admin shows the state anyway."""
    if row.contact_email and getattr(settings, "EMAIL_URL", None):
        await asyncio.to_thread(_send, row)


def _send(row: WebhookEndpoint) -> None:
    subject = gettext("Webhook %(name)s disabled") % {"name": " ".join(row.name.split())}
    lines = [
        gettext("The webhook %(name)s gets no more events.") % {"name": row.name},
        row.state_reason,
        gettext("Last error: %(error)s") % {"error": row.last_error or "–"},
        gettext(
            "When the receiver works again, enable the webhook in the admin or over REST. Events are kept "
            "for %(days)s days."
        )
        % {"days": f"{settings.EVENT_RETENTION / 86400:g}"},
    ]
    if settings.PUBLIC_URL:
        lines.append(f"{settings.PUBLIC_URL}/admin/events/webhookendpoint/{row.pk}/change/")
    try:
        send_mail(subject, "\n\n".join(lines), None, [row.contact_email])
    except (smtplib.SMTPException, OSError) as error:
        log.error("webhook.mail_failed", webhook=row.pk, error=str(error))

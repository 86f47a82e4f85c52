"""Recipients of notices: add, change, delete, and send a test."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import User
from alerts.models import AlertRecipient, Notification
from alerts.services.notices import quiet_hours, routing
from chargepoints.models import Site
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.outbound import mail

MOST_CODES: Final = 100
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CHANGEABLE: Final = frozenset(
    {
        "name", "user", "address", "min_severity", "codes", "only_escalations", "language", "timezone",
        "quiet_hours", "digest", "is_enabled",
    }
)  # fmt: skip


def create(*, sites: Sequence[Site] = (), **settings: Any) -> AlertRecipient:
    """Add a recipient. Raises Invalid, and Conflict when the name exists (case makes no difference)."""
    return _save(AlertRecipient(), settings, sites)


def change(recipient: AlertRecipient, *, sites: Sequence[Site] | None = None, **settings: Any) -> None:
    """Change the given settings. Raises Invalid, Conflict."""
    _save(recipient, settings, sites)


def delete(recipient: AlertRecipient) -> None:
    """Delete a recipient and the log of its notices. Steps of escalations that name it reach one less."""
    recipient.delete()


def send_test(recipient: AlertRecipient) -> Notification:
    """Queue a test for a recipient; the housekeeper sends it within seconds.

    Raises Conflict where no mail can be sent to it.
    """
    if not mail.is_configured():
        raise Conflict("No mail can be sent: EMAIL_URL is not set.")
    if not recipient.is_enabled:
        raise Conflict(f"The recipient {recipient} is disabled.")
    if not routing.address_of(recipient):
        raise Conflict(f"The recipient {recipient} has no address: its operator has none, or can't sign in.")
    return Notification.objects.create(
        recipient=recipient,
        channel=recipient.channel,
        kind=Notification.Kind.TEST,
        due_at=datetime.now(UTC),
    )


def check(recipient: AlertRecipient) -> None:
    """Raises Invalid for a setting that is not possible."""
    if not recipient.name.strip():
        raise Invalid("Must not be blank.", field="name")
    if recipient.user is None and not recipient.address:
        raise Invalid("A recipient needs an address or an operator.", field="address")
    if recipient.user is not None and not (recipient.user.is_staff or recipient.user.is_superuser):
        raise Invalid(f"{recipient.user} is not an operator.", field="operator")
    # Compare with the list, because ZoneInfo opens any file that the name leads to.
    if recipient.timezone not in zoneinfo.available_timezones() | {"UTC"}:
        raise Invalid(f"{recipient.timezone} is not a time zone such as Europe/Berlin.", field="timezone")
    quiet_hours.parse(recipient.quiet_hours)
    codes = recipient.codes
    if not isinstance(codes, list) or len(codes) > MOST_CODES or not all(map(_is_code, codes)):
        raise Invalid(f"Must be a list of at most {MOST_CODES} codes, such as offline.", field="codes")


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def operator(username: str | None) -> User | None:
    """The operator that a body names; None for null. Raises Invalid."""
    if username is None:
        return None
    found: User | None = User.objects.filter(username=username, is_staff=True, is_active=True).first()
    if found is None:
        raise Invalid(f"Operator {username} not found.", field="operator")
    return found


def _save(
    recipient: AlertRecipient, settings: dict[str, Any], sites: Sequence[Site] | None
) -> AlertRecipient:
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a recipient: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        setattr(recipient, name, value)
    check(recipient)
    try:
        with transaction.atomic():
            recipient.save()
            if sites is not None:
                recipient.sites.set(sites)
    except IntegrityError:
        sentence = f"A recipient {recipient.name} already exists."
        raise Conflict(sentence, field="name", code=Code.DUPLICATE) from None
    return recipient

"""Links in mails: to the admin, and the signed one that acknowledges an alert without a login."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.conf import settings
from django.core import signing

from ocpp_server.protocol.secrets import ACKNOWLEDGE

VALID_S: Final = 7 * 86_400


class Grant(NamedTuple):
    """A link lets one recipient acknowledge one episode of one alert."""

    alert: int
    episode: int
    recipient: int


def of_alert(alert: int) -> str:
    """The address of an alert in the admin; empty without PUBLIC_URL."""
    return _address(f"/admin/alerts/alert/{alert}/change/")


def of_recipient(recipient: int) -> str:
    """The address of a recipient's settings in the admin; empty without PUBLIC_URL."""
    return _address(f"/admin/alerts/alertrecipient/{recipient}/change/")


def to_acknowledge(grant: Grant) -> str:
    """The address that acknowledges; empty without PUBLIC_URL."""
    secret = signing.dumps((grant.episode, grant.recipient), salt=_salt(grant.alert))
    return _address(f"{ACKNOWLEDGE}{grant.alert}/{secret}")


def granted(alert: int, secret: str) -> Grant | None:
    """The grant of a link; None for a link that was changed, or is too old."""
    try:
        episode, recipient = signing.loads(secret, salt=_salt(alert), max_age=VALID_S)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return Grant(alert, episode, recipient)


def _salt(alert: int) -> str:
    return f"alerts.acknowledge.{alert}"


def _address(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""

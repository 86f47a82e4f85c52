"""The payment service of web payments: the function that OCPP_WEB_PAYMENTS names, within a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import structlog

from ocpp_server.domain import Conflict
from tariffs.services.tariff.pricing import imported

log = structlog.get_logger(__name__)

_SETTING: Final = "OCPP_WEB_PAYMENTS"
_MOST_CHARACTERS: Final = 2000


class Checkout(NamedTuple):
    """A driver who wants to pay. `payment_id` is the number to confirm the payment with, `limits` are what
    the driver has chosen at the station (2.1: maxCost, maxEnergy in Wh, maxTime in s).
    """

    payment_id: int
    station: str
    evse: int
    limits: Mapping[str, float]
    expires_at: datetime


# Opens a payment, and returns the https address to which the driver is sent. It must not block, and may raise
# anything where the service can't be reached.
Provider = Callable[[Checkout], Awaitable[str]]


class PaymentProvider:
    """The configured payment service; there may be none."""

    def __init__(self) -> None:
        self._provider: Provider | None = None
        self._limit_s = 0.0

    def load(self, path: str, *, limit_s: float) -> None:
        """Use the function with this import path; none for an empty one. Raises ImproperlyConfigured."""
        self._provider, self._limit_s = imported(path, _SETTING) if path else None, limit_s

    @property
    def is_set(self) -> bool:
        return self._provider is not None

    async def address(self, checkout: Checkout) -> str:
        """The address of the payment. Raises Conflict where the service gives none in time."""
        away = Conflict("The payment service did not open the payment.")
        if self._provider is None:
            raise away
        try:
            async with asyncio.timeout(self._limit_s):
                found = await self._provider(checkout)
        except TimeoutError:
            log.warning("web_payment.timeout", seconds=self._limit_s)
            raise away from None
        except Exception as error:
            # The text of the error may have an address with a secret.
            log.warning("web_payment.failed", error=type(error).__name__)
            raise away from None
        if not is_address(found):
            log.warning("web_payment.no_address")
            raise away
        return found


def is_address(text: object) -> bool:
    """Whether a driver may be sent there: an https address without a login."""
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        return False
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


provider: Final = PaymentProvider()

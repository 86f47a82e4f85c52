"""A payment service for trying web payments: its page takes no money. A real one opens a checkout session.

Start the server with OCPP_WEB_PAYMENTS=docs.examples.web_payments.open_payment. The service confirms a
payment with POST /api/v1/web-payments/<number>/confirm.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from tariffs.services.payment.checkouts import Checkout

SERVICE: Final = "https://pay.example.com/checkout"
# EVSEs of a test: the service fails for the one, and gives no safe address for the other.
AWAY, UNSAFE = 8, 9


async def open_payment(checkout: Checkout) -> str:
    """The address at which the driver pays for this checkout."""
    if checkout.evse == AWAY:
        raise ConnectionError("The payment service can't be reached.")
    if checkout.evse == UNSAFE:
        return "http://pay.example.com/checkout"
    return f"{SERVICE}?{urlencode({'payment': checkout.payment_id, 'station': checkout.station})}"

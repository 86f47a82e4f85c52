"""Events about tariffs and payments."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

TARIFF_CHANGED: Final = EventType(
    "tariff.changed",
    "A default tariff of a station was accepted, refused, replaced or cleared, or its report differs.",
    (
        Field("tariffId", TEXT, "The id of the tariff at the station."),
        Field("evseId", WHOLE, "The EVSE; 0 for every EVSE."),
        Field(
            "state",
            TEXT,
            "accepted, confirmed, missing (not found at the station), foreign (not sent by this server), "
            "refused, replaced or cleared.",
        ),
        Field("requestId", TEXT, "The command that sent it; null for one that was reported.", True),
    ),
    {
        "tariffId": "day-2026-1",
        "evseId": 0,
        "state": "accepted",
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
    },
)

PAYMENT_REPORTED: Final = EventType(
    "payment.reported",
    "A station reported the settlement of a payment, or another result of it.",
    (
        Field("paymentId", WHOLE, "The server's number of the payment."),
        Field("transactionId", WHOLE, "The session; null if it is not known.", optional=True),
        Field("status", TEXT, "Settled, Canceled, Rejected or Failed."),
        Field("amount", TEXT, "The settled amount, as a decimal number.", optional=True),
        Field("settledAt", TIME, "The time of the settlement by the station's clock."),
    ),
    {
        "paymentId": 17,
        "transactionId": 1000,
        "status": "Settled",
        "amount": "18.15",
        "settledAt": "2026-11-30T08:00:00.000Z",
    },
)

TYPES: Final = (TARIFF_CHANGED, PAYMENT_REPORTED)

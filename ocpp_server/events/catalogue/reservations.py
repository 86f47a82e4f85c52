"""Events about reservations."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

_FIELDS: Final = (
    Field("reservationId", WHOLE, "The number of the reservation in OCPP."),
    Field("evseId", WHOLE, "The EVSE; null for any EVSE of the station.", optional=True),
    Field("expiryDate", TIME, "When it expires."),
    Field("idTag", TEXT, "The first characters of the token; the others are masked."),
    Field("tokenId", WHOLE, "The token's number in the API; null for an unknown token.", optional=True),
    Field("requestId", TEXT, "The command that asked for it; empty when unknown."),
)
_EXAMPLE: Final = {
    "reservationId": 815,
    "evseId": 1,
    "expiryDate": "2026-11-28T15:00:00.000Z",
    "idTag": "04A1••••",
    "tokenId": 88,
    "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
}

CREATED: Final = EventType(
    "reservation.created", "A station accepted a reservation.", _FIELDS, _EXAMPLE, is_personal=True
)
USED: Final = EventType(
    "reservation.used",
    "A session began with a reservation.",
    (*_FIELDS, Field("transactionId", WHOLE, "The session.")),
    {**_EXAMPLE, "transactionId": 4712},
    is_personal=True,
)
EXPIRED: Final = EventType(
    "reservation.expired", "A reservation expired unused.", _FIELDS, _EXAMPLE, is_personal=True
)
CANCELLED: Final = EventType(
    "reservation.cancelled",
    "A station cancelled a reservation on request.",
    _FIELDS,
    _EXAMPLE,
    is_personal=True,
)
FAILED: Final = EventType(
    "reservation.failed",
    "A station refused a reservation, did not answer, or ended it before its expiry.",
    (
        *_FIELDS,
        Field(
            "reason",
            TEXT,
            "occupied, faulted, unavailable, rejected, error, not-sent, silent, invalid, removed, released, "
            "unknown, replaced or no-transaction.",
        ),
    ),
    {**_EXAMPLE, "reason": "faulted"},
    is_personal=True,
)

TYPES: Final = (CREATED, USED, EXPIRED, CANCELLED, FAILED)

"""Events about revoked certificates of other CAs."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

_ACTOR: Final = Field("actor", TEXT, "The one who changed it; server for a list that was fetched.")
_LISTED: Final = (
    Field("issuer", TEXT, "The subject of the CA that issued it."),
    Field("serialNumber", TEXT, "Its serial number, in hexadecimal digits."),
    Field("subject", TEXT, "Its subject; empty if only the issuer and the serial number are known."),
    Field("reason", TEXT, "The reason, such as keyCompromise."),
    _ACTOR,
)
_EXAMPLE: Final = {
    "issuer": "CN=Factory CA,O=Maker",
    "serialNumber": "3fa1",
    "subject": "CN=SN-17,O=Maker",
    "reason": "keyCompromise",
    "actor": "anna",
}

ADDED: Final = EventType(
    "revocation.added", "A certificate of another CA was put on the own list.", _LISTED, _EXAMPLE
)
REMOVED: Final = EventType(
    "revocation.removed", "A certificate of another CA was taken off the own list.", _LISTED, _EXAMPLE
)
LIST_STORED: Final = EventType(
    "crl.stored",
    "A revocation list of another CA was stored or changed.",
    (
        Field("name", TEXT, "Its name here."),
        Field("issuer", TEXT, "The subject of the CA."),
        Field("entries", WHOLE, "The number of certificates on it."),
        Field("validUntil", TIME, "The end that it names; null without one.", optional=True),
        _ACTOR,
    ),
    {
        "name": "Factory CA",
        "issuer": "CN=Factory CA,O=Maker",
        "entries": 3,
        "validUntil": "2026-12-07T10:00:00.000Z",
        "actor": "server",
    },
)
LIST_FAILED: Final = EventType(
    "crl.failed",
    "A revocation list could not be fetched, after it could before. The stored one counts on.",
    (
        Field("name", TEXT, "Its name here."),
        Field("url", TEXT, "Its address."),
        Field("reason", TEXT, "The reason as a sentence."),
    ),
    {"name": "Factory CA", "url": "http://ca.example.com/factory.crl", "reason": "HTTP status 404."},
)

TYPES: Final = (ADDED, REMOVED, LIST_STORED, LIST_FAILED)

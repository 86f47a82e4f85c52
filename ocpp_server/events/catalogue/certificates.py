"""Events about certificates."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

_TYPE: Final = Field(
    "certificateType", TEXT, "ChargingStationCertificate, V2GCertificate, V2G20Certificate or server."
)
_ID: Final = Field("certificateId", WHOLE, "The number of the issued certificate in the API.")
_SERIAL: Final = Field("serialNumber", TEXT, "Its serial number, in hexadecimal digits.")
_UNTIL: Final = Field("validUntil", TIME, "Its end.")

REQUESTED: Final = EventType(
    "certificate.requested",
    "A station has asked for a certificate, and its request waits for approval or for the signer.",
    (
        Field("signingRequestId", WHOLE, "The number of the signing request in the API."),
        _TYPE,
        Field("state", TEXT, "waiting (for approval) or approved."),
    ),
    {"signingRequestId": 7, "certificateType": "ChargingStationCertificate", "state": "waiting"},
)
INSTALLED: Final = EventType(
    "certificate.installed",
    "A station has accepted a certificate that our CA issued for it.",
    (_ID, _TYPE, _SERIAL, _UNTIL),
    {
        "certificateId": 12,
        "certificateType": "ChargingStationCertificate",
        "serialNumber": "3fa1",
        "validUntil": "2027-11-30T10:00:00Z",
    },
)
FAILED: Final = EventType(
    "certificate.failed",
    "A station did not get or does not use the certificate that it has asked for.",
    (
        Field("signingRequestId", WHOLE, "The number of the signing request in the API."),
        _TYPE,
        Field(
            "state",
            TEXT,
            "failed (not signed), refused (by the station), unanswered, or not_adopted (the station logs "
            "on with another one).",
        ),
        Field("reason", TEXT, "The reason as a sentence; empty if the station gave none."),
    ),
    {
        "signingRequestId": 7,
        "certificateType": "ChargingStationCertificate",
        "state": "refused",
        "reason": "Rejected",
    },
)
REVOKED: Final = EventType(
    "certificate.revoked",
    "A certificate that our CA issued was revoked.",
    (
        _ID,
        _TYPE,
        _SERIAL,
        Field("reason", TEXT, "The reason in the revocation list, such as keyCompromise or superseded."),
        Field("actor", TEXT, "The one who revoked it; server for a superseded certificate."),
    ),
    {
        "certificateId": 12,
        "certificateType": "ChargingStationCertificate",
        "serialNumber": "3fa1",
        "reason": "superseded",
        "actor": "server",
    },
)

EXPIRING: Final = EventType(
    "certificate.expiring",
    "A certificate ends in less than 30, 14 or 3 days: one event for each of these.",
    (
        Field("kind", TEXT, "authority, root, issued or installed."),
        Field("certificateType", TEXT, "The type of the certificate, such as csms or V2GCertificate."),
        Field("subject", TEXT, "The subject of the certificate."),
        Field("sha256", TEXT, "The fingerprint of the certificate."),
        Field("notAfter", TIME, "The end of its validity."),
        Field("days", WHOLE, "30, 14 or 3."),
        Field("stations", WHOLE, "The number of stations that have it."),
    ),
    {
        "kind": "root",
        "certificateType": "csms",
        "subject": "CN=Root,O=CPO",
        "sha256": "5f3b…",
        "notAfter": "2026-12-30T00:00:00.000Z",
        "days": 30,
        "stations": 120,
    },
)

TYPES: Final = (REQUESTED, INSTALLED, FAILED, EXPIRING, REVOKED)

"""Events about charging profiles."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, WHOLE, EventType, Field

PROFILE_CHANGED: Final = EventType(
    "profile.changed",
    "A charging profile of a station was installed, replaced or removed, as far as its answers show.",
    (
        Field("chargingProfileId", WHOLE, "The id of the profile at the station."),
        Field("evseId", WHOLE, "The EVSE; 0 for the whole station."),
        Field("purpose", TEXT, "The purpose, as OCPP 2.x spells it."),
        Field("stackLevel", WHOLE, "The level: of two profiles with one purpose the higher one counts."),
        Field("transactionId", WHOLE, "The session of a TxProfile; null otherwise.", optional=True),
        Field("state", TEXT, "waiting, installed, replaced, cleared, missing (not found), ended or unused."),
        Field("requestId", TEXT, "The command that brought it; null for one that was reported.", True),
    ),
    {
        "chargingProfileId": 2001000,
        "evseId": 1,
        "purpose": "TxDefaultProfile",
        "stackLevel": 0,
        "transactionId": None,
        "state": "installed",
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
    },
)

TYPES: Final = (PROFILE_CHANGED,)

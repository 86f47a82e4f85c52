"""Events about sessions, meter values, tokens and commands."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import FLAG, NUMBER, TEXT, TEXTS, TIME, VALUES, WHOLE, EventType, Field

_TRANSACTION = Field("transactionId", WHOLE, "The server's number of the session.")
_OCPP_ID = Field("ocppTransactionId", TEXT, "The transactionId in OCPP.")
_EVSE = Field("evseId", WHOLE, "The EVSE; null when the station has not named it.", optional=True)
_CONNECTOR = Field("connectorId", WHOLE, "The connector; null when unknown.", optional=True)
_ID_TAG = Field("idTag", TEXT, "The token's first characters; the others are masked.")
_TOKEN = Field("tokenId", WHOLE, "The token's number in the API; null for an unknown token.", optional=True)
_ENERGY = Field("energyWh", NUMBER, "The energy of the session so far, in Wh.")
_DURATION = Field("durationS", NUMBER, "Seconds since the start.")
_SUSPECT = Field("suspect", FLAG, "Whether an operator should look at the session.")
_REQUEST = Field("requestId", TEXT, "The command.")
_EFFECT = Field(
    "effect", TEXT, "transaction-started, connector-reserved, station-booted, or message-received."
)
_ACTOR = Field("actor", TEXT, "Who sent it: a user, key NAME, or server; empty when unknown.")

STARTED: Final = EventType(
    "transaction.started",
    "A session began.",
    (
        _TRANSACTION,
        _OCPP_ID,
        _EVSE,
        _CONNECTOR,
        _ID_TAG,
        _TOKEN,
        Field("startTime", TIME, "The station's time of the start."),
        Field("meterStart", NUMBER, "The energy register at the start, in Wh; null when unknown.", True),
        Field("remoteStartId", WHOLE, "The remote start that led to it; null without one.", optional=True),
        Field("authorizationStatus", TEXT, "The answer to its token; empty without a token."),
        Field("wasOffline", FLAG, "Whether the station was offline at the start and reported it later."),
        _SUSPECT,
    ),
    {
        "transactionId": 4712,
        "ocppTransactionId": "4712",
        "evseId": 1,
        "connectorId": 1,
        "idTag": "04A1••••",
        "tokenId": 88,
        "startTime": "2026-11-28T14:05:09.000Z",
        "meterStart": 1204500,
        "remoteStartId": None,
        "authorizationStatus": "Accepted",
        "wasOffline": False,
        "suspect": False,
    },
    is_personal=True,
)
UPDATED: Final = EventType(
    "transaction.updated",
    "The charging state, token or suspicions of a running session changed, or EVENT_UPDATE_INTERVAL passed "
    "and it has drawn energy.",
    (
        _TRANSACTION,
        Field("chargingState", TEXT, "The charging state of OCPP 2.x; empty in 1.6."),
        _ENERGY,
        Field("powerW", NUMBER, "The power in W of this message; null without one.", optional=True),
        Field("socPercent", NUMBER, "The state of charge of this message; null without one.", optional=True),
        _DURATION,
        _ID_TAG,
        _TOKEN,
        _SUSPECT,
    ),
    {
        "transactionId": 4712,
        "chargingState": "Charging",
        "energyWh": 1530,
        "powerW": 10980,
        "socPercent": 42,
        "durationS": 500,
        "idTag": "04A1••••",
        "tokenId": 88,
        "suspect": False,
    },
    is_personal=True,
)
ENDED: Final = EventType(
    "transaction.ended",
    "A session ended.",
    (
        _TRANSACTION,
        _OCPP_ID,
        _EVSE,
        _CONNECTOR,
        _ID_TAG,
        _TOKEN,
        Field("startTime", TIME, "The station's time of the start."),
        Field("stopTime", TIME, "The station's time of the end."),
        Field("meterStop", NUMBER, "The energy register at the end, in Wh; null when unknown.", True),
        Field("energyWh", NUMBER, "The energy of the session, in Wh."),
        Field("durationS", NUMBER, "Seconds from start to end."),
        Field("stopReason", TEXT, "The reason as OCPP spells it."),
        Field("endedBy", TEXT, "The cause of its end: station, operator, superseded, abandoned, ..."),
        _SUSPECT,
        Field("suspectReasons", TEXTS, "The codes of its suspicions."),
    ),
    {
        "transactionId": 4712,
        "ocppTransactionId": "4712",
        "evseId": 1,
        "connectorId": 1,
        "idTag": "04A1••••",
        "tokenId": 88,
        "startTime": "2026-11-28T14:05:09.000Z",
        "stopTime": "2026-11-28T15:20:41.000Z",
        "meterStop": 1218110,
        "energyWh": 13610,
        "durationS": 4532,
        "stopReason": "EVDisconnected",
        "endedBy": "station",
        "suspect": False,
        "suspectReasons": [],
    },
    is_personal=True,
)
AMENDED: Final = EventType(
    "transaction.amended",
    "A session that had ended was changed: by a late message, or by an operator.",
    (
        _TRANSACTION,
        Field("changed", TEXTS, "The names of the changed fields."),
        Field("energyWh", NUMBER, "The energy of the session now, in Wh."),
        Field("why", TEXT, "late-event, late-stop, or the operator's fix: correct-energy, merge, ..."),
    ),
    {"transactionId": 4712, "changed": ["energyWh"], "energyWh": 13650, "why": "late-event"},
)
QUARANTINED: Final = EventType(
    "transaction.quarantined",
    "A message about a session could not be applied and was put aside for an operator.",
    (
        Field("action", TEXT, "The action of the message."),
        Field("reason", TEXT, "Why it was put aside."),
        Field("detail", TEXT, "Details."),
        Field("transactionId", WHOLE, "The session it concerns; null when unknown.", optional=True),
        Field("receivedAt", TIME, "When it was received, as in the list of quarantined messages."),
    ),
    {
        "action": "StopTransaction",
        "reason": "unknown-transaction",
        "detail": "transactionId 17",
        "transactionId": None,
        "receivedAt": "2026-11-28T14:05:09.000Z",
    },
)
SAMPLED: Final = EventType(
    "meter.sampled",
    "The station sent meter values. Each message makes one event.",
    (
        Field("transactionId", WHOLE, "The session; null outside of one.", optional=True),
        _EVSE,
        Field("values", VALUES, "measurand, phase, value, unit and time of each sample; at most 40."),
    ),
    {
        "transactionId": 4712,
        "evseId": 1,
        "values": [
            {
                "measurand": "Energy.Active.Import.Register",
                "phase": "",
                "value": 1206030,
                "unit": "Wh",
                "time": "2026-11-28T14:13:29.000Z",
            }
        ],
    },
    is_starred=True,
)
PRESENTED: Final = EventType(
    "token.presented",
    "A token was presented at the station, whatever the answer.",
    (
        _ID_TAG,
        _TOKEN,
        Field("status", TEXT, "The answer, as OCPP 2.x spells it."),
        Field("reason", TEXT, "Why it was refused; empty when accepted."),
        Field("purpose", TEXT, "authorize, start or stop."),
        _EVSE,
    ),
    {
        "idTag": "04A1••••",
        "tokenId": 88,
        "status": "Accepted",
        "reason": "",
        "purpose": "start",
        "evseId": 1,
    },
    is_starred=True,
    is_personal=True,
)
UNKNOWN: Final = EventType(
    "token.unknown",
    "A token was presented that was never added.",
    (_ID_TAG, Field("purpose", TEXT, "authorize, start or stop."), _EVSE),
    {"idTag": "04A1••••", "purpose": "authorize", "evseId": None},
    is_personal=True,
)
REFUSED: Final = EventType(
    "token.refused",
    "A known token was refused.",
    (
        _ID_TAG,
        _TOKEN,
        Field("status", TEXT, "The answer, as OCPP 2.x spells it."),
        Field("reason", TEXT, "Why it was refused."),
        Field("purpose", TEXT, "authorize, start, stop or remote."),
        _EVSE,
    ),
    {
        "idTag": "04A1••••",
        "tokenId": 88,
        "status": "Blocked",
        "reason": "The token is blocked.",
        "purpose": "authorize",
        "evseId": None,
    },
    is_personal=True,
)
_ACCOUNT = (
    Field("token_id", WHOLE, "The token's number in the API."),
    Field("uid", TEXT, "The first characters of the uid; the others are masked."),
    Field("type", TEXT, "The type of the token."),
    Field("status", TEXT, "The status of the token."),
    Field("contract_id", WHOLE, "The number of its contract; null without one.", optional=True),
    Field("user_id", WHOLE, "The number of its holder; null without one.", optional=True),
)
_ACCOUNT_EXAMPLE = {
    "token_id": 88,
    "uid": "04A1••••",
    "type": "RFID",
    "status": "active",
    "contract_id": 12,
    "user_id": 5,
}
TOKEN_CREATED: Final = EventType(
    "token.created", "A token was added.", _ACCOUNT, _ACCOUNT_EXAMPLE, is_personal=True
)
TOKEN_UPDATED: Final = EventType(
    "token.updated",
    "A token was changed.",
    (*_ACCOUNT, Field("changed", TEXTS, "The names of the changed fields.")),
    {**_ACCOUNT_EXAMPLE, "changed": ["expires_at"]},
    is_personal=True,
)
TOKEN_BLOCKED: Final = EventType(
    "token.blocked",
    "A token was blocked or invalidated.",
    _ACCOUNT,
    {**_ACCOUNT_EXAMPLE, "status": "blocked"},
    is_personal=True,
)
COMMAND_FINISHED: Final = EventType(
    "command.finished",
    "A command got its final state: an answer, an error, a timeout or a lost connection.",
    (
        _REQUEST,
        Field("action", TEXT, "The action."),
        _ACTOR,
        Field("state", TEXT, "The final state of the command."),
        Field("status", TEXT, "The status word of the station's answer; empty without one."),
        Field("errorCode", TEXT, "The code of an error; empty without one."),
        Field("durationMs", NUMBER, "From sending to the answer; null when it was not sent.", optional=True),
    ),
    {
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
        "action": "Reset",
        "actor": "ann",
        "state": "accepted",
        "status": "Accepted",
        "errorCode": "",
        "durationMs": 132.5,
    },
)
EFFECT_SEEN: Final = EventType(
    "effect.seen",
    "The effect of a command has happened: a remote start led to a session, a reservation to a reserved "
    "connector, a reset to a boot, a trigger to its message.",
    (
        _REQUEST,
        _EFFECT,
        Field("transactionId", WHOLE, "The session; null for any other effect.", optional=True),
    ),
    {
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
        "effect": "transaction-started",
        "transactionId": 4712,
    },
)
EFFECT_MISSED: Final = EventType(
    "effect.missed",
    "The effect of a command did not happen in time: a remote start led to no session, a reset to no boot, a "
    "trigger to no message.",
    (_REQUEST, _EFFECT),
    {"requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10", "effect": "transaction-started"},
)

TYPES: Final = (
    STARTED, UPDATED, ENDED, AMENDED, QUARANTINED, SAMPLED, PRESENTED, UNKNOWN, REFUSED, TOKEN_CREATED,
    TOKEN_UPDATED, TOKEN_BLOCKED, COMMAND_FINISHED, EFFECT_SEEN, EFFECT_MISSED,
)  # fmt: skip

"""Events about stations and connectors."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import FLAG, NUMBER, TEXT, TEXTS, TIME, VALUES, WHOLE, EventType, Field

_ADDRESS = Field("remoteAddress", TEXT, "The network address of the station.")
_CONNECTION = Field("connectionId", TEXT, "The connection; each one has a new id.")
_CLOSE_CODE = Field("closeCode", WHOLE, "The WebSocket code of the close; null when unknown.", optional=True)
_STATUS = Field("registrationStatus", TEXT, "Accepted, Pending or Rejected.")
_ERROR = Field("errorCode", TEXT, "The station's errorCode; empty in OCPP 2.x.")
_VENDOR_ERROR = Field("vendorErrorCode", TEXT, "The vendor's own code.")
_INFO = Field("info", TEXT, "The station's text.")
_CONNECTOR = Field("connectorId", WHOLE, "The connector of the EVSE.")
_EVSE = Field("evseId", WHOLE, "The EVSE.")
_ACTOR = Field("actor", TEXT, "Who did it: a user, key NAME, or server; empty when unknown.")
_CHANGED = Field("changed", TEXTS, "The names of the changed fields.")

ONLINE: Final = EventType(
    "station.online",
    "The station connected and stayed connected for EVENT_OFFLINE_AFTER.",
    (
        Field("since", TIME, "When its present connection began."),
        Field("ocppVersion", TEXT, "The OCPP version of the connection."),
        Field("downSeconds", NUMBER, "How long it was offline; null for the first time.", optional=True),
    ),
    {"since": "2026-11-28T14:05:09.000Z", "ocppVersion": "ocpp1.6", "downSeconds": 312.5},
)
OFFLINE: Final = EventType(
    "station.offline",
    "The station's connection ended, and it did not return within EVENT_OFFLINE_AFTER.",
    (
        Field("since", TIME, "When the connection ended."),
        Field(
            "reason",
            TEXT,
            "closed (by the station or the server), or lost: no close frame, or the process has died.",
        ),
        _CLOSE_CODE,
    ),
    {"since": "2026-11-28T14:05:09.000Z", "reason": "lost", "closeCode": 1006},
)
CONNECTED: Final = EventType(
    "station.connected",
    "A socket of the station was opened.",
    (_CONNECTION, Field("ocppVersion", TEXT, "The OCPP version of the connection."), _ADDRESS),
    {
        "connectionId": "2f0e1c52-6f43-4f0e-9d4f-0d4a6b7f2a11",
        "ocppVersion": "ocpp2.0.1",
        "remoteAddress": "203.0.113.7",
    },
    is_starred=True,
)
DISCONNECTED: Final = EventType(
    "station.disconnected",
    "The socket of the station ended.",
    (_CONNECTION, _CLOSE_CODE),
    {"connectionId": "2f0e1c52-6f43-4f0e-9d4f-0d4a6b7f2a11", "closeCode": 1001},
    is_starred=True,
)
BOOTED: Final = EventType(
    "station.booted",
    "The station sent a BootNotification and got its answer.",
    (
        _STATUS,
        Field("bootReason", TEXT, "The reason of the boot; empty in OCPP 1.6."),
        Field("vendor", TEXT, "The vendor."),
        Field("model", TEXT, "The model."),
        Field("serialNumber", TEXT, "The serial number."),
        Field("firmwareVersion", TEXT, "The present firmware."),
        Field("previousFirmwareVersion", TEXT, "The firmware of the boot before; null when unknown.", True),
        Field("interruptedTransactions", WHOLE, "The number of sessions that the restart interrupted."),
    ),
    {
        "registrationStatus": "Accepted",
        "bootReason": "PowerUp",
        "vendor": "ACME",
        "model": "Wallbox 22",
        "serialNumber": "W22-000417",
        "firmwareVersion": "1.4.2",
        "previousFirmwareVersion": "1.4.1",
        "interruptedTransactions": 0,
    },
)
REGISTERED: Final = EventType(
    "station.registered",
    "The station was added by an operator, or by its own first BootNotification.",
    (_STATUS, Field("by", TEXT, "operator or self.")),
    {"registrationStatus": "Pending", "by": "self"},
)
UPDATED: Final = EventType(
    "station.updated",
    "An operator changed the station's settings.",
    (_CHANGED, _ACTOR),
    {"changed": ["registrationStatus", "siteId"], "actor": "ann"},
)
DELETED: Final = EventType(
    "station.deleted",
    "An operator deleted the station.",
    (_STATUS, _ACTOR),
    {"registrationStatus": "Rejected", "actor": "ann"},
)
REFUSED: Final = EventType(
    "station.refused",
    "A connection was refused: once for each identity, reason and hour. `station` is null for unknown ones.",
    (
        Field("code", WHOLE, "The HTTP status, or the WebSocket close code. 0: TLS failed."),
        Field("reason", TEXT, "The reason."),
        Field("identity", TEXT, "The identity in the URL."),
        _ADDRESS,
        Field("count", WHOLE, "How often, without a pause of ten minutes, from this address."),
    ),
    {
        "code": 401,
        "reason": "Wrong password.",
        "identity": "CP-7",
        "remoteAddress": "203.0.113.7",
        "count": 1,
    },
)
FAULTED: Final = EventType(
    "station.faulted",
    "The station or its first connector reported Faulted.",
    (
        Field("connectorId", WHOLE, "The connector; 0 is the station as a whole."),
        Field("evseId", WHOLE, "The EVSE; 0 is the station as a whole."),
        _ERROR,
        _VENDOR_ERROR,
        _INFO,
    ),
    {
        "connectorId": 1,
        "evseId": 1,
        "errorCode": "GroundFailure",
        "vendorErrorCode": "E17",
        "info": "Residual current",
    },
)
RECOVERED: Final = EventType(
    "station.recovered",
    "Neither the station nor a connector is Faulted any more.",
    (
        Field("connectorId", WHOLE, "The last faulted connector; 0 is the station as a whole."),
        Field("evseId", WHOLE, "Its EVSE; 0 is the station as a whole."),
    ),
    {"connectorId": 1, "evseId": 1},
)
CLOCK_SKEWED: Final = EventType(
    "station.clock_skewed",
    "The station's clock differs from the server's by more than 60 s, or again by less than 30 s.",
    (
        Field("clockSkewS", NUMBER, "The station's clock minus the server's, in seconds."),
        Field("isSkewed", FLAG, "false when the clock is right again."),
    ),
    {"clockSkewS": -3600.2, "isSkewed": True},
    is_starred=True,
)
DEVIATED: Final = EventType(
    "station.deviated",
    "The station deviated from the specification in a way that was not seen from it before.",
    (
        Field("kind", TEXT, "The kind of deviation."),
        Field("action", TEXT, "The action of the message."),
        Field("path", TEXT, "The place in its payload."),
        Field("detail", TEXT, "The fault."),
    ),
    {"kind": "missing-property", "action": "StatusNotification", "path": "errorCode", "detail": "required"},
    is_starred=True,
)
STATUS_CHANGED: Final = EventType(
    "connector.status_changed",
    "The status word of a connector changed. A repeated status makes no event.",
    (
        _EVSE,
        _CONNECTOR,
        Field("status", TEXT, "The status as OCPP spells it."),
        Field("previousStatus", TEXT, "The status before; empty for the first report."),
        _ERROR,
        _VENDOR_ERROR,
        _INFO,
        Field("statusTime", TIME, "The station's time of the change."),
    ),
    {
        "evseId": 1,
        "connectorId": 1,
        "status": "Charging",
        "previousStatus": "Preparing",
        "errorCode": "NoError",
        "vendorErrorCode": "",
        "info": "",
        "statusTime": "2026-11-28T14:05:09.000Z",
    },
)
AVAILABILITY_CHANGED: Final = EventType(
    "connector.availability_changed",
    "The station accepted or scheduled an operator's ChangeAvailability.",
    (
        Field("evseId", WHOLE, "The EVSE; 0 is the station as a whole."),
        Field("availability", TEXT, "Operative or Inoperative."),
        Field("status", TEXT, "Accepted, or Scheduled when a session has to end first."),
        Field("requestId", TEXT, "The command."),
        _ACTOR,
    ),
    {
        "evseId": 1,
        "availability": "Inoperative",
        "status": "Scheduled",
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
        "actor": "ann",
    },
)
FIRMWARE: Final = EventType(
    "firmware.status_changed",
    "The station reported the progress of a firmware update.",
    (
        Field("status", TEXT, "The status as OCPP spells it."),
        Field("requestId", WHOLE, "The requestId of the update; null in OCPP 1.6.", optional=True),
    ),
    {"status": "Downloading", "requestId": 12},
)
DIAGNOSTICS: Final = EventType(
    "diagnostics.uploaded",
    "The station reported that it has uploaded its diagnostics or log.",
    (
        Field("status", TEXT, "Uploaded."),
        Field("requestId", WHOLE, "The requestId of the log; null in OCPP 1.6.", optional=True),
    ),
    {"status": "Uploaded", "requestId": 3},
)
LOG_RECEIVED: Final = EventType(
    "diagnostics.received",
    "A file with diagnostics or a log of the station has arrived at the server.",
    (
        Field("logId", WHOLE, "The number of the log in the API."),
        Field("kind", TEXT, "Diagnostics, DiagnosticsLog, SecurityLog or DataCollectorLog."),
        Field("fileName", TEXT, "The name that the station gave it, if any."),
        Field("size", WHOLE, "In bytes."),
        Field("requestId", TEXT, "The command that asked for it.", optional=True),
    ),
    {
        "logId": 3,
        "kind": "DiagnosticsLog",
        "fileName": "log.zip",
        "size": 48213,
        "requestId": "1f6f0c1e-8f0e-4a52-9d57-1f6b2a7d9c10",
    },
)
CONFIGURATION_CHANGED: Final = EventType(
    "configuration.changed",
    "The station reported another value for a key or variable than before. Secrets are not included.",
    (
        Field("changes", VALUES, "key, reported and previous of each change; at most 40."),
        Field("count", WHOLE, "The number of changes."),
    ),
    {"changes": [{"key": "HeartbeatInterval", "reported": "300", "previous": "60"}], "count": 1},
)
CONFIGURATION_DRIFTED: Final = EventType(
    "configuration.drifted",
    "The station reported other values than the desired ones, which it did not before.",
    (
        Field("changes", VALUES, "key, desired and reported of each value; at most 40."),
        Field("count", WHOLE, "The number of values."),
    ),
    {"changes": [{"key": "HeartbeatInterval", "desired": "300", "reported": "60"}], "count": 1},
)
SECURITY: Final = EventType(
    "security.reported",
    "The station reported a security event, or the server detected one.",
    (
        Field("eventType", TEXT, "The type of the event."),
        Field("techInfo", TEXT, "Details, with secrets masked."),
        Field("fromStation", FLAG, "false for an event that the server detected."),
        Field(
            "critical",
            FLAG,
            "Whether OCPP lists the type as critical for the station's version. Earlier events have none.",
            optional=True,
        ),
        Field("time", TIME, "The station's time of the event."),
    ),
    {
        "eventType": "TamperDetectionActivated",
        "techInfo": "Door contact",
        "fromStation": True,
        "critical": True,
        "time": "2026-11-28T14:05:09.000Z",
    },
)
SECURITY_PROFILE: Final = EventType(
    "station.security_profile",
    "A change of the station's security profile ended.",
    (
        Field("state", TEXT, "proved, fell-back, refused, failed or cancelled."),
        Field("previous", WHOLE, "The profile before."),
        Field("target", WHOLE, "The requested profile."),
        Field("reason", TEXT, "Why it failed; empty for proved."),
        _ACTOR,
    ),
    {"state": "proved", "previous": 1, "target": 2, "reason": "", "actor": "ann"},
)

MONITOR: Final = EventType(
    "monitor.triggered",
    "A value of an OCPP 2.x station has passed the limit of a monitor, or is back within it: each event of a "
    "NotifyEvent with the trigger Alerting.",
    (
        Field("component", TEXT, "The component."),
        Field("componentInstance", TEXT, "Its instance; empty without one."),
        Field("variable", TEXT, "The variable."),
        Field("variableInstance", TEXT, "Its instance; empty without one."),
        Field("evseId", WHOLE, "The EVSE of the component; null without one.", optional=True),
        Field("connectorId", WHOLE, "The connector of the component; null without one.", optional=True),
        Field("value", TEXT, "The value, as the station reports it."),
        Field("isCleared", FLAG, "Whether the value is within the limit again."),
        Field("monitorId", WHOLE, "The station's number of the monitor; null for a hard-wired event.", True),
        Field(
            "severity",
            WHOLE,
            "From 0, danger, to 9, for debugging. Null in OCPP 2.0.1, where only the monitor has it.",
            optional=True,
        ),
        Field("techCode", TEXT, "The vendor's code."),
        Field("techInfo", TEXT, "The station's text, with secrets masked."),
        Field("time", TIME, "The station's time of the event."),
    ),
    {
        "component": "TemperatureSensor",
        "componentInstance": "",
        "variable": "Temperature",
        "variableInstance": "",
        "evseId": 1,
        "connectorId": None,
        "value": "91.5",
        "isCleared": False,
        "monitorId": 12,
        "severity": 2,
        "techCode": "T7",
        "techInfo": "Fan 2",
        "time": "2026-11-28T14:05:09.000Z",
    },
)

TYPES: Final = (
    ONLINE, OFFLINE, CONNECTED, DISCONNECTED, BOOTED, REGISTERED, UPDATED, DELETED, REFUSED, FAULTED,
    RECOVERED, CLOCK_SKEWED, DEVIATED, STATUS_CHANGED, AVAILABILITY_CHANGED, FIRMWARE, DIAGNOSTICS,
    LOG_RECEIVED, CONFIGURATION_CHANGED, CONFIGURATION_DRIFTED, SECURITY, SECURITY_PROFILE,
    MONITOR,
)  # fmt: skip

"""THE TABLE: every OCPP action with its direction, block, versions, facts and secret fields.

The handlers, commands, services and tests of an action are in files named after its block, in the app that
BLOCKS names. 1.6 with the security extension has 39 actions, 2.0.1 has 64 and 2.1 has 91: 102 names in all.
"""

from __future__ import annotations

from enum import Flag, auto
from functools import cache
from typing import Final, Literal, NamedTuple

from .versions import V16, V21, V201, Version

Direction = Literal["station", "csms", "both"]

STATION: Final = "station"  # station -> CSMS
CSMS: Final = "csms"  # CSMS -> station
BOTH: Final = "both"

# The app of every block.
BLOCKS: Final = {
    "provisioning": "chargepoints",
    "availability": "chargepoints",
    "firmware": "chargepoints",
    "diagnostics": "chargepoints",
    "security": "chargepoints",
    "display": "chargepoints",
    "data_transfer": "chargepoints",
    "battery_swap": "chargepoints",
    "transactions": "transactions",
    "authorization": "transactions",
    "metering": "transactions",
    "remote_control": "transactions",
    "reservation": "transactions",
    "variables": "configuration",
    "monitoring": "configuration",
    "network": "configuration",
    "local_list": "configuration",
    "certificates": "certificates",
    "smart_charging": "smart_charging",
    "v2x": "smart_charging",
    "der": "smart_charging",
    "tariff": "tariffs",
    "payment": "tariffs",
}


class Fact(Flag):
    """Facts about an action that the server acts on. Every row states its facts."""

    PLAIN = 0
    # A station keeps the message and retries it until it gets an answer, and discards it after a CALLERROR.
    # So the server never refuses it for its message id, and answers even when it could not handle the
    # message.
    TRANSACTIONAL = auto()
    # A bill depends on it: the server keeps a refused message for the operator.
    ABOUT_MONEY = auto()
    # The answer holds the current time or starts the station afresh: a stored answer is never replayed.
    ALWAYS_NEW = auto()
    # A station may send it before its boot was accepted (2.0.1 B02.FR.09, B03.FR.07; 1.6J errata 3.8).
    BEFORE_ACCEPTED = auto()
    # The server may send it to a Pending station, which may only be configured (1.6 4.2, 2.0.1 B02).
    WHILE_PENDING = auto()
    # Stored in the message log only with OCPP_LOG_HEARTBEATS.
    LOG_ON_DEMAND = auto()
    # The station restarts: it may drop the connection before it answers, and boots afterwards.
    RESTARTS = auto()
    # Message type 6 of 2.1 (SEND): no response exists.
    UNANSWERED = auto()


# As an entry of `secret_paths`: any text of the action may hold a secret, under a name that no schema knows
# (a key, a variable, JSON inside a text) or as part of an address.
FREE: Final = "*"


class Action(NamedTuple):
    """One row: `direction` names the side that sends the request.

    `secret_paths` are the fields of its request or response whose values are never shown, or FREE. The module
    `secrets` applies them; a test checks every text field of every schema.
    """

    name: str
    direction: Direction
    block: str
    versions: tuple[Version, ...]
    facts: Fact
    secret_paths: tuple[str, ...] = ()

    @property
    def is_from_station(self) -> bool:
        """Whether stations may send it."""
        return self.direction != CSMS

    @property
    def is_to_station(self) -> bool:
        """Whether the server may send it."""
        return self.direction != STATION

    @property
    def app(self) -> str:
        """The app that the action's code belongs to."""
        return BLOCKS[self.block]


_16 = (V16,)
_201 = (V201, V21)
_21 = (V21,)
_ALL = (V16, V201, V21)
_PLAIN = Fact.PLAIN
_TRANSACTIONAL = Fact.TRANSACTIONAL
_ABOUT_MONEY = Fact.ABOUT_MONEY
_ALWAYS_NEW = Fact.ALWAYS_NEW
_BEFORE_ACCEPTED = Fact.BEFORE_ACCEPTED
_WHILE_PENDING = Fact.WHILE_PENDING
_LOG_ON_DEMAND = Fact.LOG_ON_DEMAND
_RESTARTS = Fact.RESTARTS
_UNANSWERED = Fact.UNANSWERED
_FREE = (FREE,)
_NETWORK_SECRETS = (
    "connectionData.apn",
    "connectionData.basicAuthPassword",
    "connectionData.vpn.key",
    "connectionData.vpn.password",
    FREE,
)

# fmt: off
_TABLE: tuple[
    tuple[str, Direction, str, tuple[Version, ...], Fact]
    | tuple[str, Direction, str, tuple[Version, ...], Fact, tuple[str, ...]],
    ...,
] = (
    # A  security
    ("SecurityEventNotification",         STATION, "security",       _ALL,  _PLAIN, _FREE),

    # A, M  certificates
    ("SignCertificate",                   STATION, "certificates",   _ALL,  _PLAIN),
    ("CertificateSigned",                 CSMS,    "certificates",   _ALL,  _WHILE_PENDING),
    ("InstallCertificate",                CSMS,    "certificates",   _ALL,  _WHILE_PENDING),
    ("DeleteCertificate",                 CSMS,    "certificates",   _ALL,  _PLAIN),
    ("GetInstalledCertificateIds",        CSMS,    "certificates",   _ALL,  _PLAIN),
    ("Get15118EVCertificate",             STATION, "certificates",   _201,  _PLAIN),
    ("GetCertificateStatus",              STATION, "certificates",   _201,  _PLAIN),
    ("GetCertificateChainStatus",         STATION, "certificates",   _21,   _PLAIN),

    # B  provisioning
    ("BootNotification",                  STATION, "provisioning",   _ALL,  _ALWAYS_NEW | _BEFORE_ACCEPTED),
    ("Heartbeat",                         STATION, "provisioning",   _ALL,  _ALWAYS_NEW | _LOG_ON_DEMAND),
    ("Reset",                             CSMS,    "provisioning",   _ALL,  _WHILE_PENDING | _RESTARTS),
    ("GetConfiguration",                  CSMS,    "variables",      _16,   _WHILE_PENDING, _FREE),
    ("ChangeConfiguration",               CSMS,    "variables",      _16,   _WHILE_PENDING, _FREE),
    ("GetVariables",                      CSMS,    "variables",      _201,  _WHILE_PENDING, _FREE),
    ("SetVariables",                      CSMS,    "variables",      _201,  _WHILE_PENDING, _FREE),
    ("GetBaseReport",                     CSMS,    "variables",      _201,  _WHILE_PENDING),
    ("GetReport",                         CSMS,    "variables",      _201,  _WHILE_PENDING),
    ("NotifyReport",                      STATION, "variables",      _201,  _BEFORE_ACCEPTED, _FREE),
    ("SetNetworkProfile",                 CSMS,    "network",        _201,  _PLAIN, _NETWORK_SECRETS),

    # C  authorization
    ("Authorize",                         STATION, "authorization",  _ALL,  _PLAIN),
    ("ClearCache",                        CSMS,    "authorization",  _ALL,  _PLAIN),

    # D  local list
    ("SendLocalList",                     CSMS,    "local_list",     _ALL,  _PLAIN),
    ("GetLocalListVersion",               CSMS,    "local_list",     _ALL,  _PLAIN),

    # E  transactions
    ("StartTransaction",                  STATION, "transactions",   _16,   _TRANSACTIONAL | _ABOUT_MONEY),
    ("StopTransaction",                   STATION, "transactions",   _16,   _TRANSACTIONAL | _ABOUT_MONEY),
    ("TransactionEvent",                  STATION, "transactions",   _201,  _TRANSACTIONAL | _ABOUT_MONEY),
    ("GetTransactionStatus",              CSMS,    "transactions",   _201,  _PLAIN),

    # F  remote control
    ("RemoteStartTransaction",            CSMS,    "remote_control", _16,   _PLAIN),
    ("RemoteStopTransaction",             CSMS,    "remote_control", _16,   _PLAIN),
    ("RequestStartTransaction",           CSMS,    "remote_control", _201,  _PLAIN),
    ("RequestStopTransaction",            CSMS,    "remote_control", _201,  _PLAIN),
    ("UnlockConnector",                   CSMS,    "remote_control", _ALL,  _PLAIN),
    ("TriggerMessage",                    CSMS,    "remote_control", _ALL,  _WHILE_PENDING),
    ("ExtendedTriggerMessage",            CSMS,    "remote_control", _16,   _WHILE_PENDING),

    # G  availability
    ("StatusNotification",                STATION, "availability",   _ALL,  _PLAIN),
    ("ChangeAvailability",                CSMS,    "availability",   _ALL,  _PLAIN),

    # H  reservation
    ("ReserveNow",                        CSMS,    "reservation",    _ALL,  _PLAIN),
    ("CancelReservation",                 CSMS,    "reservation",    _ALL,  _PLAIN),
    ("ReservationStatusUpdate",           STATION, "reservation",    _201,  _PLAIN),

    # I  tariff and cost
    ("CostUpdated",                       CSMS,    "tariff",         _201,  _PLAIN),
    ("SetDefaultTariff",                  CSMS,    "tariff",         _21,   _PLAIN),
    ("GetTariffs",                        CSMS,    "tariff",         _21,   _PLAIN),
    ("ClearTariffs",                      CSMS,    "tariff",         _21,   _PLAIN),
    ("ChangeTransactionTariff",           CSMS,    "tariff",         _21,   _PLAIN),

    # C, I  payment
    ("NotifySettlement",                  STATION, "payment",        _21,   _PLAIN, _FREE),
    ("NotifyWebPaymentStarted",           CSMS,    "payment",        _21,   _PLAIN),
    ("VatNumberValidation",               STATION, "payment",        _21,   _PLAIN),

    # J  metering
    ("MeterValues",                       STATION, "metering",       _ALL,  _TRANSACTIONAL),

    # K  smart charging
    ("SetChargingProfile",                CSMS,    "smart_charging", _ALL,  _PLAIN),
    ("ClearChargingProfile",              CSMS,    "smart_charging", _ALL,  _PLAIN),
    ("GetCompositeSchedule",              CSMS,    "smart_charging", _ALL,  _PLAIN),
    ("GetChargingProfiles",               CSMS,    "smart_charging", _201,  _PLAIN),
    ("ReportChargingProfiles",            STATION, "smart_charging", _201,  _PLAIN),
    ("NotifyChargingLimit",               STATION, "smart_charging", _201,  _PLAIN),
    ("ClearedChargingLimit",              STATION, "smart_charging", _201,  _PLAIN),
    ("NotifyEVChargingNeeds",             STATION, "smart_charging", _201,  _PLAIN),
    ("NotifyEVChargingSchedule",          STATION, "smart_charging", _201,  _PLAIN),
    ("UsePriorityCharging",               CSMS,    "smart_charging", _21,   _PLAIN),
    ("NotifyPriorityCharging",            STATION, "smart_charging", _21,   _PLAIN),
    ("PullDynamicScheduleUpdate",         STATION, "smart_charging", _21,   _PLAIN),
    ("UpdateDynamicSchedule",             CSMS,    "smart_charging", _21,   _PLAIN),

    # L  firmware
    ("UpdateFirmware",                    CSMS,    "firmware",       _ALL,  _PLAIN, _FREE),
    ("FirmwareStatusNotification",        STATION, "firmware",       _ALL,  _PLAIN),
    ("SignedUpdateFirmware",              CSMS,    "firmware",       _16,   _PLAIN, _FREE),
    ("SignedFirmwareStatusNotification",  STATION, "firmware",       _16,   _PLAIN),
    ("PublishFirmware",                   CSMS,    "firmware",       _201,  _PLAIN, _FREE),
    ("PublishFirmwareStatusNotification", STATION, "firmware",       _201,  _PLAIN, _FREE),
    ("UnpublishFirmware",                 CSMS,    "firmware",       _201,  _PLAIN),

    # N  diagnostics, monitoring, customer information
    ("GetDiagnostics",                    CSMS,    "diagnostics",    _16,   _PLAIN, _FREE),
    ("DiagnosticsStatusNotification",     STATION, "diagnostics",    _16,   _PLAIN),
    ("GetLog",                            CSMS,    "diagnostics",    _ALL,  _PLAIN, _FREE),
    ("LogStatusNotification",             STATION, "diagnostics",    _ALL,  _PLAIN),
    ("NotifyEvent",                       STATION, "diagnostics",    _201,  _PLAIN, _FREE),
    ("SetMonitoringBase",                 CSMS,    "monitoring",     _201,  _PLAIN),
    ("SetMonitoringLevel",                CSMS,    "monitoring",     _201,  _PLAIN),
    ("SetVariableMonitoring",             CSMS,    "monitoring",     _201,  _PLAIN),
    ("ClearVariableMonitoring",           CSMS,    "monitoring",     _201,  _PLAIN),
    ("GetMonitoringReport",               CSMS,    "monitoring",     _201,  _PLAIN),
    ("NotifyMonitoringReport",            STATION, "monitoring",     _201,  _PLAIN),
    ("CustomerInformation",               CSMS,    "diagnostics",    _201,  _PLAIN),
    ("NotifyCustomerInformation",         STATION, "diagnostics",    _201,  _PLAIN, ("data", FREE)),
    ("OpenPeriodicEventStream",           STATION, "monitoring",     _21,   _PLAIN),
    ("NotifyPeriodicEventStream",         STATION, "monitoring",     _21,   _UNANSWERED),
    ("ClosePeriodicEventStream",          STATION, "monitoring",     _21,   _PLAIN),
    ("AdjustPeriodicEventStream",         CSMS,    "monitoring",     _21,   _PLAIN),
    ("GetPeriodicEventStream",            CSMS,    "monitoring",     _21,   _PLAIN),

    # O  display
    ("SetDisplayMessage",                 CSMS,    "display",        _201,  _PLAIN),
    ("GetDisplayMessages",                CSMS,    "display",        _201,  _PLAIN),
    ("ClearDisplayMessage",               CSMS,    "display",        _201,  _PLAIN),
    ("NotifyDisplayMessages",             STATION, "display",        _201,  _PLAIN),

    # P  data transfer
    ("DataTransfer",                      BOTH,    "data_transfer",  _ALL,  _PLAIN, _FREE),

    # Q  bidirectional power transfer
    ("NotifyAllowedEnergyTransfer",       CSMS,    "v2x",            _21,   _PLAIN),
    ("AFRRSignal",                        CSMS,    "v2x",            _21,   _PLAIN),

    # R  distributed energy resources
    ("SetDERControl",                     CSMS,    "der",            _21,   _PLAIN),
    ("GetDERControl",                     CSMS,    "der",            _21,   _PLAIN),
    ("ClearDERControl",                   CSMS,    "der",            _21,   _PLAIN),
    ("ReportDERControl",                  STATION, "der",            _21,   _PLAIN),
    ("NotifyDERAlarm",                    STATION, "der",            _21,   _PLAIN),
    ("NotifyDERStartStop",                STATION, "der",            _21,   _PLAIN),

    # S  battery swapping
    ("BatterySwap",                       STATION, "battery_swap",   _21,   _PLAIN, _FREE),
    ("RequestBatterySwap",                CSMS,    "battery_swap",   _21,   _PLAIN),
)
# fmt: on

ACTIONS: Final[dict[str, Action]] = {row[0]: Action(*row) for row in _TABLE}


def having(fact: Fact) -> frozenset[str]:
    """The actions with a fact. Call it at import and keep the set: it scans the whole table."""
    return frozenset(row.name for row in ACTIONS.values() if fact in row.facts)


TRANSACTIONAL: Final = having(Fact.TRANSACTIONAL)
ABOUT_MONEY: Final = having(Fact.ABOUT_MONEY)
ALWAYS_NEW: Final = having(Fact.ALWAYS_NEW)
BEFORE_ACCEPTED: Final = having(Fact.BEFORE_ACCEPTED)
WHILE_PENDING: Final = having(Fact.WHILE_PENDING)
LOG_ON_DEMAND: Final = having(Fact.LOG_ON_DEMAND)
RESTARTS: Final = having(Fact.RESTARTS)
SENDS: Final = having(Fact.UNANSWERED)


def known(name: str) -> bool:
    """Whether any version of OCPP has this action. Errors: NotImplemented without one, else NotSupported."""
    return name in ACTIONS


def action(name: str, version: str) -> Action | None:
    """The row of an action, None when this version does not have it."""
    row = ACTIONS.get(name)
    return row if row is not None and version in row.versions else None


@cache
def from_station(version: str) -> frozenset[str]:
    """The actions that stations of this version may send."""
    return frozenset(row.name for row in ACTIONS.values() if version in row.versions and row.is_from_station)


@cache
def to_station(version: str) -> frozenset[str]:
    """The actions that the server may send to stations of this version."""
    return frozenset(row.name for row in ACTIONS.values() if version in row.versions and row.is_to_station)

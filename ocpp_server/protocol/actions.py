"""THE TABLE: every action of OCPP, who sends it, which block it belongs to, and which versions have it.

The map of the house: handlers, commands, services and tests of an action stand in the files named after its
block. 39 rows in 1.6 with the security extension, 64 in 2.0.1, 91 in 2.1, 102 names in all.
"""

from functools import cache
from typing import Final, Literal, NamedTuple

from .versions import V16, V21, V201, Version

Direction = Literal["station", "csms", "both"]

STATION: Final = "station"  # station -> CSMS
CSMS: Final = "csms"  # CSMS -> station
BOTH: Final = "both"


# Of `secret_paths`: secrets may stand in any text of the action, under a name that no schema knows (a key, a
# variable, JSON inside a text) or as part of an address.
FREE: Final = "*"


class Action(NamedTuple):
    """One row: `direction` names the side that sends the request.

    `secret_paths` are the fields of its request or answer whose values are never shown, or FREE. The rule is
    `secrets`; a test asks of every text of every schema where it belongs.
    """

    name: str
    direction: Direction
    block: str
    versions: tuple[Version, ...]
    secret_paths: tuple[str, ...] = ()

    @property
    def is_from_station(self) -> bool:
        """Whether stations may send it."""
        return self.direction != CSMS

    @property
    def is_to_station(self) -> bool:
        """Whether we may send it."""
        return self.direction != STATION


_16 = (V16,)
_201 = (V201, V21)
_21 = (V21,)
_ALL = (V16, V201, V21)
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
    tuple[str, Direction, str, tuple[Version, ...]]
    | tuple[str, Direction, str, tuple[Version, ...], tuple[str, ...]],
    ...,
] = (
    # A  security
    ("SecurityEventNotification",         STATION, "security",       _ALL, _FREE),

    # A, M  certificates
    ("SignCertificate",                   STATION, "certificates",   _ALL),
    ("CertificateSigned",                 CSMS,    "certificates",   _ALL),
    ("InstallCertificate",                CSMS,    "certificates",   _ALL),
    ("DeleteCertificate",                 CSMS,    "certificates",   _ALL),
    ("GetInstalledCertificateIds",        CSMS,    "certificates",   _ALL),
    ("Get15118EVCertificate",             STATION, "certificates",   _201),
    ("GetCertificateStatus",              STATION, "certificates",   _201),
    ("GetCertificateChainStatus",         STATION, "certificates",   _21),

    # B  provisioning
    ("BootNotification",                  STATION, "provisioning",   _ALL),
    ("Heartbeat",                         STATION, "provisioning",   _ALL),
    ("Reset",                             CSMS,    "provisioning",   _ALL),
    ("GetConfiguration",                  CSMS,    "variables",      _16, _FREE),
    ("ChangeConfiguration",               CSMS,    "variables",      _16, _FREE),
    ("GetVariables",                      CSMS,    "variables",      _201, _FREE),
    ("SetVariables",                      CSMS,    "variables",      _201, _FREE),
    ("GetBaseReport",                     CSMS,    "variables",      _201),
    ("GetReport",                         CSMS,    "variables",      _201),
    ("NotifyReport",                      STATION, "variables",      _201, _FREE),
    ("SetNetworkProfile",                 CSMS,    "network",        _201, _NETWORK_SECRETS),

    # C  authorization
    ("Authorize",                         STATION, "authorization",  _ALL),
    ("ClearCache",                        CSMS,    "authorization",  _ALL),

    # D  local list
    ("SendLocalList",                     CSMS,    "local_list",     _ALL),
    ("GetLocalListVersion",               CSMS,    "local_list",     _ALL),

    # E  transactions
    ("StartTransaction",                  STATION, "transactions",   _16),
    ("StopTransaction",                   STATION, "transactions",   _16),
    ("TransactionEvent",                  STATION, "transactions",   _201),
    ("GetTransactionStatus",              CSMS,    "transactions",   _201),

    # F  remote control
    ("RemoteStartTransaction",            CSMS,    "remote_control", _16),
    ("RemoteStopTransaction",             CSMS,    "remote_control", _16),
    ("RequestStartTransaction",           CSMS,    "remote_control", _201),
    ("RequestStopTransaction",            CSMS,    "remote_control", _201),
    ("UnlockConnector",                   CSMS,    "remote_control", _ALL),
    ("TriggerMessage",                    CSMS,    "remote_control", _ALL),
    ("ExtendedTriggerMessage",            CSMS,    "remote_control", _16),

    # G  availability
    ("StatusNotification",                STATION, "availability",   _ALL),
    ("ChangeAvailability",                CSMS,    "availability",   _ALL),

    # H  reservation
    ("ReserveNow",                        CSMS,    "reservation",    _ALL),
    ("CancelReservation",                 CSMS,    "reservation",    _ALL),
    ("ReservationStatusUpdate",           STATION, "reservation",    _201),

    # I  tariff and cost
    ("CostUpdated",                       CSMS,    "tariff",         _201),
    ("SetDefaultTariff",                  CSMS,    "tariff",         _21),
    ("GetTariffs",                        CSMS,    "tariff",         _21),
    ("ClearTariffs",                      CSMS,    "tariff",         _21),
    ("ChangeTransactionTariff",           CSMS,    "tariff",         _21),

    # C, I  payment
    ("NotifySettlement",                  STATION, "payment",        _21, _FREE),
    ("NotifyWebPaymentStarted",           CSMS,    "payment",        _21),
    ("VatNumberValidation",               STATION, "payment",        _21),

    # J  metering
    ("MeterValues",                       STATION, "metering",       _ALL),

    # K  smart charging
    ("SetChargingProfile",                CSMS,    "smart_charging", _ALL),
    ("ClearChargingProfile",              CSMS,    "smart_charging", _ALL),
    ("GetCompositeSchedule",              CSMS,    "smart_charging", _ALL),
    ("GetChargingProfiles",               CSMS,    "smart_charging", _201),
    ("ReportChargingProfiles",            STATION, "smart_charging", _201),
    ("NotifyChargingLimit",               STATION, "smart_charging", _201),
    ("ClearedChargingLimit",              STATION, "smart_charging", _201),
    ("NotifyEVChargingNeeds",             STATION, "smart_charging", _201),
    ("NotifyEVChargingSchedule",          STATION, "smart_charging", _201),
    ("UsePriorityCharging",               CSMS,    "smart_charging", _21),
    ("NotifyPriorityCharging",            STATION, "smart_charging", _21),
    ("PullDynamicScheduleUpdate",         STATION, "smart_charging", _21),
    ("UpdateDynamicSchedule",             CSMS,    "smart_charging", _21),

    # L  firmware
    ("UpdateFirmware",                    CSMS,    "firmware",       _ALL, _FREE),
    ("FirmwareStatusNotification",        STATION, "firmware",       _ALL),
    ("SignedUpdateFirmware",              CSMS,    "firmware",       _16, _FREE),
    ("SignedFirmwareStatusNotification",  STATION, "firmware",       _16),
    ("PublishFirmware",                   CSMS,    "firmware",       _201, _FREE),
    ("PublishFirmwareStatusNotification", STATION, "firmware",       _201, _FREE),
    ("UnpublishFirmware",                 CSMS,    "firmware",       _201),

    # N  diagnostics, monitoring, customer information
    ("GetDiagnostics",                    CSMS,    "diagnostics",    _16, _FREE),
    ("DiagnosticsStatusNotification",     STATION, "diagnostics",    _16),
    ("GetLog",                            CSMS,    "diagnostics",    _ALL, _FREE),
    ("LogStatusNotification",             STATION, "diagnostics",    _ALL),
    ("NotifyEvent",                       STATION, "diagnostics",    _201, _FREE),
    ("SetMonitoringBase",                 CSMS,    "monitoring",     _201),
    ("SetMonitoringLevel",                CSMS,    "monitoring",     _201),
    ("SetVariableMonitoring",             CSMS,    "monitoring",     _201),
    ("ClearVariableMonitoring",           CSMS,    "monitoring",     _201),
    ("GetMonitoringReport",               CSMS,    "monitoring",     _201),
    ("NotifyMonitoringReport",            STATION, "monitoring",     _201),
    ("CustomerInformation",               CSMS,    "diagnostics",    _201),
    ("NotifyCustomerInformation",         STATION, "diagnostics",    _201, _FREE),
    ("OpenPeriodicEventStream",           STATION, "monitoring",     _21),
    ("NotifyPeriodicEventStream",         STATION, "monitoring",     _21),  # a SEND: never answered
    ("ClosePeriodicEventStream",          STATION, "monitoring",     _21),
    ("AdjustPeriodicEventStream",         CSMS,    "monitoring",     _21),
    ("GetPeriodicEventStream",            CSMS,    "monitoring",     _21),

    # O  display
    ("SetDisplayMessage",                 CSMS,    "display",        _201),
    ("GetDisplayMessages",                CSMS,    "display",        _201),
    ("ClearDisplayMessage",               CSMS,    "display",        _201),
    ("NotifyDisplayMessages",             STATION, "display",        _201),

    # P  data transfer
    ("DataTransfer",                      BOTH,    "data_transfer",  _ALL, _FREE),

    # Q  bidirectional power transfer
    ("NotifyAllowedEnergyTransfer",       CSMS,    "v2x",            _21),
    ("AFRRSignal",                        CSMS,    "v2x",            _21),

    # R  distributed energy resources
    ("SetDERControl",                     CSMS,    "der",            _21),
    ("GetDERControl",                     CSMS,    "der",            _21),
    ("ClearDERControl",                   CSMS,    "der",            _21),
    ("ReportDERControl",                  STATION, "der",            _21),
    ("NotifyDERAlarm",                    STATION, "der",            _21),
    ("NotifyDERStartStop",                STATION, "der",            _21),

    # S  battery swapping
    ("BatterySwap",                       STATION, "battery_swap",   _21, _FREE),
    ("RequestBatterySwap",                CSMS,    "battery_swap",   _21),
)
# fmt: on

ACTIONS: Final[dict[str, Action]] = {row[0]: Action(*row) for row in _TABLE}

SENDS: Final = frozenset({"NotifyPeriodicEventStream"})  # message type 6 (2.1): no response exists


def known(name: str) -> bool:
    """Whether any version of OCPP has this action: the border between NotImplemented and NotSupported."""
    return name in ACTIONS


def action(name: str, version: str) -> Action | None:
    """The row of an action, None when this version does not have it."""
    row = ACTIONS.get(name)
    return row if row is not None and version in row.versions else None


@cache
def from_station(version: str) -> frozenset[str]:
    """What stations of this version may send."""
    return frozenset(row.name for row in ACTIONS.values() if version in row.versions and row.is_from_station)


@cache
def to_station(version: str) -> frozenset[str]:
    """What we may send to stations of this version."""
    return frozenset(row.name for row in ACTIONS.values() if version in row.versions and row.is_to_station)

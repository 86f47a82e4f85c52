"""The table of follow-ups: which commands a message follows, and where its request ID and part number are."""

from __future__ import annotations

from typing import Final, NamedTuple


class Follows(NamedTuple):
    """How a message refers to the command that it follows.

    `commands` are the actions of the server that it may follow. `number` is the field with the request ID,
    and `asked_as` the field of the command with the same number. `seq_no` is the field with the number of
    the part. `about` are the fields that name the object of a message without a request ID. `personal` is the
    field with personal data.
    """

    commands: tuple[str, ...] = ()
    number: str = ""
    asked_as: str = "requestId"
    seq_no: str = ""
    is_report: bool = False
    about: tuple[str, ...] = ()
    personal: str = ""


def _report(*commands: str, seq_no: str = "", personal: str = "") -> Follows:
    return Follows(commands, "requestId", seq_no=seq_no, is_report=True, personal=personal)


def _progress(*commands: str) -> Follows:
    return Follows(commands, "requestId")


def _about(*fields: str) -> Follows:
    return Follows(about=fields)


# fmt: off
FOLLOWS: Final[dict[str, Follows]] = {
    # Reports in parts. Some have no part numbers: then only the end of the report is known.
    "NotifyReport":                      _report("GetBaseReport", "GetReport", seq_no="seqNo"),
    "NotifyMonitoringReport":            _report("GetMonitoringReport", seq_no="seqNo"),
    "NotifyCustomerInformation":         _report("CustomerInformation", seq_no="seqNo", personal="data"),
    "NotifyDisplayMessages":             _report("GetDisplayMessages"),
    "ReportChargingProfiles":            _report("GetChargingProfiles"),
    "ReportDERControl":                  _report("GetDERControl"),
    # The progress of a long command.
    "DiagnosticsStatusNotification":     _progress("GetDiagnostics"),
    "LogStatusNotification":             _progress("GetLog"),
    "FirmwareStatusNotification":        _progress("UpdateFirmware"),
    "SignedFirmwareStatusNotification":  _progress("SignedUpdateFirmware"),
    "PublishFirmwareStatusNotification": _progress("PublishFirmware"),
    "BatterySwap":                       _progress("RequestBatterySwap"),
    "ReservationStatusUpdate":           Follows(("ReserveNow",), "reservationId", "id",
                                                 about=("reservationId",)),
    # The station sends these on its own, because of an earlier command or an event at the station.
    "NotifyChargingLimit":               _about("evseId"),
    "ClearedChargingLimit":              _about("evseId", "chargingLimitSource"),
    "NotifyEVChargingNeeds":             _about("evseId"),
    "NotifyEVChargingSchedule":          _about("evseId"),
    "NotifyPriorityCharging":            _about("transactionId"),
    "PullDynamicScheduleUpdate":         _about("chargingProfileId"),
    "NotifyDERAlarm":                    _about("controlType"),
    "NotifyDERStartStop":                _about("controlId"),
    "OpenPeriodicEventStream":           _about(),
    "ClosePeriodicEventStream":          _about("id"),
}
# fmt: on

REPORTS: Final = tuple(name for name, follows in FOLLOWS.items() if follows.is_report)
# The report that follows a command.
REPORT_OF: Final = {command: name for name in REPORTS for command in FOLLOWS[name].commands}
PERSONAL: Final = tuple(name for name, follows in FOLLOWS.items() if follows.personal)

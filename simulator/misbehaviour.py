"""Misbehaviour of real stations, on request: flags that change a station's behaviour, and
malformed frames.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.station import Station


@dataclass(slots=True)
class Misbehaviour:
    """Flags of one station. With all flags off it follows the specification.

    A wrong clock is not here: set ``station.clock.offset``, ``style`` or ``zone`` and
    ``follows_server=False``.
    """

    slow_answers_s: float = 0.0  # real seconds before a CALL of the CSMS is answered
    never_answers: bool = False
    no_boot: bool = False  # connects and continues without BootNotification
    ids_restart: bool = False  # message ids are 1, 2, 3... and restart with every connection
    retry_same_id: bool = False  # an unanswered transaction message is sent again with its old id
    duplicate_start: bool = False  # every StartTransaction is sent twice, with two ids
    out_of_order: bool = False  # the first meter message of a transaction is sent after the second
    rejects_logs: bool = False  # has no log to upload
    never_uploads: bool = False  # accepts a log upload and does nothing more
    stops_uploads: bool = False  # cuts the connection in the middle of a log upload
    # The answer to every request to update the firmware: Rejected, InvalidCertificate, RevokedCertificate, or
    # the code of an error. UpdateFirmware of 1.6 has no status, so there it is an error in any case.
    refuses_firmware: str = ""
    lacks_signed_firmware: bool = False  # 1.6: SignedUpdateFirmware is NotSupported
    needs_signed_firmware: bool = False  # unsigned: NotSupported in 1.6, Rejected in 2.x
    breaks_downloads: int = 0  # so many times the connection of a download breaks; the station resumes it
    firmware_stops_after: str = ""  # the station reports nothing after this status, and does nothing more
    keeps_old_firmware: bool = False  # installs, and boots with the version of before
    never_boots_firmware: bool = False  # installs, and does not boot
    installed_before_boot: bool = False  # reports Installed before the boot instead of after it
    seq_gaps: bool = False  # seqNo skips a number from time to time
    refuses_reservations: str = ""  # the status of every ReserveNow: Occupied, Faulted, Unavailable, Rejected
    keeps_reservations: bool = False  # a reservation stays after its expiry, and can't be cancelled
    forgets_reservations: bool = False  # a start does not name the reservation that it uses
    # The answer to SendLocalList: Failed, VersionMismatch, NotSupported or the code of an error; and the
    # number of updates that are accepted before, so that a list stops half-way.
    local_list: str = ""
    local_list_after: int = 0
    refuses_whole_configuration: bool = (
        False  # answers GetConfiguration and GetBaseReport for all with an error
    )
    answers_one_key: bool = False  # answers the first key or variable of a request, and no other
    loses_settings: bool = False  # a reboot sets every key and variable back
    # Changed keys and variables take effect at the next reboot (RebootRequired).
    needs_reboot: bool = False
    # The answer to a change of the station's own password: "" follows the specification; Rejected,
    # NotSupported (UnknownVariable in 2.x) or RebootRequired; with "lost" the station takes the password and
    # drops the connection.
    password_change: str = ""
    # Messages that a trigger can't ask for (NotImplemented), such as "MeterValues".
    missing_triggers: frozenset[str] = frozenset()
    silent_triggers: bool = False  # a trigger is accepted, and its message never sent
    early_triggers: bool = False  # the triggered message is sent before the answer
    # Sent in StopTransaction instead of the right id: -1, 0, another station's.
    stop_transaction_id: int | None = None
    # The answer to every SetChargingProfile: Rejected, or NotSupported, which 2.x says as a reason.
    refuses_profiles: str = ""
    ignores_profiles: bool = False  # accepts charging profiles and installs none, as seen in the field
    loses_profiles: bool = False  # a reboot deletes all charging profiles
    # The status of every monitor that is set: Rejected, UnsupportedMonitorType, Duplicate, UnknownVariable.
    refuses_monitors: str = ""
    loses_report_parts: bool = False  # the first part of a report of monitors is never sent
    refuses_messages: str = ""  # the status of every SetDisplayMessage, such as NotSupportedPriority
    # The end of every PublishFirmware: Rejected, DownloadFailed, InvalidChecksum or PublishFailed.
    publishing: str = ""
    lacks_batteries: bool = False  # rejects every battery swap
    leaves_batteries: bool = False  # the driver does not take the offered batteries
    refuses_tariffs: str = ""  # the status of every SetDefaultTariff and ChangeTransactionTariff
    loses_tariffs: bool = False  # a reboot deletes all default tariffs
    # The key of a signing request: weak (RSA of 1,024 bits), reused (that of the last request), or unproved
    # (the request is not signed with its key).
    csr_key: str = ""
    csr_common_name: str = ""  # another common name than the station's own
    csr_organization: str = ""  # another organization than CpoName or OrganizationName
    csr_as_ca: bool = False  # the signing request asks for the certificate of a CA
    rejects_certificates: bool = False  # every CertificateSigned is Rejected, with its security event
    ignores_certificates: bool = False  # accepts a new certificate and keeps using the oldest one
    refuses_roots: str = ""  # the status of every InstallCertificate: Rejected (as if full) or Failed
    keeps_roots: bool = False  # DeleteCertificate is answered Failed
    refuses_security_profiles: bool = False  # every change of the security profile is Rejected
    falls_back: bool = False  # accepts a higher security profile and returns with the one of before
    refuses_contracts: bool = False  # never sends the certificate or hash data of a contract


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A frame with the conformance case it belongs to."""

    case: str
    name: str
    text: str


def bad_frames() -> Iterator[BadFrame]:
    """Malformed frames that must not harm a server (conformance 0.4 and R16 to R19, F70, F71): a valid
    Heartbeat still works after each.
    """
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}
    beat = '"Heartbeat",{}'
    yield BadFrame("R16", "not json", "{]")
    yield BadFrame("R16", "empty text", "")
    yield BadFrame("R16", "an object", '{"2":1}')
    yield BadFrame("R16", "a string", '"hello"')
    yield BadFrame("R16", "null", "null")
    yield BadFrame("R16", "empty array", "[]")
    yield BadFrame("R16", "only a type", "[2]")
    yield BadFrame("R16", "three elements", '[2,"bad-1","Heartbeat"]')
    yield BadFrame("R16", "five elements", f'[2,"bad-2",{beat},{{}}]')
    yield BadFrame("R16", "payload is a list", '[2,"bad-3","Heartbeat",[]]')
    yield BadFrame("R16", "payload is null", '[2,"bad-4","Heartbeat",null]')
    yield BadFrame("F74", "byte order mark", f'\ufeff[2,"bad-5",{beat}]')
    yield BadFrame("F74", "two documents", f'[2,"bad-6",{beat}][2,"bad-7",{beat}]')
    yield BadFrame("R17", "id is a number", f"[2,17,{beat}]")
    yield BadFrame("R17", "id is null", f"[2,null,{beat}]")
    yield BadFrame("R17", "id is empty", f'[2,"",{beat}]')
    yield BadFrame("R17", "id of 200 characters", f'[2,"{"x" * 200}",{beat}]')
    yield BadFrame("R18", "action is an object", '[2,"bad-8",{},{}]')
    yield BadFrame("R18", "action is an array", '[2,"bad-9",["Heartbeat"],{}]')
    yield BadFrame("R18", "action is a number", '[2,"bad-10",7,{}]')
    yield BadFrame("R18", "action is null", '[2,"bad-11",null,{}]')
    yield BadFrame("R08", "unknown action", '[2,"bad-12","MakeCoffee",{}]')
    yield BadFrame("R19", "type 99", f'[99,"bad-13",{beat}]')
    yield BadFrame("R19", "type 2.0", f'[2.0,"bad-14",{beat}]')
    yield BadFrame("R19", "type as text", f'["2","bad-15",{beat}]')
    yield BadFrame("R19", "type true", f'[true,"bad-16",{beat}]')
    yield BadFrame("R24", "answer without a request", '[3,"bad-17",{}]')
    yield BadFrame("R24", "error without a request", '[4,"bad-18","GenericError","",{}]')
    yield BadFrame("R27", "type 5", '[5,"bad-19","FormatViolation","",{}]')
    yield BadFrame("R28", "type 6", '[6,"bad-20","NotifyPeriodicEventStream",{"id":1}]')
    yield BadFrame("F71", "integer of 5000 digits", f'[2,"bad-21","Heartbeat",{{"n":{"9" * 5000}}}]')
    yield BadFrame("F71", "NaN", '[2,"bad-22","Heartbeat",{"n":NaN}]')
    yield BadFrame("F71", "1e400", '[2,"bad-23","Heartbeat",{"n":1e400}]')
    yield BadFrame("F70", "100 000 levels deep", f'[2,"bad-24","Heartbeat",{"[" * 100_000}{"]" * 100_000}]')
    yield BadFrame(
        "F72", "NUL in text", json.dumps([2, "bad-25", "BootNotification", boot | {"iccid": "\0"}])
    )
    yield BadFrame(
        "F72",
        "lone surrogate",
        '[2,"bad-26","BootNotification",{"chargePointVendor":"\\ud800","chargePointModel":"M"}]',
    )
    yield BadFrame(
        "F73",
        "duplicate keys",
        '[2,"bad-27","BootNotification",'
        '{"chargePointVendor":"A","chargePointVendor":"B","chargePointModel":"M"}]',
    )


async def resend_last(station: "Station", *, same_id: bool) -> None:
    """Send the station's last CALL again, as a station does after losing the answer. Does not wait for the
    answer.

    Raises LookupError when the log holds no CALL.
    """
    for frame in reversed(station.log):
        message = frame.message
        if frame.direction == "out" and isinstance(message, list) and message and message[0] == 2:
            if not same_id:
                message[1] = station.wire.new_id() if station.wire else "again"
            await station.send_raw(json.dumps(message, separators=(",", ":")))
            return
    raise LookupError("the station has not sent a CALL yet, or keeps no log")


async def flood(station: "Station", count: int, action: str = "Heartbeat", payload: str = "{}") -> None:
    """Send a number of CALLs without waiting for answers, which OCPP forbids."""
    for number in range(count):
        await station.send_raw(f'[2,"flood-{number}","{action}",{payload}]')

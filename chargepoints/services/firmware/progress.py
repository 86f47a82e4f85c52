"""The rule of an update's state: computed from what is known of it, so that a restart of a process loses
nothing (1.6 4.5 and security extension L01, 2.x L01 to L03).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from chargepoints.models import Command, FirmwareUpdate

State = FirmwareUpdate.State

# Words of stations. Idle answers a TriggerMessage and says nothing about an update.
IDLE: Final = "Idle"
INSTALLED: Final = "Installed"
# The answers with which a station takes an update; with the second it ends the one before (L01.FR.24).
TAKEN: Final = ("Accepted", "AcceptedCanceled")
# The error codes of a station that does not know the action.
UNSUPPORTED: Final = frozenset({"NotImplemented", "NotSupported"})

_DOWNLOAD_FAILED: Final = "DownloadFailed"
_DOWNLOAD_SCHEDULED: Final = "DownloadScheduled"
_INSTALL_SCHEDULED: Final = "InstallScheduled"

# The progress of an update in its order. A report that goes back changes nothing.
_RANKS: Final = {
    _DOWNLOAD_SCHEDULED: 1,
    "Downloading": 2,
    "DownloadPaused": 2,
    "Downloaded": 3,
    "SignatureVerified": 4,
    _INSTALL_SCHEDULED: 5,
    "Installing": 6,
    "InstallRebooting": 7,
    INSTALLED: 8,
}
_INSTALLING: Final = _RANKS["Installing"]
# A scheduled installation leaves the state as it is.
_STATES: Final = {
    1: State.ACCEPTED,
    2: State.DOWNLOADING,
    3: State.DOWNLOADED,
    4: State.VERIFIED,
    6: State.INSTALLING,
    7: State.REBOOTING,
    8: State.REBOOTING,
}
_FAILURES: Final = {
    _DOWNLOAD_FAILED: "The station could not download the file",
    "InstallationFailed": "The station could not install the file",
    "InstallVerificationFailed": "The station found the installed firmware to be damaged",
    "InvalidSignature": "The signature of the file is not valid for the station",
}
_REFUSALS: Final = {
    "InvalidCertificate": "The station does not accept the signing certificate",
    "RevokedCertificate": "The station holds the signing certificate for revoked",
}
_UNANSWERED: Final = (Command.State.TIMEOUT, Command.State.DISCONNECTED)
_WAITING: Final = ("", Command.State.QUEUED, Command.State.SENT)


class Report(NamedTuple):
    """A notification of the station."""

    status: str
    at: datetime


class Boot(NamedTuple):
    """The station's last boot since the request, with the version that it reported."""

    version: str
    at: datetime


class Evidence(NamedTuple):
    """The facts about an update.

    `command` is the state of its command, `answer` the status or the error code in the station's answer.
    `reports` are the notifications about it, the oldest first. `wanted` is the version that it installs, or
    empty, and `previous` the one at the request. `is_replaced`: the station has taken a newer update.
    `sent_at` is the time of the request; the download begins not before `retrieve_at`, the installation not
    before `install_at`. `silence` is the time after which a station that reports nothing is silent.
    """

    sent_at: datetime
    now: datetime
    silence: timedelta
    command: str = ""
    answer: str = ""
    reports: Sequence[Report] = ()
    wanted: str = ""
    previous: str = ""
    boot: Boot | None = None
    is_replaced: bool = False
    retrieve_at: datetime | None = None
    install_at: datetime | None = None


class Verdict(NamedTuple):
    """The state of an update, the last status that counted, and a sentence for a failure. `stalls_at` is the
    time from which it is silent; None if it has ended.
    """

    state: FirmwareUpdate.State
    status: str = ""
    fault: str = ""
    stalls_at: datetime | None = None


class _Course(NamedTuple):
    """The reports that counted, as one position. `since` is the time of the last one, `begun_at` that of the
    last one up to Installing: the boot of the installation is not earlier.
    """

    rank: int
    state: FirmwareUpdate.State | None
    status: str
    since: datetime
    begun_at: datetime
    has_failed: bool


def same_version(one: str, other: str) -> bool:
    """Whether two versions are the same; spaces around them and case make no difference."""
    return one.strip().casefold() == other.strip().casefold()


def verdict(known: Evidence) -> Verdict:
    """The state of an update. A boot with the wanted version counts more than any notification."""
    course = _course(known)
    return (
        _proved(known, course) or _failed(known, course) or _replaced(known, course) or _open(known, course)
    )


def _course(known: Evidence) -> _Course:
    rank = 0  # equivalent: the lowest report has rank 1, and none is below
    state, status, has_failed = None, "", False
    since = begun_at = known.sent_at
    for report in known.reports:
        if report.status in _FAILURES:
            if not has_failed:
                has_failed, status, since = True, report.status, report.at
            continue
        found = _RANKS.get(report.status, 0)
        # After a failed download the station may begin again by itself, as often as `retries` says.
        begins_again = has_failed and status == _DOWNLOAD_FAILED
        if not found or (has_failed and not begins_again) or (found < rank and not begins_again):
            continue
        rank, status, since, has_failed = found, report.status, report.at, False
        state = _STATES.get(found, state)
        begun_at = report.at if found <= _INSTALLING else begun_at
    return _Course(rank, state, status, since, begun_at, has_failed)


def _proved(known: Evidence, course: _Course) -> Verdict | None:
    """Installed, if the version of a boot proves it, or the report where there is nothing to compare."""
    is_wanted = known.boot is not None and _is(known.boot.version, known.wanted)
    if is_wanted and not _is(known.previous, known.wanted):
        return Verdict(State.INSTALLED, course.status)
    if course.has_failed or course.status != INSTALLED:
        return None
    if not known.wanted.strip():
        return Verdict(State.INSTALLED, course.status)
    boot = _boot_of(known, course)
    # A station that reports no version at all can't be checked.
    if boot is not None and (is_wanted or not boot.version.strip()):
        return Verdict(State.INSTALLED, course.status)
    return None


def _failed(known: Evidence, course: _Course) -> Verdict | None:
    if course.has_failed:
        return Verdict(State.FAILED, course.status, f"{_FAILURES[course.status]} ({course.status}).")
    boot = _boot_of(known, course)
    if course.status == INSTALLED and boot is not None:
        sentence = f"The station reported Installed and booted with {boot.version}, not with {known.wanted}."
        return Verdict(State.FAILED, course.status, sentence)
    return None if course.status else _refused(known)


def _refused(known: Evidence) -> Verdict | None:
    """The end of an update that the station has not taken."""
    answer = known.answer
    if known.command in (Command.State.REJECTED, Command.State.EMPTY):
        if answer in _REFUSALS:
            return Verdict(State.FAILED, "", f"{_REFUSALS[answer]} ({answer}).")
        return Verdict(State.REJECTED, "", f"The station answered {answer or 'with a refusal'}.")
    if known.command == Command.State.ERROR:
        return Verdict(State.FAILED, "", f"The station answered with the error {answer}.")
    if known.command == Command.State.INVALID:
        return Verdict(State.FAILED, "", "The station's answer was not valid.")
    return None


def _replaced(known: Evidence, course: _Course) -> Verdict | None:
    if not known.is_replaced:
        return None
    return Verdict(State.SUPERSEDED, course.status, "The station has taken a newer update.")


def _open(known: Evidence, course: _Course) -> Verdict:
    boot = _boot_of(known, course)
    if not course.status and known.command in _UNANSWERED and boot is None:
        return Verdict(State.SILENT, "", "The station did not answer.")
    state = course.state or (State.REQUESTED if known.command in _WAITING else State.ACCEPTED)
    stalls_at = _last_moment(known, course) + known.silence
    if stalls_at >= known.now:
        return Verdict(state, course.status, "", stalls_at)
    if course.status == INSTALLED:
        sentence = "The station reported Installed and has not booted since."
    else:
        sentence = f"The station reported nothing after {course.status or 'its answer'}"
        sentence += f" but a boot with {boot.version}." if boot is not None and boot.version else "."
    return Verdict(State.SILENT, course.status, sentence)


def _last_moment(known: Evidence, course: _Course) -> datetime:
    """The time from which the station's silence counts."""
    moments = [course.since]
    if course.status in ("", _DOWNLOAD_SCHEDULED):
        moments.append(known.retrieve_at or known.sent_at)
    elif course.rank < _INSTALLING:
        moments.append(known.install_at or known.sent_at)
    if known.boot is not None:
        moments.append(known.boot.at)
    return max(moments)


def _boot_of(known: Evidence, course: _Course) -> Boot | None:
    """The last boot, if it may be that of the installation."""
    return known.boot if known.boot is not None and known.boot.at >= course.begun_at else None


def _is(version: str, wanted: str) -> bool:
    return bool(wanted.strip()) and same_version(version, wanted)

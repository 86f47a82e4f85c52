"""The meaning of a station's answer for its command: done, no such thing, or refused; and its reason.

A test asks for a decision about every status word of every version (decision 0069).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from ocpp_server.transport.command_store import State


class Words(NamedTuple):
    """The status words of an action: `done` (now or later), `nothing` (no such thing exists: an answer, but
    without a result) and `refused`.
    """

    done: frozenset[str]
    nothing: frozenset[str]
    refused: frozenset[str]


class Outcome(NamedTuple):
    """The state and the status word of a command, and the station's reason.

    An answer with a list of results also has their number, and how many of them were done and refused.
    """

    state: State
    status: str = ""
    items: int = 0
    done: int = 0
    refused: int = 0
    reason_code: str = ""
    additional_info: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the station refused nothing."""
        return self.state in SUCCESSES or (self.state == State.PARTIAL and not self.refused)

    @property
    def reason(self) -> str:
        """The reason in one line; empty if the station gave none."""
        return ": ".join(filter(None, (self.reason_code, self.additional_info)))

    @property
    def share(self) -> str:
        """The number of done items, such as "1 of 2", where some were done and others not."""
        return f"{self.done} of {self.items}" if self.state == State.PARTIAL else ""


# States of a command whose answer has a result, or says that there is none.
SUCCESSES: Final = frozenset({State.ACCEPTED, State.EMPTY})
# States of a command that the station has answered by a status of its own.
ANSWERED: Final = frozenset({State.ACCEPTED, State.PARTIAL, State.EMPTY, State.REJECTED})

# An action without a row has Accepted and Rejected only, or no status.
PLAIN: Final = ("Accepted", "", "Rejected")
# An unknown variable or profile is no such thing where a command reads or clears it, and a refusal where it
# sets something. CancelReservation: Rejected stays a refusal, because stations use it for failures too.
# fmt: off
TABLE: Final[dict[str, tuple[str, str, str]]] = {
    # action                   done                         no such thing     refused
    "ChangeAvailability":      ("Accepted Scheduled",        "",               "Rejected"),
    "ChangeConfiguration":     ("Accepted RebootRequired",   "",               "Rejected NotSupported"),
    "ChangeTransactionTariff": ("Accepted",                  "",
                                "Rejected TooManyElements ConditionNotSupported TxNotFound NoCurrencyChange"),
    "ClearChargingProfile":    ("Accepted",                  "Unknown",        ""),
    "ClearDERControl":         ("Accepted",                  "NotFound",       "Rejected NotSupported"),
    "ClearDisplayMessage":     ("Accepted",                  "Unknown",        "Rejected"),
    "ClearTariffs":            ("Accepted",                  "NoTariff",       "Rejected"),
    "ClearVariableMonitoring": ("Accepted",                  "NotFound",       "Rejected"),
    "CustomerInformation":     ("Accepted",                  "",               "Rejected Invalid"),
    "DataTransfer":            ("Accepted",                  "",
                                "Rejected UnknownMessageId UnknownVendorId"),
    "DeleteCertificate":       ("Accepted",                  "NotFound",       "Failed"),
    "ExtendedTriggerMessage":  ("Accepted",                  "",               "Rejected NotImplemented"),
    "GetBaseReport":           ("Accepted",                  "EmptyResultSet", "Rejected NotSupported"),
    "GetChargingProfiles":     ("Accepted",                  "NoProfiles",     ""),
    "GetDERControl":           ("Accepted",                  "NotFound",       "Rejected NotSupported"),
    "GetDisplayMessages":      ("Accepted",                  "Unknown",        ""),
    "GetInstalledCertificateIds": ("Accepted",               "NotFound",       ""),
    "GetLog":                  ("Accepted AcceptedCanceled", "",               "Rejected"),
    "GetMonitoringReport":     ("Accepted",                  "EmptyResultSet", "Rejected NotSupported"),
    "GetReport":               ("Accepted",                  "EmptyResultSet", "Rejected NotSupported"),
    "GetTariffs":              ("Accepted",                  "NoTariff",       "Rejected"),
    "GetVariables":            ("Accepted",
                                "UnknownComponent UnknownVariable NotSupportedAttributeType", "Rejected"),
    "InstallCertificate":      ("Accepted",                  "",               "Rejected Failed"),
    "ReserveNow":              ("Accepted",                  "",
                                "Rejected Faulted Occupied Unavailable"),
    "Reset":                   ("Accepted Scheduled",        "",               "Rejected"),
    "SendLocalList":           ("Accepted",                  "",
                                "Failed NotSupported VersionMismatch"),
    "SetChargingProfile":      ("Accepted",                  "",               "Rejected NotSupported"),
    "SetDERControl":           ("Accepted",                  "",
                                "Rejected NotSupported NotFound"),
    "SetDefaultTariff":        ("Accepted",                  "",
                                "Rejected TooManyElements ConditionNotSupported DuplicateTariffId"),
    "SetDisplayMessage":       ("Accepted",                  "",
                                "Rejected NotSupportedMessageFormat NotSupportedPriority NotSupportedState "
                                "UnknownTransaction LanguageNotSupported"),
    "SetMonitoringBase":       ("Accepted",                  "EmptyResultSet", "Rejected NotSupported"),
    "SetNetworkProfile":       ("Accepted",                  "",               "Rejected Failed"),
    "SetVariableMonitoring":   ("Accepted",                  "",
                                "Rejected UnknownComponent UnknownVariable UnsupportedMonitorType Duplicate"),
    "SetVariables":            ("Accepted RebootRequired",   "",
                                "Rejected UnknownComponent UnknownVariable NotSupportedAttributeType"),
    "SignedUpdateFirmware":    ("Accepted AcceptedCanceled", "",
                                "Rejected InvalidCertificate RevokedCertificate"),
    "TriggerMessage":          ("Accepted",                  "",               "Rejected NotImplemented"),
    "UnlockConnector":         ("Unlocked",                  "",
                                "UnlockFailed NotSupported OngoingAuthorizedTransaction UnknownConnector"),
    "UnpublishFirmware":       ("Unpublished",               "NoFirmware",     "DownloadOngoing"),
    "UpdateFirmware":          ("Accepted AcceptedCanceled", "",
                                "Rejected InvalidCertificate RevokedCertificate"),
    "UsePriorityCharging":     ("Accepted",                  "",               "Rejected NoProfile"),
}
# fmt: on
# Words of OCPP for later steps, with which some stations answer.
_LATER: Final = ("Ok", "Processing", "InstallScheduled", "DownloadScheduled")

# Lists of results in 2.x answers, with the names of the status and of its reason in each result.
RESULTS: Final = {
    "setVariableResult": ("attributeStatus", "attributeStatusInfo"),
    "getVariableResult": ("attributeStatus", "attributeStatusInfo"),
    "setMonitoringResult": ("status", "statusInfo"),
    "clearMonitoringResult": ("status", "statusInfo"),
    "clearTariffsResult": ("status", "statusInfo"),
}
# Answers without a status, whose missing field says that there is nothing (1.6 5.10).
_NOTHING_WITHOUT: Final = {"GetDiagnostics": "fileName"}


@cache
def words_of(action: str) -> Words:
    """The status words of an action."""
    return Words(*(frozenset(column.split()) for column in TABLE.get(action, PLAIN)))


@cache
def _done_anywhere() -> frozenset[str]:
    """A word that the schema of the action lacks is done if it is done in any action."""
    return frozenset(_LATER).union(*(words_of(action).done for action in TABLE))


def state_and_status(action: str, response: Mapping[str, Any]) -> tuple[State, str]:
    """The command's state and the status word."""
    found = outcome(action, response)
    return found.state, found.status


def outcome(action: str, response: Mapping[str, Any]) -> Outcome:
    """The meaning of an answer. An answer without a status counts as accepted."""
    status = response.get("status")
    if isinstance(status, str) and status:
        return _of_one(action, status, response.get("statusInfo"))
    for name, (key, info) in RESULTS.items():
        if isinstance(results := response.get(name), list):
            readable = [one for one in results if isinstance(one, dict)]
            if not readable:  # tolerated, see decision 64: no result was readable, or none was sent
                return Outcome(State.EMPTY)
            return _of_several(action, readable, key, info)
    field = _NOTHING_WITHOUT.get(action)
    return Outcome(State.EMPTY if field is not None and not response.get(field) else State.ACCEPTED)


def _of_one(action: str, status: str, info: Any) -> Outcome:
    return Outcome(_state(action, status), status[:64], 0, 0, 0, *_reason(info))


def _of_several(action: str, results: list[dict[str, Any]], key: str, info: str) -> Outcome:
    states = [_state(action, str(one.get(key, ""))) for one in results]
    done, refused = states.count(State.ACCEPTED), states.count(State.REJECTED)
    if done == len(results):
        state = State.ACCEPTED
    elif done:
        state = State.PARTIAL
    else:
        state = State.REJECTED if refused else State.EMPTY
    # The result that explains the state: a refused one, else one without a result.
    chosen = results[min(range(len(results)), key=lambda index: _GRAVEST_FIRST.index(states[index]))]
    word = str(chosen.get(key, ""))[:64]
    return Outcome(state, word, len(results), done, refused, *_reason(chosen.get(info)))


_GRAVEST_FIRST: Final = (State.REJECTED, State.EMPTY, State.ACCEPTED)


def _state(action: str, word: str) -> State:
    words = words_of(action)
    if word in words.nothing:
        return State.EMPTY
    if word in words.refused:
        return State.REJECTED
    return State.ACCEPTED if word in words.done or word in _done_anywhere() else State.REJECTED


def _reason(info: Any) -> tuple[str, str]:
    """The reason code and the additional text of a statusInfo (2.x)."""
    if not isinstance(info, Mapping):
        return "", ""
    code, text = info.get("reasonCode"), info.get("additionalInfo")
    return (code[:64] if isinstance(code, str) else ""), (text[:1024] if isinstance(text, str) else "")

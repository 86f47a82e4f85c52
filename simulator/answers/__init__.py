"""Answers of a simulated station to CALLs of the CSMS, one module per functional block."""

from typing import Any

from simulator import schemas
from simulator.answers import (  # noqa: F401 - each import registers its answers
    availability,
    battery_swap,
    certificates,
    configuration,
    der,
    displays,
    firmware,
    local_list,
    monitoring,
    publishing,
    remote,
    reservation,
    smart_charging,
    tariffs,
    trigger,
)
from simulator.answers.table import ANSWERS, Answer, FollowUp, NoReply
from simulator.versions import V16
from simulator.wire import CallFailed

__all__ = ["FollowUp", "NoReply", "answer_call"]

# Before registration is Accepted, a station answers only these actions, which help it get accepted (2.0.1
# B02).
WHILE_PENDING = {
    "GetVariables",
    "SetVariables",
    "GetBaseReport",
    "GetReport",
    "TriggerMessage",
    "GetConfiguration",
    "ChangeConfiguration",
    "ExtendedTriggerMessage",
    "DataTransfer",
    "CertificateSigned",
    "InstallCertificate",
    "DeleteCertificate",
    "GetInstalledCertificateIds",
    "SetNetworkProfile",
    "Reset",
}
# While Pending, start and stop requests are answered Rejected in every version (1.6 section 4.2, 2.0.1
# B02.FR.05).
STARTS_AND_STOPS = {
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "RequestStartTransaction",
    "RequestStopTransaction",
}


def answer_call(station: Any, action: str, payload: dict[str, Any]) -> Answer:
    """Return the answer to a CALL and the follow-up to run once it is sent. Raises CallFailed with the
    version's code.
    """
    version = station.version
    if schemas.validator(version, action, "request") is None:
        raise CallFailed(action, "NotImplemented", f"{action} is not an action of OCPP {version}")
    handler = ANSWERS.get((version, action))
    if handler is None:
        raise CallFailed(action, "NotSupported", f"this station does not support {action}")
    if faults := schemas.faults(version, action, "request", payload):
        keyword, message = faults[0]
        raise CallFailed(action, schemas.error_code(version, keyword), message)
    if station.registration in ("Pending", "Rejected"):
        if action in STARTS_AND_STOPS and station.registration == "Pending":
            return {"status": "Rejected"}, None
        if station.registration == "Rejected" or action not in WHILE_PENDING:
            raise CallFailed(
                action,
                "SecurityError" if version != V16 else "GenericError",
                "registration is not accepted yet",
            )
    answer = handler(station, payload)
    return answer if isinstance(answer, tuple) else (answer, None)

"""Display messages and customer information of 2.x."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, Answer, answers
from simulator.clock import parse_time
from simulator.versions import V21, V201


@answers("SetDisplayMessage", V201, V21)
def set_display(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    message = payload["message"]
    if station.misbehaviour.refuses_messages:
        return {"status": station.misbehaviour.refuses_messages}
    if message["message"]["format"] not in ("ASCII", "UTF8"):
        return {"status": "NotSupportedMessageFormat"}
    if "transactionId" in message and station.session_of(message["transactionId"]) is None:
        return {"status": "UnknownTransaction"}
    station.displays[message["id"]] = message
    return ACCEPTED


def _current(station: Any) -> dict[int, dict[str, Any]]:
    """The messages whose session runs and whose end has not passed; the others are removed."""
    now = station.clock.now()
    for number, message in list(station.displays.items()):
        end = parse_time(message.get("endDateTime", ""))
        transaction = message.get("transactionId")
        if (end and end <= now) or (transaction and station.session_of(transaction) is None):
            del station.displays[number]
    return dict(station.displays)


@answers("GetDisplayMessages", V201, V21)
def get_displays(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    found = [
        message
        for number, message in sorted(_current(station).items())
        if number in payload.get("id", [number])
        and payload.get("priority", message["priority"]) == message["priority"]
        and payload.get("state", message.get("state")) == message.get("state")
    ]
    if not found:
        return {"status": "Unknown"}
    report = {"requestId": payload["requestId"], "messageInfo": found}
    return ACCEPTED, functools.partial(station.notify, "NotifyDisplayMessages", report)


@answers("ClearDisplayMessage", V201, V21)
def clear_display(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = _current(station).get(payload["id"])
    station.displays.pop(payload["id"], None)
    return ACCEPTED if found else {"status": "Unknown"}


@answers("CustomerInformation", V201, V21)
def customer_information(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    """Answer CustomerInformation: a simulated station stores only a token cache and a local list entry (2.0.1
    N09, N10).
    """
    token = payload.get("idToken", {}).get("idToken", payload.get("customerIdentifier", "")).lower()
    status = station.token_cache.get(token)
    if payload["clear"]:
        station.token_cache.pop(token, None)
        station.token_groups.pop(token, None)
        station.local_list.pop(token, None)
    data = f"cached authorization: {status}" if payload["report"] and status else ""
    report = {
        "requestId": payload["requestId"],
        "generatedAt": station.clock.text(),
        "seqNo": 0,
        "data": data,
    }
    return ACCEPTED, functools.partial(station.notify, "NotifyCustomerInformation", report)

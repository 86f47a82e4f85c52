"""Remote start and stop, unlock, transaction status and running cost."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.connector import Connector
from simulator.profiles import Installed
from simulator.versions import V16, V21, V201


def free_connector(
    station: Any, number: int | None, token: str, group: str | None = None
) -> Connector | None:
    """Return the connector a remote start may use: the requested one, else the first that is free for this
    token.
    """
    connectors: list[Connector] = station.connectors
    for connector in connectors:
        held = connector.reservation
        usable = connector.is_free and connector.operative and (held is None or held.admits(token, group))
        if usable and number in (None, connector.number):
            return connector
    return None


def _start(
    station: Any, connector: Connector, token: str, profile: dict[str, Any] | None, **plan: Any
) -> Answer:
    if profile is not None:
        if profile["chargingProfilePurpose"] != "TxProfile":
            return REJECTED, None  # 1.6 section 5.11, 2.0.1 F01.FR.08
        station.profiles.install(Installed(connector.number, profile))

    async def begin() -> None:
        # A driver may have used the connector since the answer was sent.
        if connector.is_free:
            await station.begin(connector.number, token, remote=True, plugs_in=station.plugs_in, **plan)

    return ACCEPTED, begin


@answers("RemoteStartTransaction", V16)
def remote_start(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    connector = free_connector(station, payload.get("connectorId"), payload["idTag"])
    if connector is None:
        return REJECTED
    return _start(station, connector, payload["idTag"], payload.get("chargingProfile"))


@answers("RequestStartTransaction", V201, V21)
def request_start(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    token = payload["idToken"]
    group = payload.get("groupIdToken", {}).get("idToken")
    connector = free_connector(station, payload.get("evseId"), token["idToken"], group)
    if connector is None:
        return REJECTED
    return _start(
        station,
        connector,
        token["idToken"],
        payload.get("chargingProfile"),
        token_type=token["type"],
        remote_start_id=payload["remoteStartId"],
    )


@answers("RemoteStopTransaction", V16)
@answers("RequestStopTransaction", V201, V21)
def remote_stop(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    session = station.session_of(payload["transactionId"])
    if session is None:
        return REJECTED
    return ACCEPTED, _later(functools.partial(session.request_stop, "Remote"))


def _later(function: Any) -> Any:
    async def run() -> None:
        function()

    return run


@answers("UnlockConnector", V16)
def unlock_16(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    number = payload["connectorId"]
    if not 1 <= number <= len(station.connectors):
        return {"status": "NotSupported"}
    session = station.connector(number).session
    if session is None:
        return {"status": "Unlocked"}
    return {"status": "Unlocked"}, _later(functools.partial(session.request_stop, "UnlockCommand"))


@answers("UnlockConnector", V201, V21)
def unlock_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if not 1 <= payload["evseId"] <= len(station.connectors) or payload["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    busy = station.connector(payload["evseId"]).session is not None
    return {"status": "OngoingAuthorizedTransaction" if busy else "Unlocked"}


@answers("GetTransactionStatus", V201, V21)
def transaction_status(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Answer GetTransactionStatus (2.0.1 E14): whether the transaction is ongoing, and whether messages are
    queued.
    """
    wanted = payload.get("transactionId")
    if wanted is None:
        return {"messagesInQueue": bool(station.outbox.waiting)}
    queued = any(message.session.transaction_id == wanted for message in station.outbox.waiting)
    return {"ongoingIndicator": station.session_of(wanted) is not None, "messagesInQueue": queued}


@answers("CostUpdated", V201, V21)
def cost_updated(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    station.costs[payload["transactionId"]] = payload["totalCost"]
    return {}

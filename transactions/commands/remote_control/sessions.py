"""Remote start and remote stop (1.6 5.11, 5.12; 2.x F01, F02, F03)."""

from __future__ import annotations

import secrets
from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from transactions.models import Transaction
from transactions.services.authorization.decision import refuse_remote_start


async def remote_start(
    charge_point: ChargePoint,
    *,
    id_token: str,
    evse_number: int | None = None,
    id_token_type: str = "Central",  # noqa: S107 - a kind of token
    force: bool = False,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Ask a station to start charging for a token, at one EVSE or where the driver plugs in.

    `id_token_type` is 2.x IdTokenEnumType; 1.6 has none. An accepted command is not a transaction yet: the
    command's RemoteStart has the outcome. Raises Conflict for a token that may not charge there, unless
    `force`, and the errors of `calls.call`.
    """
    if not force and live.state().is_connected(charge_point.identity):
        await journal.run(refuse_remote_start, charge_point, id_token, evse_number)
    payload: dict[str, Any]
    if charge_point.ocpp_version == V16:
        action, payload = "RemoteStartTransaction", {"idTag": id_token}
        place = "connectorId"
    else:
        action = "RequestStartTransaction"
        # The station sends this number with the transaction (F01.FR.25); 31 bits, because stations store it
        # in an int.
        number = secrets.randbelow(2**31 - 1) + 1
        payload = {"idToken": {"idToken": id_token, "type": id_token_type}, "remoteStartId": number}
        place = "evseId"
    if evse_number is not None:
        payload[place] = evse_number
    return await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)


async def remote_stop(
    charge_point: ChargePoint,
    *,
    transaction: Transaction,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Ask the station to end a transaction, by the station's id for it. Raises the errors of `calls.call`."""
    payload: dict[str, Any]
    if charge_point.ocpp_version == V16:
        action, payload = "RemoteStopTransaction", {"transactionId": transaction.number_at_station}
    else:
        action, payload = "RequestStopTransaction", {"transactionId": transaction.ocpp_id}
    return await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)

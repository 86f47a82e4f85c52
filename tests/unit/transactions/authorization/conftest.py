"""Stations of every version without sockets: handlers, journal and live state are the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from accounts.models import Contract, Member, Token, User
from chargepoints.models import ChargePoint, Site
from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from transactions.handlers import authorization, transactions


class DirectStation:
    """A station without a socket: it sends requests to the handlers, commits, and validates the answers."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._sessions = 0

    async def _send(
        self,
        action: str,
        handler: Callable[[Station, dict[str, Any]], Awaitable[dict[str, Any]]],
        request: dict[str, Any],
    ) -> dict[str, Any]:
        self.station.received_at = datetime.now(UTC)
        self.station.payload = orjson.dumps(request).decode()
        self.station.request = request
        answer = await handler(self.station, request)
        schemas.outgoing(self.station.version, action, "response", answer)
        await UnitOfWork(self.station).store()
        return answer

    @property
    def is_16(self) -> bool:
        return self.station.version == V16

    async def authorize(self, uid: str, kind: str = "ISO14443") -> dict[str, Any]:
        if self.is_16:
            answer = await self._send("Authorize", authorization.authorize_16, {"idTag": uid})
            return answer["idTagInfo"]
        request = {"idToken": {"idToken": uid, "type": kind}}
        return (await self._send("Authorize", authorization.authorize, request))["idTokenInfo"]

    async def start(self, uid: str, evse: int = 1) -> dict[str, Any]:
        """Plug in and start; the status of the token, and the transaction to end later."""
        self._sessions += 1
        at = datetime.now(UTC).isoformat()
        if self.is_16:
            request = {"connectorId": evse, "idTag": uid, "meterStart": 0, "timestamp": at}
            answer = await self._send("StartTransaction", transactions.start_transaction, request)
            return {**answer["idTagInfo"], "transaction": answer["transactionId"]}
        name = f"T{self._sessions}"
        request = self._event("Started", name, 0, at) | {
            "evse": {"id": evse, "connectorId": 1},
            "idToken": {"idToken": uid, "type": "ISO14443"},
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": 0, "context": "Transaction.Begin"}]}],
        }
        answer = await self._send("TransactionEvent", transactions.transaction_event, request)
        return {**answer["idTokenInfo"], "transaction": name}

    async def stop(self, started: dict[str, Any], uid: str, meter_wh: int = 0) -> dict[str, Any]:
        at = datetime.now(UTC).isoformat()
        if self.is_16:
            request = {
                "transactionId": started["transaction"],
                "idTag": uid,
                "meterStop": meter_wh,
                "timestamp": at,
            }
            return (await self._send("StopTransaction", transactions.stop_transaction, request))["idTagInfo"]
        request = self._event("Ended", started["transaction"], 1, at) | {
            "idToken": {"idToken": uid, "type": "ISO14443"},
            "meterValue": [
                {"timestamp": at, "sampledValue": [{"value": meter_wh, "context": "Transaction.End"}]}
            ],
        }
        return (await self._send("TransactionEvent", transactions.transaction_event, request))["idTokenInfo"]

    @staticmethod
    def _event(kind: str, name: str, seq_no: int, at: str) -> dict[str, Any]:
        return {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": "Authorized" if kind == "Started" else "StopAuthorized",
            "seqNo": seq_no,
            "transactionInfo": {"transactionId": name},
        }


@pytest.fixture
async def engine() -> AsyncIterator[None]:
    """The journal and a fresh live state."""
    live.reset()
    journal.start()
    yield
    await journal.stop()
    live.reset()


@pytest.fixture
def run_orm(engine: None) -> Callable[..., Awaitable[Any]]:
    """Run a function that uses the ORM, as another request does."""

    async def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return await journal.run(function, *args, **more)

    return run


@pytest.fixture
def station(run_orm: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[DirectStation]]:
    """Make a station of a version, at a site when one is named."""

    async def make(version: str, identity: str = "CP-1", site: str = "", **more: Any) -> DirectStation:
        def row() -> ChargePoint:
            where = Site.objects.get_or_create(name=site)[0] if site else None
            return ChargePoint.objects.create(
                identity=identity,
                site=where,
                ocpp_version=version,
                registration_status="Accepted",
                **more,
            )

        charge_point = await run_orm(row)
        return DirectStation(await run_orm(load_station, charge_point.pk, version))

    return make


def a_person(name: str = "Alice", **more: Any) -> User:
    return User.objects.create(username=name.lower(), name=name, **more)


def a_contract(name: str = "C-1", owner: User | None = None, **more: Any) -> Contract:
    contract = Contract.objects.create(contract_id=name, **more)
    if owner is not None:
        Member.objects.create(contract=contract, user=owner, role=Member.Role.OWNER)
    return contract


def a_token(uid: str = "CARD", **more: Any) -> Token:
    return Token.objects.create(uid=uid, **more)

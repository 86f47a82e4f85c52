"""Tokens, stations and sessions in memory, and the rows and events that a decision writes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import orjson

from ocpp_server.events import outbox
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Consumption, TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.translate.energy import mwh_of
from transactions.live.abilities import ABILITIES
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import decide
from transactions.tables import REFUSALS

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Stored(MemoryState):
    """A live state with tokens that are never read from a database."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, tuple[TokenRecord, ...]] = {}
        self.drawn_wh: dict[str, float] = {}

    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        return self.records.get(uid_key, ())

    async def consumed(self, subject: str) -> Consumption:
        drawn_mwh = mwh_of(self.drawn_wh[subject])
        return Consumption(date(2026, 5, 4), drawn_mwh, drawn_mwh)


def a_station(pk: int = 1) -> Station:
    station = Station(pk=pk, identity=f"CP-{pk}", version="ocpp2.0.1")
    station.received_at = NOON
    station.site_pk = 10
    ABILITIES.of(station).swapping_read_at = NOON  # it has reported nothing
    return station


def present(station: Station, uid: str = "CARD", kind: str = "ISO14443", **more: Any) -> Any:
    return decide(station=station, token=IdToken(uid, kind), **more)


def a_session(station: Station, state: MemoryState | None = None, **more: Any) -> TransactionState:
    """A running session with the token CARD on EVSE 1, stored at the station and in the live state."""
    values: dict[str, Any] = {
        "station": station.identity,
        "evse": 1,
        "token_key": "card",
        "authorization_status": "Accepted",
        "started_at": NOON,
        "last_message_at": NOON,
    }
    number = 1000 + len(station.transactions) + 100 * station.pk
    session = TransactionState(id=number, ocpp_id=str(number), **(values | more))
    station.transactions[number] = session
    if state is not None:
        state.transaction_changed(session)
    return session


def rows(station: Station) -> list[dict[str, Any]]:
    return [
        dict(zip(REFUSALS.names, row, strict=True))
        for table, row in station.unit.inserts
        if table is REFUSALS
    ]


def events(station: Station) -> list[tuple[str, dict[str, Any]]]:
    """The events of the station's message: their types and data."""
    names = outbox.port.app.table.names
    found = [
        dict(zip(names, row, strict=True))
        for table, row in station.unit.inserts
        if table is outbox.port.app.table
    ]
    assert all((row["station"], row["site_id"]) == (station.identity, station.site_pk) for row in found)
    return [(row["type"], orjson.loads(row["data"])) for row in found]


def spoken(purpose: Purpose) -> str:
    return "authorize" if purpose is Purpose.IDENTIFY else purpose.value

"""A station for commands whose calls the test answers; the journal runs at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from tests.unit.transactions.at_once import run_at_once

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOW: dict[str, Any] = {"actor": "ann", "timeout": 7.0, "wait": True}


class Wire:
    """The place of the socket: each command is stored in a state, with a response, or can't be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.how: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {"state": "accepted", "response": {"status": "Accepted"}}
        self.error: Exception | None = None

    async def call(
        self, charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any
    ) -> Command:
        self.sent.append((action, payload))
        self.how.append(how)
        if self.error is not None:
            raise self.error
        return await journal.run(
            Command.objects.create,
            id=f"c-{len(self.sent)}",
            charge_point=charge_point,
            action=action,
            payload=payload,
            created_at=NOON,
            deadline_at=NOON,
            **self.answers,
        )


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(calls, "call", made.call)
    return made


@pytest.fixture
def orm(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Any]:
    """The journal at once, and a fresh live state."""
    run = run_at_once(monkeypatch)
    live.reset()
    yield run
    live.reset()


@pytest.fixture
def charger(orm: Any) -> Any:
    async def make(version: str = V16, *, is_online: bool = True) -> ChargePoint:
        values = {"identity": "CP-1", "ocpp_version": version, "registration_status": "Accepted"}
        row = cast("ChargePoint", await orm(ChargePoint.objects.create, **values))
        if is_online:
            await live.state().connect(Connection("c-1", "CP-1", version, "", "", NOON))
        return row

    return make

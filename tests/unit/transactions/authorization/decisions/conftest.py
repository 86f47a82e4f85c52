"""A live state in memory, and the tokens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.records import TokenRecord
from tests.unit.transactions.authorization.decisions.memory import Stored
from transactions.services.authorization import direct_payments
from transactions.services.authorization.direct_payments import Payment


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    state = Stored()
    monkeypatch.setattr(live, "state", lambda: state)
    yield state


@pytest.fixture
def payment(monkeypatch: pytest.MonkeyPatch) -> Callable[[Payment | None], None]:
    """Set what is known of every payment; `transactions.remote_control.test_requested_starts` reads rows."""

    def known(found: Payment | None) -> None:
        async def find(*_: Any, **__: Any) -> Payment | None:
            return found

        monkeypatch.setattr(direct_payments, "find", find)

    known(None)
    return known


@pytest.fixture
def token(stored: Stored) -> Any:
    """Store a token under its UID, after those with the same one."""

    def store(uid: str = "CARD", **more: Any) -> TokenRecord:
        values: dict[str, Any] = {
            "pk": 7,
            "type": "RFID",
            "status": "active",
            "valid": True,
            "expires_at": None,
            "group_id": "",
        }
        record = TokenRecord(uid=uid, **(values | more))
        stored.records[uid.lower()] = (*stored.records.get(uid.lower(), ()), record)
        return record

    return store

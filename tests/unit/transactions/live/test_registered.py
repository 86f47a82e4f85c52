"""What this app registers with the engine when a process starts."""

from __future__ import annotations

import pytest

import transactions.live
from ocpp_server.live import extensions
from ocpp_server.ports import Port
from transactions.live import stations, tokens


def test_the_engine_gets_the_transactions_the_tokens_and_the_parts_of_a_station(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extensions, "_extensions", {})
    ports: list[Port[object]] = [Port("transactions"), Port("tokens")]
    for name, port in zip(("transactions", "tokens"), ports, strict=True):
        monkeypatch.setattr(extensions, name, port)

    transactions.live.register()

    assert [port.app for port in ports] == [stations, tokens]
    assert set(extensions.registered()) == {
        "transactions",
        "expected_starts",
        "triggers",
        "last_messages",
        "reservations",
        "orphans",
        "unknown_numbers",
        "abilities",
    }  # fmt: skip

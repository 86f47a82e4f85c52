"""The registry of vendors' messages, and the answers to them in both dialects."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chargepoints.handlers import data_transfer as handlers
from chargepoints.services import data_transfer
from chargepoints.services.data_transfer import Receivers, RegistrationError, Reply, accepted, rejected
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V201
from tests.direct import fixtures
from tests.unit.chargepoints.in_memory import a_station

engine, direct_station = fixtures.engine, fixtures.station


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The data that the receivers of acme got; `echo` replies with it."""
    got: list[Any] = []
    registered = Receivers()

    @registered.receives("acme")
    async def plain(station: Station, data: Any) -> Reply:
        got.append(data)
        return accepted()

    @registered.receives("ACME", "Echo")
    async def echo(station: Station, data: Any) -> Reply:
        got.append(data)
        return rejected(data, reason="InvalidValue")

    @registered.receives("acme", "text", is_text=True, most_characters=5)
    async def text(station: Station, data: Any) -> Reply:
        got.append(data)
        return accepted(data)

    @registered.receives("acme", "short", most_characters=5)
    async def short(station: Station, data: Any) -> Reply:
        got.append(data)
        return accepted()

    monkeypatch.setattr(handlers, "receivers", registered)
    return got


def sent(message: str | None = None, **more: Any) -> dict[str, Any]:
    return {"vendorId": "Acme"} | ({} if message is None else {"messageId": message}) | more


@pytest.mark.parametrize(
    ("request_", "in_16", "in_2x", "expected"),
    [
        ({"vendorId": "other"}, {"status": "UnknownVendorId"}, None, []),
        (sent("x"), {"status": "UnknownMessageId"}, None, []),
        (sent(), {"status": "Accepted"}, None, [None]),
        (sent(""), {"status": "Accepted"}, None, [None]),
        (sent(data='{"a": [1]}'), {"status": "Accepted"}, None, [{"a": [1]}]),
        (
            sent("echo", data='{"a":1}'),
            {"status": "Rejected", "data": '{"a":1}'},
            {"status": "Rejected", "data": {"a": 1}, "statusInfo": {"reasonCode": "InvalidValue"}},
            [{"a": 1}],
        ),
        (
            sent("echo", data='"a"'),
            {"status": "Rejected", "data": "a"},
            {"status": "Rejected", "data": "a", "statusInfo": {"reasonCode": "InvalidValue"}},
            ["a"],
        ),
        (sent("text", data="{}!"), {"status": "Accepted", "data": "{}!"}, None, ["{}!"]),
        (sent("text", data="12345"), {"status": "Accepted", "data": "12345"}, None, ["12345"]),
        (
            sent("text", data="123456"),
            {"status": "Rejected"},
            {"status": "Rejected", "statusInfo": {"reasonCode": "TooLargeElement"}},
            [],
        ),
        (sent("short", data="[1,2]"), {"status": "Accepted"}, None, [[1, 2]]),
        (
            sent("short", data="[1,23]"),
            {"status": "Rejected"},
            {"status": "Rejected", "statusInfo": {"reasonCode": "TooLargeElement"}},
            [],
        ),
        (
            sent(data="no json"),
            {"status": "Rejected"},
            {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidValue"}},
            [],
        ),
    ],
)
async def test_only_registered_code_gets_a_message(
    acme: list[Any],
    request_: dict[str, Any],
    in_16: dict[str, Any],
    in_2x: dict[str, Any] | None,
    expected: list[Any],
) -> None:
    assert await handlers.data_transfer_16(a_station(), request_) == in_16
    assert await handlers.data_transfer(a_station(), request_) == (in_2x or in_16)
    assert acme == expected * 2


@pytest.mark.parametrize("data", [{"a": 1}, [1], 7, True, None])
async def test_2x_data_may_be_any_json(acme: list[Any], data: Any) -> None:
    await handlers.data_transfer(a_station(), sent(data=data))

    assert acme == [data]


async def test_unreadable_data_is_counted(acme: list[Any]) -> None:
    one = a_station()

    await handlers.data_transfer_16(one, sent(data="no json"))

    ((kind, _action, path),) = one.deviations
    assert (kind, path) == ("unreadable-data", "data")
    assert acme == []


def test_two_receivers_of_one_message_stop_the_start() -> None:
    registered = Receivers()

    @registered.receives("acme", "Echo")
    async def first(station: Station, data: Any) -> Reply:
        return accepted()

    with pytest.raises(RegistrationError, match=r"would replace .*first"):
        registered.receives("Acme", "echo")(first)
    registered.receives("acme")(first)


@pytest.mark.parametrize(
    ("vendor", "message", "is_allowed"),
    [("v" * 255, "m" * 50, True), ("v" * 256, "m", False), ("v", "m" * 51, False), ("", "m", False)],
)
def test_names_have_the_lengths_of_ocpp(vendor: str, message: str, is_allowed: bool) -> None:
    if is_allowed:
        Receivers().receives(vendor, message)
        return
    with pytest.raises(RegistrationError):
        Receivers().receives(vendor, message)


def test_the_modules_of_the_setting_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_messages.py").write_text("LOADED = True\n")
    (tmp_path / "broken_messages.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)

    data_transfer.load(["acme_messages"])

    assert sys.modules["acme_messages"].LOADED
    for name in ("broken_messages", "missing_messages"):
        with pytest.raises(ImproperlyConfigured, match=f"OCPP_DATA_TRANSFER_MODULES: {name}"):
            data_transfer.load([name])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", [V16, V201])
async def test_a_failing_receiver_is_answered_as_a_failing_handler(
    monkeypatch: pytest.MonkeyPatch,
    direct_station: Any,
    version: str,
) -> None:
    registered = Receivers()

    @registered.receives("acme")
    async def failing(station: Station, data: Any) -> Reply:
        raise ValueError("a mistake of the vendor's module")

    monkeypatch.setattr(handlers, "receivers", registered)
    one = await direct_station(version)

    answer = await one.call("DataTransfer", {"vendorId": "acme"})
    again = await one.call("DataTransfer", {"vendorId": "other"})

    assert answer[0] == 4 and answer[2] == "InternalError"
    assert again[2] == {"status": "UnknownVendorId"}
    assert one.wire.closed == []

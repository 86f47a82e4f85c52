"""The registry of vendors' messages: what is counted, and what stops the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chargepoints.services import data_transfer
from chargepoints.services.data_transfer import Receivers, RegistrationError, Reply, accepted, rejected
from ocpp_server.live.station import Station
from tests.unit.chargepoints.in_memory import a_station


async def echo(station: Station, data: Any) -> Reply:
    return accepted(data)


def a_registry(**more: Any) -> Receivers:
    registered = Receivers()
    assert registered.receives("Acme", "Echo", **more)(echo) is echo
    return registered


async def received(registered: Receivers, station: Station, data: Any, message: str = "ECHO") -> Reply:
    return await registered.receive(station=station, vendor_id="aCME", message_id=message, data=data)


async def test_the_answers_of_the_registry_itself() -> None:
    registered, station = a_registry(), a_station()

    assert await received(registered, station, "7") == Reply("Accepted", 7)
    assert await received(registered, station, None, "") == Reply("UnknownMessageId")
    other = await registered.receive(station=station, vendor_id="x", message_id="Echo", data=None)
    assert other == Reply("UnknownVendorId")
    assert station.deviations == {}


@pytest.mark.parametrize(
    ("more", "data", "reason", "detail"),
    [
        ({"most_characters": 1000}, "x" * 1001, "TooLargeElement", "longer than 1,000 characters"),
        (
            {"is_text": True, "most_characters": 1000},
            "x" * 1001,
            "TooLargeElement",
            "longer than 1,000 characters",
        ),
        ({}, "x" * 65_537, "TooLargeElement", "longer than 65,536 characters"),
        ({"is_text": True}, "x" * 65_537, "TooLargeElement", "longer than 65,536 characters"),
        ({}, "no json", "InvalidValue", "no valid JSON"),
    ],
)
async def test_data_that_is_not_passed_on_is_counted_with_its_reason(
    more: dict[str, Any], data: str, reason: str, detail: str
) -> None:
    station = a_station()

    assert await received(a_registry(**more), station, data) == Reply("Rejected", None, reason)

    (((kind, _, path), counted),) = station.deviations.items()
    assert (kind, path) == ("unreadable-data", "data")
    assert counted.detail.startswith(f"aCME ECHO: {detail}")


async def test_a_long_vendor_is_cut_in_the_deviation() -> None:
    registered, station = Receivers(), a_station()
    registered.receives("v" * 60)(echo)

    await registered.receive(station=station, vendor_id="v" * 60, message_id="", data="no json")

    (counted,) = station.deviations.values()
    assert counted.detail.startswith("v" * 50 + " : no valid")


@pytest.mark.parametrize(("vendor", "message"), [("", ""), ("v" * 256, "m"), ("v", "m" * 51)])
def test_a_wrong_name_is_in_the_error(vendor: str, message: str) -> None:
    with pytest.raises(RegistrationError) as wrong:
        Receivers().receives(vendor, message)

    assert str(wrong.value) == f"DataTransfer {vendor!r} {message!r}: empty or too long"


def test_both_receivers_of_one_message_are_in_the_error() -> None:
    registered = a_registry()

    async def other(station: Station, data: Any) -> Reply:
        return accepted()

    with pytest.raises(RegistrationError) as wrong:
        registered.receives("acme", "echo")(other)

    assert str(wrong.value).startswith(f"DataTransfer 'acme' 'echo': {__name__}.test_both")
    assert str(wrong.value).endswith(f"other would replace {__name__}.echo")


class Named:
    """A receiver that is no function."""

    async def __call__(self, station: Station, data: Any) -> Reply:
        return accepted()

    def __repr__(self) -> str:
        return "named"


def test_a_receiver_may_be_an_object() -> None:
    registered = Receivers()
    registered.receives("acme")(Named())

    with pytest.raises(RegistrationError, match=r"test_vendor_messages\.named$"):
        registered.receives("acme")(Named())


def test_replies_have_their_words() -> None:
    assert accepted(7) == Reply("Accepted", 7, "")
    assert rejected(7, reason="x") == Reply("Rejected", 7, "x")
    assert rejected() == Reply("Rejected", None, "")


def test_a_module_that_is_missing_is_named_with_the_error() -> None:
    with pytest.raises(ImproperlyConfigured) as wrong:
        data_transfer.load(["json", "no_such_module"])

    assert str(wrong.value) == (
        "OCPP_DATA_TRANSFER_MODULES: no_such_module can't be imported (ModuleNotFoundError: No module named "
        "'no_such_module')."
    )

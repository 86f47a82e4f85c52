"""The payment service of web payments: its address, and the refusal where there is none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocpp_server.domain import Conflict
from tariffs.services.payment.checkouts import Checkout, PaymentProvider, is_address

CHECKOUT = Checkout(7, "CP-1", 1, {"maxCost": 5.0}, datetime(2026, 11, 30, tzinfo=UTC))


def provider(answer: Any, monkeypatch: pytest.MonkeyPatch, limit_s: float = 5.0) -> PaymentProvider:
    async def open_payment(checkout: Checkout) -> Any:
        assert checkout is CHECKOUT
        if isinstance(answer, Exception):
            raise answer
        if answer == "slow":
            await asyncio.sleep(60)
        return answer

    made = PaymentProvider()
    monkeypatch.setattr("tariffs.services.payment.checkouts.imported", lambda path, setting: open_payment)
    made.load("some.path", limit_s=limit_s)
    return made


async def test_the_address_of_the_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = provider("https://pay.example.com/7", monkeypatch)

    assert made.is_set
    assert await made.address(CHECKOUT) == "https://pay.example.com/7"


@pytest.mark.parametrize("answer", [ConnectionError("away"), "slow", "http://pay.example.com", None, ""])
async def test_without_an_address_in_time_there_is_no_payment(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    made = provider(answer, monkeypatch, limit_s=0.01 if answer == "slow" else 5.0)

    with pytest.raises(Conflict, match="did not open the payment"):
        await made.address(CHECKOUT)


async def test_without_a_function_there_is_no_payment() -> None:
    made = PaymentProvider()
    made.load("", limit_s=1)

    assert not made.is_set
    with pytest.raises(Conflict):
        await made.address(CHECKOUT)
    with pytest.raises(ImproperlyConfigured, match="OCPP_WEB_PAYMENTS"):
        made.load("no.such.function", limit_s=1)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("https://pay.example.com/a?b=c#d", True),
        ("https://pay.example.com:8443", True),
        ("http://pay.example.com", False),
        ("javascript:alert(1)", False),
        ("//pay.example.com", False),
        ("https://", False),
        ("https://user@pay.example.com", False),
        ("https://pay.example.com/\r\nSet-Cookie: x", False),
        ("https://pay.example.com/a b", False),
        ("https://päy.example.com", False),
        ("https://[pay", False),
        (f"https://pay.example.com/{'a' * 2000}", False),
        (b"https://pay.example.com", False),
    ],
)
def test_a_driver_is_sent_to_a_safe_address_only(text: Any, is_right: bool) -> None:
    assert is_address(text) is is_right

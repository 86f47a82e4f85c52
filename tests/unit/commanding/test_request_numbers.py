"""The numbers of requests are positive and have 31 bits, because stations store them in an int."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocpp_server import request_numbers


@pytest.mark.parametrize(
    ("draw", "number"), [(lambda below: 0, 1), (lambda below: below - 1, 2**31 - 1)], ids=["least", "most"]
)
def test_a_number_is_positive_and_has_31_bits(
    monkeypatch: pytest.MonkeyPatch, draw: Callable[[int], int], number: int
) -> None:
    monkeypatch.setattr(request_numbers.secrets, "randbelow", draw)

    assert request_numbers.new_number() == number

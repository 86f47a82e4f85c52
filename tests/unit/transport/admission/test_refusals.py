"""The refusal of a handshake: its status, its reason, and its record."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Refusal
from tests.unit.transport.admission.handshakes import Stations, handshake, refusal_of


async def test_an_address_without_an_identity_is_named_as_the_reason() -> None:
    assert ".../ocpp/<identity>" in (await refusal_of(handshake(""))).reason


async def test_a_reason_repeats_a_bounded_part_of_what_the_station_sent() -> None:
    by_origin = await refusal_of(handshake(origin="o" * 500))
    by_version = await refusal_of(handshake(offered=["v" * 500]))

    assert by_origin.reason.count("o" * 100) == 1 and "o" * 101 not in by_origin.reason
    assert by_version.reason.count("v" * 200) == 1 and "v" * 201 not in by_version.reason


@pytest.mark.parametrize(("mode", "status", "code"), [("close", 101, 1002), ("refuse", 400, 400)])
@pytest.mark.parametrize(("offered", "named"), [([], "did not ask"), (["ocpp1.2", "soap"], "ocpp1.2, soap")])
async def test_a_station_without_a_common_version_is_refused(
    settings: Any, *, mode: str, status: int, code: int, offered: list[str], named: str
) -> None:
    settings.OCPP_NO_COMMON_SUBPROTOCOL = mode
    settings.OCPP_ASSUME_SUBPROTOCOL = "ocpp1.6" if offered else ""

    refusal = await refusal_of(handshake(offered=offered))

    assert (refusal.status, refusal.code) == (status, code)
    assert named in refusal.reason


def test_a_refusal_has_its_reason_as_text_and_no_more_than_it_was_given() -> None:
    plain = Refusal(404, "Not here.")
    marked = Refusal(429, "Wait.", can_be_accepted=True, security="Type", is_repeated=True)

    assert (str(plain), plain.status, plain.code, plain.reason) == ("Not here.", 404, 404, "Not here.")
    assert (plain.security, plain.can_be_accepted, plain.is_repeated) == ("", False, False)
    assert (marked.security, marked.can_be_accepted, marked.is_repeated) == ("Type", True, True)


async def test_a_refusal_is_stored_with_its_handshake(stations: Stations) -> None:
    tried, refusal = handshake(), Refusal(404, "Not here.")

    await admission.record(tried, refusal)

    assert stations.recorded == [(tried, refusal)]

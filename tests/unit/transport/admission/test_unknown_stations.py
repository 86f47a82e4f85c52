"""Unknown stations: refused or given a socket, limited by address, added by their first boot."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.handshake import admission, authentication
from ocpp_server.transport.handshake.admission import Admitted, Refusal, Unknown
from tests.unit.transport.admission.handshakes import (
    HASH,
    PASSWORD,
    V16,
    V201,
    Row,
    Stations,
    basic,
    counted,
    handshake,
    refusal_of,
)


async def test_an_unknown_station_is_refused_and_can_be_accepted_by_an_operator() -> None:
    refusal = await refusal_of(handshake("NEW"))

    assert (refusal.status, refusal.can_be_accepted) == (404, True)
    assert (refusal.security, refusal.is_repeated) == ("", False)


@pytest.mark.parametrize("offered", [V16, V201])
async def test_an_unknown_station_gets_a_socket_where_it_is_not_refused(settings: Any, offered: str) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    assert await admission.admit(handshake("NEW", offered=[offered])) == Unknown(offered, offered)
    assert await counted(authentication.ARRIVAL, identity="NEW") == 1


@pytest.mark.parametrize("identity", ["x" * 49, " NEW", "a\u200bb"])
async def test_a_new_station_needs_an_identity_of_OCPP(
    stations: Stations, settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    refusal = await refusal_of(handshake(identity))
    stations.rows[identity] = Row(identity)

    assert (refusal.status, refusal.can_be_accepted) == (404, False)
    assert isinstance(await admission.admit(handshake(identity)), Admitted)


@pytest.mark.parametrize("mode", ["refuse", "accept"])
async def test_an_address_tries_a_limited_number_of_unknown_identities(settings: Any, mode: str) -> None:
    settings.OCPP_UNKNOWN_STATIONS = mode
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 2
    for number in range(2):
        if mode == "accept":
            assert isinstance(await admission.admit(handshake(f"NEW-{number}")), Unknown)
        else:
            assert (await refusal_of(handshake(f"NEW-{number}"))).status == 404

    first, second, third = [await refusal_of(handshake(f"NEW-{number}")) for number in (2, 3, 4)]

    assert {first.status, second.status, third.status} == {429}
    assert [each.is_repeated for each in (first, second, third)] == [False, True, True]
    assert not first.can_be_accepted
    assert isinstance(await admission.admit(handshake("CP-1")), Admitted)


async def test_the_limit_of_unknown_identities_is_one_of_each_network(settings: Any) -> None:
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 1
    statuses = [
        (await refusal_of(handshake(f"NEW-{number}", address=address))).status
        for number, address in enumerate(("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"))
    ]

    assert statuses == [404, 429, 404]


# --- the first boot -----------------------------------------------------------------------------------------


async def test_the_first_boot_adds_the_row(stations: Stations) -> None:
    entered = await admission.enter(handshake("NEW"))

    assert entered is stations.rows["NEW"]
    assert await admission.find("NEW") is entered
    assert await admission.register("NEW") is entered
    assert await admission.find("OTHER") is None


async def test_a_row_with_a_password_that_was_added_meanwhile_asks_for_it(stations: Stations) -> None:
    stations.rows["NEW"] = Row("NEW", password_hash=HASH)

    with pytest.raises(Refusal) as caught:
        await admission.enter(handshake("NEW"))

    assert caught.value.security == "FailedStationLogin"
    assert await admission.enter(handshake("NEW", authorization=basic("NEW", PASSWORD)))


async def test_beyond_the_limit_of_registrations_the_first_boot_adds_nothing(stations: Stations) -> None:
    stations.is_full = True

    with pytest.raises(Refusal) as caught:
        await admission.enter(handshake("NEW"))

    assert (caught.value.status, caught.value.security) == (404, "")
    assert "50,000" in caught.value.reason

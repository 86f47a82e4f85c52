"""The security profile of a handshake, and the two admitted ones of a change (A00.FR.002, A05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.transport.handshake import admission, profiles
from ocpp_server.transport.handshake.admission import Admitted
from ocpp_server.transport.handshake.profiles import Pinned
from tests.unit.transport.admission.handshakes import (
    HASH,
    PASSWORD,
    Row,
    Stations,
    basic,
    handshake,
    refusal_of,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OVER, LATER = NOW - timedelta(seconds=1), NOW + timedelta(hours=1)
LOGIN = basic("CP-1", PASSWORD)


@pytest.mark.parametrize(
    ("pinned", "admitted"),
    [
        (Pinned(1), (1,)),
        (Pinned(1, 2, LATER), (2, 1)),
        (Pinned(1, 2, OVER), (2, 1)),  # it was away for long: it may return with either
        (Pinned(2, 3, None), (3, 2)),
        (Pinned(3, 2, LATER), (3, 2)),
        (Pinned(3, 2, OVER), (3,)),
        (Pinned(2, 2, LATER), (2,)),
    ],
)
def test_two_profiles_are_admitted_while_the_station_is_changed(
    pinned: Pinned, admitted: tuple[int, ...]
) -> None:
    assert pinned.admitted(NOW) == admitted


@pytest.mark.parametrize(
    ("pinned", "transport", "profile"),
    [
        (Pinned(0), "", 0),
        (Pinned(1), "", 1),
        (Pinned(1), "tls login", 1),  # a proxy with TLS is no other profile
        (Pinned(2), "login", 2),  # and is refused for that
        (Pinned(2), "tls login", 2),
        (Pinned(2), "tls certificate", 2),
        (Pinned(3), "tls login", 3),
        (Pinned(0, 1, LATER), "login", 0),  # what it proves decides
        (Pinned(0, 2, LATER), "", 0),
        (Pinned(0, 2, LATER), "tls", 0),
        (Pinned(0, 2, LATER), "tls login", 2),
        (Pinned(1, 2, LATER), "login", 1),
        (Pinned(1, 2, LATER), "tls", 1),
        (Pinned(1, 2, LATER), "tls login", 2),
        (Pinned(2, 3, LATER), "login", 2),
        (Pinned(2, 3, LATER), "tls login", 2),
        (Pinned(2, 3, LATER), "tls certificate", 3),
        (Pinned(1, 3, LATER), "login certificate", 1),  # a header without TLS is no certificate
        (Pinned(3, 2, LATER), "tls certificate", 3),
        (Pinned(3, 2, LATER), "tls login", 2),
        (Pinned(3, 2, LATER), "login", 3),
        (Pinned(3, 2, OVER), "tls login", 3),
    ],
)
def test_the_highest_admitted_profile_that_a_connection_can_be_is_checked(
    pinned: Pinned, transport: str, profile: int
) -> None:
    found = profiles.chosen(
        pinned,
        NOW,
        is_tls="tls" in transport,
        has_login="login" in transport,
        has_certificate="certificate" in transport,
    )

    assert found == profile


@pytest.mark.parametrize(
    ("pinned", "profile", "proves"),
    [
        (Pinned(1), 1, False),
        (Pinned(1, 2, LATER), 2, True),
        (Pinned(1, 2, OVER), 2, True),
        (Pinned(1, 2, LATER), 1, False),  # it may not have changed yet
        (Pinned(1, 2, OVER), 1, True),
        (Pinned(1, 2, None), 1, False),
    ],
)
def test_a_connection_at_the_old_profile_proves_something_only_after_its_time(
    pinned: Pinned, profile: int, proves: bool
) -> None:
    assert profiles.proves(pinned, profile, NOW) is proves


def changing(profile: int, following: int, *, is_over: bool = False) -> Row:
    until = datetime.now(UTC) + timedelta(hours=-1 if is_over else 1)
    return Row(
        security_profile=profile,
        password_hash=HASH if profile else "",
        next_security_profile=following,
        next_security_profile_until=until,
    )


@pytest.mark.parametrize(
    ("row", "is_tls", "authorization", "proved"),
    [
        (changing(1, 2), False, LOGIN, []),
        (changing(1, 2), True, LOGIN, [(7, 2)]),
        (changing(1, 2, is_over=True), False, LOGIN, [(7, 1)]),
        (changing(1, 2, is_over=True), True, LOGIN, [(7, 2)]),
        (changing(0, 1), False, None, []),
        (changing(0, 1), False, basic("CP-1", "wrong"), []),
        (changing(0, 1, is_over=True), False, None, [(7, 0)]),
    ],
)
async def test_a_station_that_is_changed_connects_at_either_profile_and_proves_it(
    stations: Stations, *, row: Row, is_tls: bool, authorization: bytes | None, proved: list[tuple[int, int]]
) -> None:
    stations.rows["CP-1"] = row

    found = await admission.admit(handshake(is_tls=is_tls, authorization=authorization))

    assert isinstance(found, Admitted)
    assert stations.profiles == proved


async def test_the_first_password_proves_profile_1(stations: Stations) -> None:
    stations.rows["CP-1"] = row = changing(0, 1)
    row.next_password_hash = HASH

    await admission.admit(handshake(authorization=LOGIN))

    assert (stations.proved, stations.profiles) == ([(7, HASH)], [(7, 1)])


async def test_a_refused_connection_proves_no_profile(stations: Stations) -> None:
    stations.rows["CP-1"] = changing(1, 2, is_over=True)
    refused = [
        await refusal_of(handshake(is_tls=True, authorization=basic("CP-1", "wrong"))),
        await refusal_of(handshake()),
    ]
    stations.rows["CP-1"] = changing(2, 3)
    refused.append(await refusal_of(handshake(authorization=LOGIN)))

    assert [each.security for each in refused] == ["FailedStationLogin"] * 2 + ["RefusedSecurityProfile"]
    assert "profile 2 needs TLS" in refused[2].reason
    assert stations.profiles == []

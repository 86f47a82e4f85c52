"""The login of a station that was sent a new password and has not proved it yet (A01)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.transport.handshake import admission, authentication
from ocpp_server.transport.handshake.admission import Admitted
from tests.unit.transport.admission.handshakes import (
    HASH,
    PASSWORD,
    Row,
    Stations,
    basic,
    handshake,
    refusal_of,
)

NEW = "fedcba9876543210"
NEW_HASH = authentication.hash_password(NEW)
OVER = datetime.now(UTC) - timedelta(seconds=1)
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize(
    ("until", "given", "proved"),
    [
        (None, NEW, NEW_HASH),
        (None, PASSWORD, ""),  # RebootRequired: it may not have restarted yet
        (LATER, NEW, NEW_HASH),
        (LATER, PASSWORD, ""),  # the command may still be answered
        (OVER, NEW, NEW_HASH),
        (OVER, PASSWORD, HASH),
    ],
)
async def test_either_password_is_accepted_and_proves_what_it_can(
    stations: Stations, until: datetime | None, given: str, proved: str
) -> None:
    stations.rows["CP-1"] = Row(
        security_profile=1, password_hash=HASH, next_password_hash=NEW_HASH, next_password_until=until
    )

    found = await admission.admit(handshake(authorization=basic("CP-1", given)))

    assert isinstance(found, Admitted)
    assert stations.proved == ([(7, proved)] if proved else [])


async def test_a_wrong_password_or_user_name_proves_nothing(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(
        security_profile=1,
        password_hash=HASH,
        next_password_hash=NEW_HASH,
        next_password_until=OVER,
        checks_username=True,
    )

    wrong = await refusal_of(handshake(authorization=basic("CP-1", "wrong")))
    other = [await refusal_of(handshake(authorization=basic("X", each))) for each in (NEW, PASSWORD)]

    assert "password is wrong" in wrong.reason
    assert ["user name" in each.reason for each in other] == [True, True]
    assert stations.proved == []


@pytest.mark.parametrize(
    ("authorization", "proved"),
    [(None, []), (basic("CP-1", "wrong"), []), (basic("CP-1", NEW), [(7, NEW_HASH)])],
)
async def test_a_station_without_a_password_needs_none_until_it_proves_the_first(
    stations: Stations, authorization: bytes | None, proved: list[tuple[int, str]]
) -> None:
    stations.rows["CP-1"] = Row(next_password_hash=NEW_HASH)

    found = await admission.admit(handshake(authorization=authorization))

    assert isinstance(found, Admitted)
    assert stations.proved == proved


async def test_a_stored_password_alone_costs_no_write(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)

    await admission.admit(handshake(authorization=basic("CP-1", PASSWORD)))

    assert stations.proved == []

"""The login of a station: its security profile, password and origin, and the limits of an address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.transport.handshake import admission, authentication
from ocpp_server.transport.handshake.admission import Admitted
from tests.unit.transport.admission.handshakes import (
    HASH,
    HERE,
    PASSWORD,
    THERE,
    Row,
    Stations,
    basic,
    counted,
    handshake,
    refusal_of,
)


def given(user: str = "CP-1", password: str = PASSWORD) -> bytes:
    return basic(user, password)


@pytest.mark.parametrize(
    ("profile", "stored", "is_tls", "authorization", "status", "security"),
    [
        (0, "", False, None, 0, ""),
        (0, "", False, given(), 0, ""),
        (0, HASH, False, given(), 0, ""),
        (0, HASH, False, None, 401, "FailedStationLogin"),
        (1, HASH, False, given(), 0, ""),
        (1, HASH, True, given(), 0, ""),
        (1, HASH, False, given(password="wrong"), 401, "FailedStationLogin"),
        (1, HASH, False, b"Bearer x", 401, "FailedStationLogin"),
        (1, "", False, None, 401, "FailedStationLogin"),
        (1, "", False, given(), 401, "FailedStationLogin"),
        (2, HASH, True, given(), 0, ""),
        (2, HASH, False, given(), 401, "RefusedSecurityProfile"),
        (3, HASH, True, given(), 401, "RefusedClientCertificate"),
        (3, HASH, False, given(), 401, "RefusedSecurityProfile"),
    ],
)
async def test_a_security_profile_decides_about_password_and_TLS(
    stations: Stations,
    *,
    profile: int,
    stored: str,
    is_tls: bool,
    authorization: bytes | None,
    status: int,
    security: str,
) -> None:
    stations.rows["CP-1"] = Row(security_profile=profile, password_hash=stored)
    tried = handshake(is_tls=is_tls, authorization=authorization)

    if not status:
        assert isinstance(await admission.admit(tried), Admitted)
        assert await counted(authentication.FAILURE) == 0
        return
    refusal = await refusal_of(tried)

    assert (refusal.status, refusal.security, refusal.can_be_accepted) == (status, security, False)
    # A connection without TLS, or without a certificate, is no attempt to guess a password.
    assert await counted(authentication.FAILURE) == (security == "FailedStationLogin")


async def test_the_reason_of_a_failed_login_names_what_is_wrong(stations: Stations) -> None:
    async def reason(row: Row, authorization: bytes | None) -> str:
        stations.rows["CP-1"] = row
        return (await refusal_of(handshake(authorization=authorization))).reason

    with_password, checked = Row(password_hash=HASH), Row(password_hash=HASH, checks_username=True)
    reasons = [
        await reason(with_password, None),
        await reason(with_password, given(password="wrong")),
        await reason(Row(security_profile=1), given()),
        await reason(checked, given(user="OTHER")),
        await reason(Row(security_profile=2), given()),
        await reason(Row(security_profile=3), given()),
    ]

    assert len(set(reasons)) == 6 - (reasons[4] == reasons[5])
    assert "sent none" in reasons[0] and "wrong" in reasons[1] and "No password is set" in reasons[2]
    assert "user name" in reasons[3] and "TLS" in reasons[4]


@pytest.mark.parametrize(
    ("checks", "user", "password", "is_admitted"),
    [
        (False, "OTHER", PASSWORD, True),
        (True, "CP-1", PASSWORD, True),
        (True, "cp-1", PASSWORD, True),
        (True, "OTHER", PASSWORD, False),
        (True, "CP-1", "wrong", False),
        (True, "OTHER", "wrong", False),
    ],
)
async def test_the_user_name_counts_where_the_station_has_to_send_its_identity(
    stations: Stations, checks: bool, user: str, password: str, is_admitted: bool
) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH, checks_username=checks)
    tried = handshake(authorization=basic(user, password))

    if is_admitted:
        assert isinstance(await admission.admit(tried), Admitted)
    else:
        assert (await refusal_of(tried)).security == "FailedStationLogin"
        assert await counted(authentication.FAILURE) == 1


# --- the origin ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["CP-1", "NEW"])
async def test_a_web_page_may_not_speak_for_a_station_without_a_password(
    settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    refusal = await refusal_of(handshake(identity, origin="https://evil.example"))

    assert (refusal.status, refusal.security) == (403, "RefusedOrigin")
    assert "https://evil.example" in refusal.reason
    assert await counted(authentication.ARRIVAL, identity=identity) == 0


async def test_the_origin_does_not_matter_where_a_password_was_proved(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)

    found = await admission.admit(handshake(origin="https://evil.example", authorization=given()))

    assert isinstance(found, Admitted)


async def test_the_origin_of_the_servers_own_pages_is_allowed() -> None:
    own = frozenset({"https://csms.example.com"})

    found = await admission.admit(handshake(origin="https://csms.example.com", own_origins=own))

    assert isinstance(found, Admitted)


# --- the limits of an address -------------------------------------------------------------------------------


async def test_an_address_with_ten_failed_logins_of_a_station_has_to_wait(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)
    right = handshake(authorization=basic("CP-1", PASSWORD))
    for _ in range(authentication.MAX_FAILURES - 1):
        await live.state().recent.note(HERE, "CP-1", authentication.FAILURE)

    assert isinstance(await admission.admit(right), Admitted)
    await live.state().recent.note(HERE, "CP-1", authentication.FAILURE)
    refusal = await refusal_of(right)

    assert authentication.MAX_FAILURES == 10
    assert (refusal.status, refusal.security) == (429, "TooManyFailedLogins")
    assert isinstance(await admission.admit(replace(right, address=THERE)), Admitted)


async def test_a_station_that_connects_sixty_times_in_a_minute_has_to_wait(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)
    right = handshake(authorization=basic("CP-1", PASSWORD))
    for _ in range(60):
        assert isinstance(await admission.admit(right), Admitted)

    refusal = await refusal_of(right)

    assert (refusal.status, refusal.security) == (429, "")
    assert isinstance(await admission.admit(replace(right, address=THERE)), Admitted)


async def test_the_addresses_of_one_IPv6_network_are_one(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)

    for number in range(10):
        wrong = handshake(address=f"2001:db8::{number}", authorization=basic("CP-1", "wrong"))
        assert (await refusal_of(wrong)).status == 401

    assert (await refusal_of(handshake(address="2001:db8::ffff"))).status == 429


async def test_only_a_handshake_that_may_enter_is_an_arrival(stations: Stations) -> None:
    await admission.admit(handshake())
    stations.rows["CP-1"] = Row(password_hash=HASH)
    await refusal_of(handshake())

    # Processes of other releases count under these names too.
    assert await counted("arrival") == 1
    assert await counted("failure") == 1

"""S09: the Origin of a handshake refuses only stations without a password (H4-01, H4-20)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import V16, VERSIONS, Operator, Records, fresh, station
from tests.servers import LiveServer

PASSWORD = "correct horse battery"
PAGE = "https://evil.example.com"


async def status_of(server: LiveServer, identity: str, **how: object) -> int:
    """The HTTP status of a handshake."""
    try:
        async with station(server, V16, identity, boot=False, **how):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("version", VERSIONS)
async def test_S09_H4_01_the_origin_of_a_library_refuses_no_station(server: LiveServer, version: str) -> None:
    async with station(server, version, origin="file://") as peer:
        await peer.heartbeat()


async def test_S09_a_station_that_proves_its_password_comes_in_whatever_its_origin(
    server: LiveServer, operator: Operator
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)

    given = [PAGE, "null", "http://arduino.cc/"]
    assert [await status_of(server, identity, password=PASSWORD, origin=text) for text in given] == [101] * 3
    # The password is checked first: a wrong one is what the operator has to know.
    assert await status_of(server, identity, password="wrong horse battery", origin=PAGE) == 401


@pytest.mark.parametrize("given", [PAGE, "null"])
@pytest.mark.parametrize("registration", ["unknown", "Accepted", "Pending"])
async def test_S09_a_web_page_can_not_speak_for_a_station_without_a_password(
    server: LiveServer, records: Records, operator: Operator, registration: str, given: str
) -> None:
    identity = fresh("SEC")
    if registration != "unknown":
        await operator.provision(identity, registrationStatus=registration)

    # A station without a password has proved nothing by sending one.
    assert await status_of(server, identity, origin=given) == 403
    assert await status_of(server, identity, origin=given, password=PASSWORD) == 403

    (refusal, *_) = records.refusals(identity)
    assert given in refusal["reason"] and "OCPP_ALLOWED_ORIGINS" in refusal["reason"]
    if registration == "unknown":
        assert not records.rows("SELECT id FROM chargepoints_chargepoint WHERE identity = ?", identity)


async def test_S09_the_servers_own_pages_may_speak_for_a_station(server: LiveServer) -> None:
    own = f"127.0.0.1:{server.port}"

    assert await status_of(server, fresh(), origin=f"http://{own}") == 101
    assert await status_of(server, fresh(), origin=f"https://{own}") == 403
    # The test's proxy is trusted: it has terminated TLS.
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.8"}
    assert await status_of(server, fresh(), origin=f"https://{own}", headers=forwarded) == 101
    public = forwarded | {"X-Forwarded-Host": "csms.example.com"}
    assert await status_of(server, fresh(), origin="https://csms.example.com", headers=public) == 101


async def test_S09_H4_20_any_origin_and_TC_088_TC_B_58_no_upgrade_by_settings(
    make_server: Callable[..., LiveServer],
) -> None:
    server = make_server(OCPP_ALLOWED_ORIGINS="*", OCPP_NO_COMMON_SUBPROTOCOL="refuse")
    records, identity = Records(server.database), fresh()

    given = [PAGE, "null", "http://any"]
    assert [await status_of(server, fresh(), origin=text) for text in given] == [101] * 3
    assert [await status_of(server, identity, offers=offers) for offers in (["ocpp0.1"], [])] == [400] * 2
    async with station(server, V16, offers=["ocpp0.1", V16]) as peer:
        assert peer.socket.response.headers.get_all("Sec-WebSocket-Protocol") == [V16]

    none, unsupported = sorted(records.refusals(identity), key=lambda row: row["subprotocols"])
    assert (none["code"], unsupported["code"]) == (400, 400)
    assert "did not ask for OCPP" in none["reason"] and "ocpp0.1" in unsupported["reason"]

"""The security profile of a station is raised over OCPP and never lowered (security whitepaper, A00, A05)."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.messages import commanded
from tests.conformance.peer import V16, Operator, Records, fresh, station
from tests.servers import LiveServer

PASSWORD = "correct horse battery"
BY_TLS = {"X-Forwarded-Proto": "https"}  # a proxy has terminated TLS
RAISED = {"key": "SecurityProfile", "value": "2"}


async def test_16_083_a_station_comes_back_with_tls_and_is_held_there(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        code, data, call = await commanded(
            operator, peer, "ChangeConfiguration", RAISED, {"status": "Accepted"}
        )
    async with station(server, V16, identity, password=PASSWORD, headers=BY_TLS):
        await operator.change(identity, securityProfile=2)
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V16, identity, password=PASSWORD, boot=False):
            pass

    assert (code, data["status"], call[2:]) == (200, "Accepted", ["ChangeConfiguration", RAISED])
    assert refused.value.response.status_code == 401
    assert records.charge_point(identity)["security_profile"] == 2
    assert [row["type"] for row in records.security_events(identity)] == ["RefusedSecurityProfile"]


async def test_16_083_a_station_that_comes_back_at_the_old_profile_is_served(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    """Its operator raises the profile in the settings only when the station has come back with TLS."""
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        await commanded(operator, peer, "ChangeConfiguration", RAISED, {"status": "Accepted"})
    async with station(server, V16, identity, password=PASSWORD, boot=False) as peer:
        answer = await peer.boot()
        row = records.charge_point(identity)

    assert answer["status"] == "Accepted"
    assert (row["is_online"], row["security_profile"]) == (1, 1)


@pytest.mark.parametrize("value", ["0", "1"])
async def test_16_083_a_lower_profile_is_not_sent(
    server: LiveServer, operator: Operator, records: Records, value: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)
    async with station(server, V16, identity, password=PASSWORD, headers=BY_TLS) as peer:
        body = {"action": "ChangeConfiguration", "payload": {"key": "SecurityProfile", "value": value}}
        code, answer = await operator.request("POST", f"/api/v1/chargepoints/{identity}/commands", body)
        await peer.heartbeat()  # no command came before this answer

    assert code == 400
    assert f"{identity} has security profile 2" in answer["message"]
    assert records.commands(identity) == []

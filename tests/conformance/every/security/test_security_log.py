"""S14: security events of stations are stored up to a limit, beside the security events of the server."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from chargepoints.services.security import FLOOD, MAX_LOGINS_PER_HOUR, MAX_PER_HOUR
from tests.conformance.messages import deviations
from tests.conformance.peer import V16, Records, at, fresh, station

PASSWORD = "correct horse battery"


async def refused(server, identity, **how):
    with pytest.raises(InvalidStatus) as caught:
        async with station(server, V16, identity, boot=False, **how):
            pass
    return caught.value.response.status_code


async def test_S14_a_flood_of_security_events_is_answered_stored_to_a_bound_and_counted(
    server, records, version
):
    beyond = 25
    async with station(server, version) as peer:
        for number in range(MAX_PER_HOUR + beyond):
            event = {"type": "InvalidMessages", "timestamp": at(), "techInfo": str(number)}
            assert await peer.call("SecurityEventNotification", event) == {}

    events = records.security_events(peer.identity)
    reported = [row for row in events if row["from_station"]]
    assert [row["tech_info"] for row in reported] == [str(number) for number in range(MAX_PER_HOUR)]
    assert [row["type"] for row in events if not row["from_station"]] == [FLOOD]
    assert (await deviations(records, peer.identity))["security-event-flood"]["count"] == beyond


async def test_S14_a_station_that_reconnects_does_not_get_a_new_limit(server, records):
    identity = fresh()
    for part in range(2):
        async with station(server, V16, identity) as peer:
            for _ in range(MAX_PER_HOUR):
                await peer.call("SecurityEventNotification", {"type": f"Part{part}", "timestamp": at()})

    kinds = {row["type"] for row in records.security_events(identity)}
    assert kinds == {"Part0", FLOOD}


async def test_S14_repeated_failed_logins_of_a_station_are_one_row_of_the_security_log(
    server, operator, records
):
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)

    for _ in range(3):
        assert await refused(server, identity, password="wrong horse battery") == 401
    assert await refused(server, identity) == 401

    events = records.security_events(identity)
    assert [(row["type"], row["from_station"]) for row in events] == [("FailedStationLogin", 0)] * 2
    assert "The password is wrong. From 127.0.0.1." in events[0]["tech_info"]
    assert "sent none" in events[1]["tech_info"]


@pytest.mark.parametrize("profile", [2, 3])
async def test_S14_a_refused_security_profile_is_in_the_security_log(server, operator, records, profile):
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=profile)

    assert await refused(server, identity, password=PASSWORD) == 401

    (event,) = records.security_events(identity)
    assert event["type"] == "RefusedSecurityProfile"
    assert f"profile {profile} needs TLS" in event["tech_info"]


async def test_S14_a_browser_at_a_stations_address_is_in_the_security_log(server, operator, records):
    identity = fresh("SEC")
    await operator.provision(identity)

    assert await refused(server, identity, headers={"Origin": "https://evil.example"}) == 403

    (event,) = records.security_events(identity)
    assert event["type"] == "RefusedOrigin"
    assert "evil.example" in event["tech_info"]


async def test_S14_an_orphan_stop_is_in_the_security_log_once(server, records):
    stop = {"transactionId": 4_000_000, "meterStop": 10, "timestamp": at()}
    async with station(server, V16) as peer:
        for _ in range(2):
            await peer.call("StopTransaction", stop)

    (event,) = records.security_events(peer.identity)
    assert (event["type"], event["from_station"]) == ("OrphanStop", 0)
    assert "4000000" in event["tech_info"]


async def test_S14_wrong_api_keys_are_in_the_security_log_a_few_times_for_one_address(make_server):
    server = make_server()
    for _ in range(MAX_LOGINS_PER_HOUR + 5):
        assert server.request("GET", "/api/v1/chargepoints", key="ocs_guess")[0] in (401, 429)

    rows = Records(server.database).rows("SELECT * FROM chargepoints_securityevent")
    assert [row["type"] for row in rows] == ["FailedApiKey"] * MAX_LOGINS_PER_HOUR
    assert all(row["charge_point_id"] is None and "127.0.0.1" in row["tech_info"] for row in rows)

"""A BootNotification of another version than its connection is named as such, with the remedy."""

from __future__ import annotations

import pytest

from tests.conformance.messages import deviations
from tests.conformance.peer import V16, V201, Refused, boot_payload, eventually, fresh, station


def _other(version):
    return boot_payload(V201 if version == V16 else V16)


def _expected(version):
    sent, offer = ("2.x", "ocpp2.0.1") if version == V16 else ("1.6", "ocpp1.6")
    return f"This is a BootNotification of OCPP {sent}, the connection is {version}: ", offer


async def test_the_boot_of_another_version_is_named_in_the_error_and_the_deviation(
    server, operator, records, version
):
    identity = fresh()
    await operator.provision(identity)
    start, offer = _expected(version)
    async with station(server, version, identity, boot=False) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("BootNotification", _other(version))
        rows = [row for row in records.of("chargepoints_message", identity) if row["error_code"]]

    assert refused.value.description.startswith(start)
    assert offer in refused.value.description
    assert "violation" in refused.value.code.casefold()
    found = await deviations(records, identity)
    assert found["boot-of-other-version"]["detail"] == refused.value.description
    assert [row["error_description"] for row in rows] == [refused.value.description]


async def test_the_first_boot_of_an_unknown_station_is_named_among_the_refused_connections(
    server, records, version
):
    identity = fresh()
    async with station(server, version, identity, boot=False) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("BootNotification", _other(version))
        assert refused.value.description.startswith(_expected(version)[0])

    (row,) = await eventually(lambda: records.refusals(identity))
    assert row["reason"] == refused.value.description


async def test_any_other_invalid_boot_names_its_field(server, operator, version):
    identity = fresh()
    await operator.provision(identity)
    async with station(server, version, identity, boot=False) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("BootNotification", {})
    assert "is required but missing" in refused.value.description


# -- a station that has never booted -------------------------------------------------------------------------


async def test_a_station_that_has_connected_and_never_booted_is_shown(server, operator, records):
    identity = fresh()
    await operator.provision(identity)
    async with station(server, V16, identity, boot=False) as peer:
        await peer.heartbeat()
        _, listed = await operator.request("GET", f"/api/v1/chargepoints?hasBooted=false&search={identity}")
        _, one = await operator.request("GET", f"/api/v1/chargepoints/{identity}")
        await peer.boot()
        _, after = await operator.request("GET", f"/api/v1/chargepoints?hasBooted=false&search={identity}")
        _, booted = await operator.request("GET", f"/api/v1/chargepoints?hasBooted=true&search={identity}")

    assert [row["clientId"] for row in listed["data"]["chargePoints"]] == [identity]
    assert one["data"]["lastBoot"] is None
    assert after["data"]["chargePoints"] == []
    assert booted["data"]["chargePoints"][0]["lastBoot"]

"""Reports of variables of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import time

import pytest

from tests.conformance.device_models import asked, gathered, part, report, reported, shown, variable
from tests.conformance.peer import eventually, station

ACCEPTED = {"status": "Accepted"}
# Far above what a loaded machine needs for 40 parts.
MOST_SECONDS = 60


@pytest.mark.parametrize("base", ["ConfigurationInventory", "FullInventory", "SummaryInventory"])
async def test_TC_B_12_TC_B_13_TC_B_14_a_base_report_is_collected_and_shown(
    server, operator, records, version, base
):
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "get-base-report", {"reportBase": base}, ACCEPTED)
        number = call[3]["requestId"]
        await peer.call("NotifyReport", part(number, 1, [variable("C", "Two", "2")]))
        await gathered(records, peer, number, parts=1)
        collecting = await shown(operator, peer, f"configuration/report?requestId={number}")
        await peer.call("NotifyReport", part(number, 0, [variable("C", "One", "1")], more=True))
        await gathered(records, peer, number, state="complete")
        complete = await shown(operator, peer, f"configuration/report?requestId={number}")

    assert call[2:] == ["GetBaseReport", {"requestId": number, "reportBase": base}]
    assert (code, answer["data"]["status"], answer["data"]["reportRequestId"]) == (200, "Accepted", number)
    assert number > 0
    assert (collecting["state"], collecting["missing"], list(collecting["configuration"])) == (
        "collecting",
        1,
        ["C.Two"],
    )
    assert (complete["state"], complete["reportBase"], complete["parts"]) == ("complete", base, 2)
    assert {name: entry["value"] for name, entry in complete["configuration"].items()} == {
        "C.One": "1",
        "C.Two": "2",
    }
    stored = records.of("configuration_reportedkey", peer.identity)
    assert sorted((row["key"], row["value"]) for row in stored) == [("C.One", "1"), ("C.Two", "2")]


@pytest.mark.parametrize("status", ["NotSupported", "EmptyResultSet", "Rejected"])
async def test_TC_B_14_a_base_report_that_the_station_does_not_have(
    server, operator, records, version, status
):
    async with station(server, version) as peer:
        body = {"reportBase": "SummaryInventory"}
        _, answer, call = await asked(operator, peer, "get-base-report", body, {"status": status})
        again = await asked(operator, peer, "get-base-report", body, {"status": status})

    assert answer["data"]["status"] == status
    assert again[2][3]["requestId"] != call[3]["requestId"]
    assert records.of("chargepoints_reportassembly", peer.identity) == []


async def test_TC_B_13_a_base_report_is_not_asked_twice_while_it_runs(server, operator, records, version):
    async with station(server, version) as peer:
        _, _, call = await asked(operator, peer, "get-base-report", {}, ACCEPTED)
        number = call[3]["requestId"]
        path = f"/api/v1/chargepoints/{peer.identity}/get-base-report"
        code, refused = await operator.request("POST", path, {"reportBase": "SummaryInventory"})
        await report(peer, number, variable("C", "One"))
        await gathered(records, peer, number, state="complete")
        later, _, _ = await asked(operator, peer, "get-base-report", {}, ACCEPTED)

    assert (code, refused["data"]["reportRequestId"], later) == (409, number, 200)
    assert f"is sending the report {number} (FullInventory)" in refused["message"]


async def test_TC_B_18_a_report_by_criteria_and_variables(server, operator, records, version):
    wanted = ["EVSE(1).AvailabilityState"]
    found = variable("EVSE", "AvailabilityState", "Available", place={"evse": {"id": 1}}, dataType="string")
    async with station(server, version) as peer:
        calls = []
        for word, status in (("Problem", "EmptyResultSet"), ("Available", "Accepted")):
            body = {"criteria": [word], "keys": wanted}
            code, answer, call = await asked(operator, peer, "get-report", body, {"status": status})
            assert (code, answer["data"]["status"]) == (200, status)
            calls.append(call)
        number = calls[-1][3]["requestId"]
        await report(peer, number, found)
        await gathered(records, peer, number, state="complete")
        collected = await shown(operator, peer, f"configuration/report?requestId={number}")
        path = f"/api/v1/chargepoints/{peer.identity}/get-report"
        refused, _ = await operator.request("POST", path, {"criteria": ["Broken"]})

    for call, word in zip(calls, ("Problem", "Available"), strict=True):
        assert call[2:] == [
            "GetReport",
            {
                "requestId": call[3]["requestId"],
                "componentCriteria": [word],
                "componentVariable": [
                    {
                        "component": {"name": "EVSE", "evse": {"id": 1}},
                        "variable": {"name": "AvailabilityState"},
                    }
                ],
            },
        ]
    assert collected["configuration"] == {
        "EVSE(1).AvailabilityState": {"value": "Available", "readonly": False}
    }
    assert refused == 400
    assert [row["value"] for row in records.of("configuration_reportedkey", peer.identity)] == ["Available"]


async def test_TC_B_18_a_report_of_more_than_the_station_takes_is_refused(server, operator, records, version):
    async with station(server, version) as peer:
        limit = variable("DeviceDataCtrlr", "ItemsPerMessage", "2", instance={"instance": "GetReport"})
        await report(peer, 7, limit)
        path = f"/api/v1/chargepoints/{peer.identity}/get-report"
        code, answer = await operator.request("POST", path, {"keys": ["A", "B", "C(1)"]})
        fits, _, call = await asked(operator, peer, "get-report", {"keys": ["A", "C(1.2)"]}, ACCEPTED)

    assert (code, answer["data"]["limit"], answer["data"]["code"]) == (409, 2, "not-supported")
    assert (fits, call[3]["componentVariable"]) == (
        200,
        [{"component": {"name": "A"}}, {"component": {"name": "C", "evse": {"id": 1, "connectorId": 2}}}],
    )
    assert len(records.commands(peer.identity)) == 1


async def test_TC_B_13_two_thousand_variables_in_forty_parts(server, operator, records, version):
    started = time.monotonic()
    async with station(server, version) as peer:
        _, _, call = await asked(operator, peer, "get-base-report", {}, ACCEPTED)
        number = call[3]["requestId"]
        parts = [
            part(
                number,
                seq_no,
                [variable("Bay", f"V{seq_no * 50 + one:04}", str(one), unit="A") for one in range(50)],
                more=seq_no < 39,
            )
            for seq_no in range(40)
        ]
        # Backwards, and two of them twice.
        for one in (parts[1], parts[0], *reversed(parts)):
            assert await peer.call("NotifyReport", one) == {}
        await gathered(records, peer, number, state="complete")
    seconds = time.monotonic() - started

    (assembly,) = records.of("chargepoints_reportassembly", peer.identity)
    rows = records.of("configuration_reportedkey", peer.identity, order="t.key")
    assert (assembly["parts"], assembly["missing"], assembly["highest_seq_no"]) == (40, 0, 39)
    assert [(row["key"], row["value"]) for row in rows] == [
        (f"Bay.V{one:04}", str(one % 50)) for one in range(2000)
    ]
    assert seconds < MOST_SECONDS


async def test_TC_B_13_a_variable_that_a_full_report_no_longer_has_is_gone(
    server, operator, records, version
):
    async with station(server, version) as peer:
        for names in (("Old", "Kept"), ("Kept", "New")):
            _, _, call = await asked(operator, peer, "get-base-report", {}, ACCEPTED)
            await report(peer, call[3]["requestId"], *(variable("C", name) for name in names))
            await gathered(records, peer, call[3]["requestId"], state="complete")
        await eventually(
            lambda: [
                row["key"]
                for row in records.of("configuration_reportedkey", peer.identity)
                if row["gone_at"] is not None
            ]
        )
        present, gone = await reported(operator, peer), await reported(operator, peer, "&gone=true")
        # A report of a part of the variables takes nothing away.
        _, _, call = await asked(
            operator, peer, "get-base-report", {"reportBase": "SummaryInventory"}, ACCEPTED
        )
        await report(peer, call[3]["requestId"], variable("C", "Old", "5"))
        await peer.heartbeat()
        back = await reported(operator, peer)

    assert (sorted(present), list(gone)) == (["C.Kept", "C.New"], ["C.Old"])
    assert gone["C.Old"]["goneAt"] is not None
    assert (sorted(back), back["C.Old"]["goneAt"]) == (["C.Kept", "C.New", "C.Old"], None)

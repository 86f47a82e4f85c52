"""The certificates of a 1.6 station (security extension); the cases have the numbers of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.installing import (
    CSMS,
    CSMS_16,
    MANUFACTURER,
    V2G,
    Pressing,
    Store,
    added,
    disable,
    hashes,
    installed,
    pem,
    root,
    serving,
)
from tests.conformance.peer import V16, station


@pytest.mark.parametrize(("type_", "spelled"), [(MANUFACTURER, MANUFACTURER), (CSMS, CSMS_16)])
async def test_16_075_1_16_075_2_install_a_root_and_list_it(server, operator, records, type_, spelled):
    made = root()
    number = await added(operator, made, type_)
    async with station(server, V16) as peer, serving(Store(peer, (type_, hashes(made)))) as store:
        status, answer = await Pressing(operator, peer).press("install-certificate", rootId=number)
        (row,) = await installed(
            records, peer, lambda rows: len(store.asked) == 3 and rows[0]["state"] == "installed"
        )
    await disable(operator, number)

    assert (status, answer["data"]["status"]) == (200, "Accepted")
    assert store.asked == [
        ["InstallCertificate", {"certificateType": spelled, "certificate": pem(made)}],
        # 1.6 lists one type at a time.
        ["GetInstalledCertificateIds", {"certificateType": CSMS_16}],
        ["GetInstalledCertificateIds", {"certificateType": MANUFACTURER}],
    ]
    assert (row["type"], row["root_id"], json.loads(row["reported"])) == (type_, number, hashes(made))


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA512"])
async def test_16_076_delete_with_the_hash_algorithm_of_the_list(server, operator, records, algorithm):
    data = hashes(root(), algorithm=algorithm)
    async with station(server, V16) as peer, serving(Store(peer, (CSMS, data))) as store:
        pressing = Pressing(operator, peer)
        code, answer = await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS_16])
        assert (code, len(answer["data"]["requestIds"])) == (200, 1)
        (found,) = await pressing.certificates()
        store.chains = []
        code, answer = await pressing.press("delete-certificate", certificateId=found["id"])
        (row,) = await installed(records, peer, lambda rows: len(store.asked) == 4)

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert store.of("DeleteCertificate") == [{"certificateHashData": data}]
    assert row["state"] == "deleted"


async def test_the_list_of_a_1_6_station_is_asked_for_by_type(server, operator, records):
    found = [(CSMS, hashes(root("A"))), (MANUFACTURER, hashes(root("B")))]
    async with station(server, V16) as peer, serving(Store(peer, *found)) as store:
        code, answer = await Pressing(operator, peer).press("get-installed-certificate-ids")

    assert (code, len(answer["data"]["requestIds"])) == (200, 2)
    assert [payload["certificateType"] for payload in store.of("GetInstalledCertificateIds")] == [
        CSMS_16,
        MANUFACTURER,
    ]
    rows = records.of("certificates_installedcertificate", peer.identity)
    assert [(row["type"], row["state"]) for row in rows] == [(CSMS, "installed"), (MANUFACTURER, "installed")]


async def test_1_6_has_no_roots_of_vehicles(server, operator):
    number = await added(operator, root(), V2G)
    async with station(server, V16) as peer, serving(Store(peer)) as store:
        code, answer = await Pressing(operator, peer).press("install-certificate", rootId=number)

    assert (code, answer["data"]["code"]) == (400, "not-supported")
    assert store.asked == []

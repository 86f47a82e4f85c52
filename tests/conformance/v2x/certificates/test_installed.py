"""The certificates of a 2.x station; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conformance.installing import (
    CSMS,
    MANUFACTURER,
    MO,
    V2G,
    Pressing,
    Store,
    added,
    disable,
    hashes,
    installed,
    listed,
    pem,
    root,
    serving,
)
from tests.conformance.peer import station
from tests.unit.pki.made import make


@pytest.mark.parametrize("type_", [CSMS, MANUFACTURER, V2G, MO])
async def test_TC_M_01_TC_M_02_TC_M_03_TC_M_04_install_a_root(server, operator, records, version, type_):
    made = root()
    number = await added(operator, made, type_)
    async with station(server, version) as peer, serving(Store(peer, (type_, hashes(made)))) as store:
        status, answer = await Pressing(operator, peer).press("install-certificate", rootId=number)
        (row,) = await installed(records, peer, lambda rows: rows and rows[0]["state"] == "installed")
    await disable(operator, number)

    assert (status, answer["data"]["status"]) == (200, "Accepted")
    assert store.asked == [
        ["InstallCertificate", {"certificateType": type_, "certificate": pem(made)}],
        ["GetInstalledCertificateIds", {}],  # the proof, which the server asks for itself
    ]
    assert (row["type"], row["root_id"], row["command_id"]) == (type_, number, answer["data"]["requestId"])
    assert json.loads(row["reported"]) == hashes(made)
    assert (row["reason"], row["ended_at"]) == ("", None)


@pytest.mark.parametrize("status", ["Failed", "Rejected"])
async def test_TC_M_05_an_installation_that_fails(server, operator, records, version, status):
    made = root()
    info = {"reasonCode": "StoreFull", "additionalInfo": "3 of 3"}
    async with station(server, version) as peer, serving(Store(peer)) as store:
        store.answers["InstallCertificate"] = {"status": status, "statusInfo": info}
        code, answer = await Pressing(operator, peer).press(
            "install-certificate", certificateType=CSMS, certificate=pem(made)
        )

    assert (code, answer["data"]["status"], answer["data"]["reasonCode"]) == (200, status, "StoreFull")
    assert [name for name, _payload in store.asked] == ["InstallCertificate"]
    assert store.asked[0][1] == {"certificateType": CSMS, "certificate": pem(made)}
    (row,) = records.of("certificates_installedcertificate", peer.identity)
    assert (row["state"], row["reason"]) == ("refused", f"{status}: StoreFull: 3 of 3")
    assert row["ended_at"] is not None and row["subject"] == made.certificate.subject.rfc4514_string()


async def test_TC_M_12_every_hash_algorithm_is_recognised(server, operator, records, version):
    """A station may name the same certificate by another algorithm the next time: it stays one row."""
    made = root()
    number = await added(operator, made)
    async with station(server, version) as peer, serving(Store(peer)) as store:
        for algorithm in ("SHA256", "SHA384", "SHA512"):
            store.chains = [(CSMS, hashes(made, algorithm=algorithm))]
            code, answer = await Pressing(operator, peer).press(
                "get-installed-certificate-ids", certificateTypes=[CSMS]
            )
            assert (code, answer["data"]["status"]) == (200, "Accepted")
            (row,) = records.of("certificates_installedcertificate", peer.identity)
            assert (row["algorithm"], row["root_id"], row["state"]) == (algorithm, number, "installed")

    assert store.of("GetInstalledCertificateIds") == [{"certificateType": [CSMS]}] * 3


@pytest.mark.parametrize(
    "types", [[MANUFACTURER], [V2G], ["V2GCertificateChain"], [MO], [CSMS, MANUFACTURER]]
)
async def test_TC_M_13_TC_M_14_TC_M_15_TC_M_17_TC_M_16_list_some_types(  # noqa: PLR0913, PLR0917
    server, operator, records, version, types
):
    leaf, below, above = make("SECC", by=root("CPO")), root("Sub 2"), root("Sub 1")
    children = [hashes(below), hashes(above)]
    answered = [(one, hashes(leaf, issuer=below, algorithm="SHA384")) for one in types]
    async with station(server, version) as peer:
        sent = asyncio.create_task(
            Pressing(operator, peer).press("get-installed-certificate-ids", certificateTypes=types)
        )
        call = await peer.next_call()
        await peer.answer(call, listed(version, *answered, childCertificateHashData=children))
        code, answer = await sent

    assert call[2:] == ["GetInstalledCertificateIds", {"certificateType": types}]
    assert (code, answer["data"]["status"]) == (200, "Accepted")
    rows = records.of("certificates_installedcertificate", peer.identity)
    assert [row["type"] for row in rows] == types
    for row, (_type, data) in zip(rows, answered, strict=True):
        assert json.loads(row["reported"]) == data
        assert json.loads(row["children"]) == children  # in the order of the station


async def test_TC_M_18_list_all_types(server, operator, records, version):
    found = [(CSMS, hashes(root("A"))), (V2G, hashes(root("B")))]
    async with station(server, version) as peer, serving(Store(peer, *found)) as store:
        code, answer = await Pressing(operator, peer).press("get-installed-certificate-ids")
        # Without the second one, it is gone: all types were asked for.
        store.chains = found[:1]
        await Pressing(operator, peer).press("get-installed-certificate-ids")

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert store.asked == [["GetInstalledCertificateIds", {}]] * 2
    rows = records.of("certificates_installedcertificate", peer.identity)
    assert [(row["type"], row["state"]) for row in rows] == [(CSMS, "installed"), (V2G, "missing")]


async def test_TC_M_19_a_station_without_any(server, operator, records, version):
    async with station(server, version) as peer, serving(Store(peer)) as store:
        code, answer = await Pressing(operator, peer).press(
            "get-installed-certificate-ids", certificateTypes=[MANUFACTURER]
        )

    assert (code, answer["data"]["status"]) == (200, "NotFound")
    assert store.asked == [["GetInstalledCertificateIds", {"certificateType": [MANUFACTURER]}]]
    assert records.of("certificates_installedcertificate", peer.identity) == []
    (inventory,) = records.of("certificates_certificateinventory", peer.identity, order="t.charge_point_id")
    assert list(json.loads(inventory["reported"])) == [MANUFACTURER]


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
async def test_TC_M_20_delete_with_the_hash_data_of_the_station(  # noqa: PLR0913, PLR0917
    server, operator, records, version, algorithm
):
    """Exactly as the station spells them: here in upper case, with zeros in front."""
    plain = hashes(root(), algorithm=algorithm)
    spelled = {
        **{name: value.upper() for name, value in plain.items()},
        "serialNumber": plain["serialNumber"].upper().zfill(40),
    }
    async with station(server, version) as peer, serving(Store(peer, (CSMS, spelled))) as store:
        pressing = Pressing(operator, peer)
        await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS])
        (found,) = await pressing.certificates("?isCurrent=true")
        store.chains = []
        code, answer = await pressing.press("delete-certificate", certificateId=found["id"])
        (row,) = await installed(records, peer, lambda rows: len(store.asked) == 3)

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert store.asked[1:] == [
        ["DeleteCertificate", {"certificateHashData": spelled}],
        ["GetInstalledCertificateIds", {}],
    ]
    assert (row["state"], row["id"]) == ("deleted", found["id"])


@pytest.mark.parametrize(
    ("status", "state", "is_success"), [("Failed", "installed", False), ("NotFound", "missing", True)]
)
async def test_TC_M_21_a_deletion_that_fails(  # noqa: PLR0913, PLR0917
    server, operator, records, version, status, state, is_success
):
    data = hashes(root())
    async with station(server, version) as peer, serving(Store(peer, (CSMS, data))) as store:
        pressing = Pressing(operator, peer)
        await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS])
        (found,) = await pressing.certificates()
        store.answers["DeleteCertificate"] = {"status": status}
        code, answer = await pressing.press("delete-certificate", certificateId=found["id"])

    assert (code, answer["success"], answer["data"]["status"]) == (200, is_success, status)
    assert store.asked[-1] == ["DeleteCertificate", {"certificateHashData": data}]
    (row,) = records.of("certificates_installedcertificate", peer.identity)
    assert (row["state"], row["reason"]) == (state, status)


async def test_the_last_csms_root_of_a_station_with_tls_stays(server, operator, records, version):
    data = hashes(root())
    async with station(server, version) as peer, serving(Store(peer, (CSMS, data))) as store:
        pressing = Pressing(operator, peer)
        await operator.change(peer.identity, securityProfile=2, password="a-password-of-tests-1")
        await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS])
        (found,) = await pressing.certificates()
        refused = await pressing.press("delete-certificate", certificateId=found["id"])
        unreasoned = await pressing.press("delete-certificate", certificateId=found["id"], force=True)
        forced = await pressing.press(
            "delete-certificate", certificateId=found["id"], force=True, reason="The station is scrapped."
        )

    assert (refused[0], refused[1]["data"]["code"]) == (409, "rule-refused")
    assert "last CSMS root" in refused[1]["message"]
    assert unreasoned[0] == 400
    assert (forced[0], forced[1]["data"]["status"]) == (200, "Accepted")
    assert store.of("DeleteCertificate") == [{"certificateHashData": data}]


async def test_a_certificate_of_another_station_is_not_found(server, operator, records, version):
    data = hashes(root())
    async with station(server, version) as peer, serving(Store(peer, (CSMS, data))):
        await Pressing(operator, peer).press("get-installed-certificate-ids", certificateTypes=[CSMS])
        (found,) = await Pressing(operator, peer).certificates()
        async with station(server, version) as other, serving(Store(other)) as store:
            code, _answer = await Pressing(operator, other).press(
                "delete-certificate", certificateId=found["id"]
            )

    assert (code, store.asked) == (404, [])
    (row,) = records.of("certificates_installedcertificate", peer.identity)
    assert row["state"] == "installed"


async def test_hostile_lists_are_bounded_and_stored_once(server, operator, records, version):
    """The same certificate a hundred times is one row, and no list is longer than the bound."""
    one = hashes(root())
    many = [(CSMS, {**one, "serialNumber": format(number, "x")}) for number in range(1, 260)]
    async with station(server, version) as peer, serving(Store(peer, *([(CSMS, one)] * 100))) as store:
        pressing = Pressing(operator, peer)
        await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS])
        assert len(records.of("certificates_installedcertificate", peer.identity)) == 1
        store.chains = many
        await pressing.press("get-installed-certificate-ids", certificateTypes=[CSMS])

    current = [
        row
        for row in records.of("certificates_installedcertificate", peer.identity)
        if row["ended_at"] is None
    ]
    assert len(current) == 199  # the certificate that is gone had one of the 200 places


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"certificateType": CSMS, "certificate": "-----BEGIN PRIVATE KEY-----\nAA==\n"}, "certificate"),
        ({"certificateType": CSMS, "certificate": "no certificate"}, "certificate"),
        ({"certificateType": CSMS}, "certificate"),
        ({"rootId": 999999}, "rootId"),
    ],
)
async def test_what_is_not_sent(server, operator, records, version, fields, field):  # noqa: PLR0913, PLR0917
    async with station(server, version) as peer, serving(Store(peer)) as store:
        code, answer = await Pressing(operator, peer).press("install-certificate", **fields)

    assert (code, [one["field"] for one in answer["data"]["errors"]]) == (400, [field])
    assert store.asked == []

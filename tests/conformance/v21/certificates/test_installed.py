"""Installed certificates of 2.1 alone; the cases have the numbers of the certification."""

from __future__ import annotations

import json

from cryptography import x509

from tests.conformance.installing import (
    OEM,
    Pressing,
    Store,
    added,
    hashes,
    installed,
    pem,
    root,
    serving,
)
from tests.conformance.peer import V201, station


async def test_TC_M_101_install_a_root_of_vehicle_manufacturers(server, operator, records, version):
    made = root()
    number = await added(operator, made, OEM)
    async with station(server, version) as peer, serving(Store(peer, (OEM, hashes(made)))) as store:
        code, answer = await Pressing(operator, peer).press("install-certificate", rootId=number)
        (row,) = await installed(records, peer, lambda rows: rows and rows[0]["state"] == "installed")

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert store.asked[0] == ["InstallCertificate", {"certificateType": OEM, "certificate": pem(made)}]
    assert (row["type"], row["root_id"], json.loads(row["reported"])) == (OEM, number, hashes(made))


async def test_2_1_takes_longer_certificates(server, operator, version):
    """5,500 characters before 2.1, then 10,000."""
    filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(5000))
    made = root(more=[(filler, False)])
    number = await added(operator, made, OEM)
    vehicle = await added(operator, made, "V2GRootCertificate")
    assert 5500 < len(pem(made)) < 10_000
    async with station(server, version) as peer, serving(Store(peer, (OEM, hashes(made)))) as store:
        code, _answer = await Pressing(operator, peer).press("install-certificate", rootId=number)
        assert (code, store.asked[0][1]["certificate"]) == (200, pem(made))
    async with station(server, V201) as peer, serving(Store(peer)) as store:
        code, answer = await Pressing(operator, peer).press("install-certificate", rootId=vehicle)
        assert (code, store.asked) == (400, [])
        assert "5,500" in answer["message"]

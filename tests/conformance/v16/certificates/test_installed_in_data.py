"""V2G roots of 1.6 stations: messages of 2.0.1 inside of DataTransfers, sent by an operator."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.installing import V2G, Pressing, Store, hashes, installed, pem, root, serving
from tests.conformance.peer import V16, station

VENDOR = "org.openchargealliance.iso15118pnc"


async def test_M03_M04_M05_a_v2g_root_is_installed_listed_and_deleted(server, operator, records):
    made = root()
    chain = {"certificateType": V2G, "certificateHashData": hashes(made)}
    steps = (
        ("InstallCertificate", {"certificateType": V2G, "certificate": pem(made)}, {}, "accepted"),
        (
            "GetInstalledCertificateIds",
            {"certificateType": [V2G]},
            {"certificateHashDataChain": [chain]},
            "installed",
        ),
        ("DeleteCertificate", {"certificateHashData": hashes(made)}, {}, "deleted"),
    )

    def of_v2g(state: str) -> Any:
        return lambda rows: [(row["type"], row["state"]) for row in rows] == [(V2G, state)]

    async with station(server, V16) as peer, serving(Store(peer)) as store:
        for action, request, answer, state in steps:
            said = json.dumps({"status": "Accepted"} | answer)
            store.answers["DataTransfer"] = {"status": "Accepted", "data": said}
            body = {"vendorId": VENDOR, "messageId": action, "data": request}
            status, shown = await Pressing(operator, peer).press("data-transfer", **body)
            assert (status, shown["data"]["status"]) == (200, "Accepted")
            await installed(records, peer, of_v2g(state))

    sent = store.of("DataTransfer")
    assert [(one["vendorId"], one["messageId"]) for one in sent] == [(VENDOR, action) for action, *_ in steps]
    assert [json.loads(one["data"]) for one in sent] == [request for _, request, *_ in steps]

"""DataTransfer of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

from tests.conformance.peer import station


async def test_TC_P_02_data_transfer_of_an_unknown_vendor(server, version):
    async with station(server, version) as peer:
        answer = await peer.call("DataTransfer", {"vendorId": "nobody", "data": {"any": ["thing"]}})

    assert answer["status"] == "UnknownVendorId"

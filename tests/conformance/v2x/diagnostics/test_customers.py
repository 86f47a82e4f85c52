"""Customer information of block N of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.displays import ask, path
from tests.conformance.local_lists import ListStation
from tests.conformance.peer import at, eventually, station

TEXT = "Alice lives at 5 Long Street"
TOKEN = {"idToken": ALICE, "type": "ISO14443"}
HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "ab" * 32,
    "issuerKeyHash": "cd" * 32,
    "serialNumber": "4711",
}


async def customer(operator, peer, status="Accepted", **body):
    """Ask about a customer; the requestId of the report, the rest of the payload, and the answer's data."""
    shown, call = await ask(operator, peer, "customer-information", body, {"status": status})
    assert call[2] == "CustomerInformation"
    payload = dict(call[3])
    number = payload.pop("requestId")
    assert shown["data"]["reportRequestId"] == number
    return number, payload, shown["data"]


async def notify(peer, number, *texts):
    for seq_no, text in enumerate(texts):
        part = {"requestId": number, "generatedAt": at(), "seqNo": seq_no, "data": text}
        part |= {"tbc": True} if seq_no < len(texts) - 1 else {}
        assert await peer.call("NotifyCustomerInformation", part) == {}


async def reports(operator, peer):
    """The state of each report by its requestId, once they are complete."""
    for _ in range(500):
        _, answer = await operator.request("GET", path(peer, "reports"))
        found = {row["requestId"]: row["state"] for row in answer["data"]["reports"]}
        if set(found.values()) == {"complete"}:
            return found
    raise AssertionError(f"the reports are {found}")


def kept(records, peer):
    """Whether the text of each part is kept, by requestId."""
    rows = records.of("chargepoints_followup", peer.identity)
    return {row["request_id"]: bool(row["personal_data"]) for row in rows}


@pytest.mark.parametrize("texts", [(TEXT, " and has a car"), ("",)])
async def test_TC_N_27_TC_N_28_a_report_about_a_token(server, operator, records, version, texts):
    async with station(server, version) as peer:
        number, payload, data = await customer(operator, peer, report=True, idTag=ALICE)
        await notify(peer, number, *texts)
        found = await reports(operator, peer)

    assert payload == {"report": True, "clear": False, "idToken": TOKEN}
    assert (data["status"], found) == ("Accepted", {number: "complete"})
    rows = records.of("chargepoints_followup", peer.identity)
    assert [bool(row["personal_data"]) for row in rows] == [bool(text) for text in texts]
    assert TEXT not in json.dumps([row["payload"] for row in rows])


async def test_TC_N_29_a_rejected_request(server, operator, records, version):
    async with station(server, version) as peer:
        _, payload, data = await customer(operator, peer, "Rejected", report=True, idTag=ALICE)
        _, answer = await operator.request("GET", path(peer, "reports"))

    assert payload == {"report": True, "clear": False, "idToken": TOKEN}
    assert (data["status"], answer["data"]["reports"]) == ("Rejected", [])
    (command,) = records.commands(peer.identity)
    assert (command["id"], command["state"]) == (data["requestId"], "rejected")
    assert records.of("chargepoints_reportassembly", peer.identity) == []  # no part is waited for


@pytest.mark.parametrize("text", [TEXT, ""])
async def test_TC_N_30_TC_N_31_cleared_and_reported(server, operator, records, version, text):
    async with station(server, version) as peer:
        first, _, _ = await customer(operator, peer, report=True, idTag=ALICE)
        await notify(peer, first, TEXT)
        other, _, _ = await customer(operator, peer, report=True, customerIdentifier="somebody else")
        await notify(peer, other, "Robert")
        number, payload, _ = await customer(operator, peer, report=True, clear=True, idTag=ALICE)
        await notify(peer, number, text)
        found = await reports(operator, peer)
        await eventually(lambda: not kept(records, peer)[first])

    assert payload == {"report": True, "clear": True, "idToken": TOKEN}
    assert found.keys() == {first, other, number}
    # The earlier copy about the same customer is erased, that of another one is not.
    assert kept(records, peer) == {first: False, other: True, number: bool(text)}


async def test_TC_N_32_cleared_without_a_report(server, operator, records, version):
    async with station(server, version) as peer:
        number, payload, _ = await customer(operator, peer, clear=True, idTag=ALICE)
        await notify(peer, number, "")
        found = await reports(operator, peer)

    assert payload == {"report": False, "clear": True, "idToken": TOKEN}
    assert found == {number: "complete"}
    (row,) = records.of("chargepoints_followup", peer.identity)
    assert (row["request_id"], row["seq_no"], row["personal_data"]) == (number, 0, "")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"customerIdentifier": "OpenChargeAlliance"}, {"customerIdentifier": "OpenChargeAlliance"}),
        ({"customerCertificate": HASHES}, {"customerCertificate": HASHES}),
    ],
)
async def test_TC_N_62_TC_N_63_a_customer_by_identifier_or_certificate(  # noqa: PLR0917 - fixtures
    server, operator, records, version, body, wanted
):
    async with station(server, version) as peer:
        number, payload, _ = await customer(operator, peer, report=True, clear=True, **body)
        await notify(peer, number, TEXT)
        found = await reports(operator, peer)

    assert payload == {"report": True, "clear": True, **wanted}
    assert found == {number: "complete"}
    assert kept(records, peer) == {number: True}


async def test_TC_N_46_a_cleared_customer_leaves_the_local_list(server, operator, records, version):
    async with station(server, version) as peer:
        uid = f"GONE-{peer.identity}"
        token = await operator.add_token(uid)
        one = ListStation(peer)
        sync = path(peer, "sync-local-list")
        await one.serve(operator.request("POST", sync, {}))
        await operator.request("PATCH", f"/api/v1/tokens/{token}", {"status": "lost"})
        number, _, _ = await customer(operator, peer, report=True, clear=True, idTag=uid)
        await notify(peer, number, "")
        (row,) = records.of("configuration_locallist", peer.identity)
        await one.serve(operator.request("POST", sync, {}))

    # The list is due at once; the operator is only quicker.
    assert row["state"] == "due"
    assert one.numbers == [("Full", 1), ("Differential", 2)]
    assert one.listed() == {uid: None}


@pytest.mark.parametrize(
    "body",
    [
        {"report": True},
        {"idTag": ALICE},
        {"report": True, "idTag": ALICE, "customerIdentifier": "alice"},
        {"clear": True, "customerIdentifier": "alice", "customerCertificate": HASHES},
    ],
)
async def test_a_request_names_exactly_one_customer(server, operator, records, version, body):
    async with station(server, version) as peer:
        code, answer = await operator.request("POST", path(peer, "customer-information"), body)
        await peer.heartbeat()

    assert (code, answer["success"]) == (400, False)
    assert records.commands(peer.identity) == []

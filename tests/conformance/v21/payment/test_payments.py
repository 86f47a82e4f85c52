"""Payments at the station: VAT numbers, settlements, web payments (2.1 C20-C25)."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.conformance.messages import energy, event, new_transaction
from tests.conformance.peer import V21, Records, fresh, station
from tests.conformance.profiles import asked
from tests.servers import LiveServer

COMPANY = {"name": "Adler GmbH", "address1": "Ring 1", "city": "Wien", "country": "Austria"}


def settlement(reference, status="Settled", amount: Any = 18.15, **more):
    return {
        "pspRef": reference,
        "status": status,
        "settlementAmount": amount,
        "settlementTime": "2026-11-30T08:00:00Z",
        **more,
    }


def payments(records, identity):
    rows = records.of("tariffs_payment", identity)
    return [(row["psp_ref"], row["status"], row["amount"], row["transaction_id"]) for row in rows]


async def paid(peer, reference, *, total=18.15):
    """A session that was paid at the terminal; its id at the station."""
    transaction = new_transaction()
    direct = {"idToken": reference, "type": "DirectPayment"}
    limits = {"transactionLimit": {"maxCost": 50}}
    costs = {
        "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"inclTax": total}},
        "totalUsage": {"energy": 5000, "chargingTime": 600, "idleTime": 0},
    }
    begin, end = energy(1000, context="Transaction.Begin"), energy(6000, context="Transaction.End")
    started = event("Started", transaction, 0, idToken=direct, info=limits, meterValue=begin)
    answer = await peer.call("TransactionEvent", started)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    ended = event("Ended", transaction, 1, costDetails=costs, meterValue=end)
    assert await peer.call("TransactionEvent", ended) == {}
    return transaction


def logged(records, identity):
    """The validations of a station in the message log: nothing else is stored of them."""
    rows = records.of("chargepoints_message", identity)
    return [
        (json.loads(row["request"]), json.loads(row["response"]))
        for row in rows
        if row["action"] == "VatNumberValidation"
    ]


@pytest.mark.parametrize("place", [{"evseId": 1}, {}])
@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        ("DE123456789", "Accepted", "FormOnly"),
        ("atu 123.456.78", "Accepted", "FormOnly"),
        ("DE12345678", "Rejected", "InvalidForm"),
        ("ZZ123456789", "Rejected", "UnknownCountry"),
        ("", "Rejected", "UnknownCountry"),
    ],
)
async def test_TC_C_108_the_form_of_a_vat_number(  # noqa: PLR0917
    server, records, place, number, status, reason
):
    async with station(server, V21) as peer:
        answer = await peer.call("VatNumberValidation", {"vatNumber": number, **place})

    assert logged(records, peer.identity) == [({"vatNumber": number, **place}, answer)]
    said = answer.pop("statusInfo")
    assert answer == {"vatNumber": number, "status": status, **place}
    assert said["reasonCode"] == reason


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Any:
    """A server that looks up VAT numbers."""
    live = LiveServer(
        tmp_path_factory.mktemp("vat"),
        template=migrated_database,
        OCPP_VAT_CHECKER="docs.examples.vat_numbers.look_up",
        OCPP_VAT_TIMEOUT="1s",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("ATU12345678", {"status": "Accepted", "company": COMPANY | {"postalCode": "1010"}}),
        ("ATU00000000", {"status": "Rejected"}),
        ("ATU1234567", {"status": "Rejected", "statusInfo": "InvalidForm"}),
        ("DE123456789", {"status": "Rejected", "statusInfo": "Unreachable"}),  # it fails
        ("FR12345678901", {"status": "Rejected", "statusInfo": "Unreachable"}),  # it takes too long
    ],
)
async def test_TC_C_108_a_look_up_has_a_time_limit(looking, number, wanted):
    async with station(looking, V21) as peer:
        answer = await peer.call("VatNumberValidation", {"vatNumber": number, "evseId": 0})
        await peer.heartbeat()

    asked_for = {"vatNumber": number, "evseId": 0}
    assert logged(Records(looking.database), peer.identity) == [(asked_for, answer)]
    if "statusInfo" in answer:
        answer["statusInfo"] = answer["statusInfo"]["reasonCode"]
    assert answer == {"vatNumber": number, "evseId": 0, **wanted}


async def test_TC_C_113_a_canceled_payment_is_stored(server, records):
    reference = fresh("PSP")
    async with station(server, V21) as peer:
        transaction = await paid(peer, reference, total=0)
        answer = await peer.call(
            "NotifySettlement", settlement(reference, "Canceled", 0, transactionId=transaction)
        )

    assert answer == {}
    number = records.transaction(peer.identity)["id"]
    assert payments(records, peer.identity) == [(reference, "Canceled", 0, number)]


async def test_TC_C_117_the_cost_of_a_session_that_the_server_settles_is_stored(server, operator, records):
    async with station(server, V21) as peer:
        await paid(peer, fresh("PSP"))

    number = records.transaction(peer.identity)["id"]
    status, answer = await operator.request("GET", f"/api/v1/session-costs/{number}")
    assert (status, answer["data"]["totalInclTax"], answer["data"]["isFinal"]) == (200, "18.15", True)
    (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert (row["transaction_id"], row["total_incl_tax"], row["is_final"]) == (number, 18.15, 1)
    assert payments(records, peer.identity) == []


async def test_TC_C_118_the_answer_has_a_receipt_that_can_be_read(server, operator, records):
    reference = fresh("PSP")
    async with station(server, V21) as peer:
        transaction = await paid(peer, reference)
        sent = settlement(reference, transactionId=transaction, vatNumber="ATU12345678", vatCompany=COMPANY)
        answer = await peer.call("NotifySettlement", sent)
        again = await peer.call("NotifySettlement", sent)
        own = await peer.call(
            "NotifySettlement",
            settlement(fresh("PSP"), transactionId=transaction, receiptUrl="https://psp.example/r/1"),
        )

    assert (answer, own) == (again, {})
    page = await asyncio.to_thread(_read, answer["receiptUrl"])
    for word in ("18.15 EUR", "5.000 kWh", peer.identity, reference, "Adler GmbH", "ATU12345678"):
        assert word in page
    (row, _) = records.of("tariffs_payment", peer.identity)
    assert (answer["receiptId"], row["reports"]) == (str(row["id"]), 2)
    # The secret of the address is nowhere but in the answer.
    secret = urlsplit(answer["receiptUrl"]).path.rpartition("/")[2]
    stored = records.of("chargepoints_message", peer.identity)
    assert len(secret) >= 32
    assert not [one for one in stored if secret in str(one["response"])]
    for wrong in (secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x"):
        path = urlsplit(answer["receiptUrl"]).path.replace(secret, wrong)
        status, _ = await operator.request("GET", path)
        assert status == 404


def _read(url):
    with urlopen(url, timeout=30) as answer:  # noqa: S310 - an address of the server
        assert answer.headers["Cache-Control"].startswith("max-age=0, no-cache")
        return answer.read().decode()


@pytest.mark.parametrize("status", ["Failed", "Rejected"])
async def test_TC_C_119_TC_C_120_what_is_unpaid_is_listed(server, operator, records, status):
    reference = fresh("PSP")
    async with station(server, V21) as peer:
        transaction = await paid(peer, reference)
        sent = settlement(reference, status, transactionId=transaction, statusInfo="card blocked")
        answer = await peer.call("NotifySettlement", sent)

    assert answer == {}
    number = records.transaction(peer.identity)["id"]
    assert payments(records, peer.identity) == [(reference, status, 18.15, number)]
    path = f"/api/v1/payments?status={status}&clientId={peer.identity}"
    _, listed = await operator.request("GET", path)
    (shown,) = listed["data"]["payments"]
    assert (shown["pspRef"], shown["settlementAmount"]) == (reference, "18.15")
    assert (shown["statusInfo"], shown["transactionId"]) == ("card blocked", number)


async def test_TC_C_119_a_later_result_counts_and_an_older_one_does_not(server, records):
    reference = fresh("PSP")
    async with station(server, V21) as peer:
        for status, time in (("Failed", "09:00"), ("Settled", "10:00"), ("Failed", "09:30")):
            sent = settlement(reference, status) | {"settlementTime": f"2026-11-30T{time}:00Z"}
            assert await peer.call("NotifySettlement", sent) == {}  # without a session

    assert payments(records, peer.identity) == [(reference, "Settled", 18.15, None)]


async def test_TC_C_118_a_payment_belongs_to_a_session_of_its_station(server, records):
    reference = fresh("PSP")
    async with station(server, V21) as peer, station(server, V21) as other:
        transaction = await paid(peer, reference)
        sent = settlement(reference, transactionId=transaction)
        assert await other.call("NotifySettlement", sent) == {}
        await peer.call("NotifySettlement", sent)

    assert payments(records, other.identity) == [(reference, "Settled", 18.15, None)]
    number = records.transaction(peer.identity)["id"]
    assert payments(records, peer.identity) == [(reference, "Settled", 18.15, number)]
    (row,) = records.of("tariffs_payment", other.identity)
    assert row["ocpp_transaction_id"] == transaction


@pytest.mark.parametrize("amount", [1e300, -5, 0.1])
async def test_an_odd_amount_is_answered(server, records, amount):
    reference = fresh("PSP")
    async with station(server, V21) as peer:
        answer = await peer.call("NotifySettlement", settlement(reference, amount=amount))

    assert answer == {}
    stored = None if amount == 1e300 else amount
    assert payments(records, peer.identity) == [(reference, "Settled", stored, None)]


async def test_a_web_payment_is_announced(server, operator, records):
    async with station(server, V21) as peer:
        body = {"evseId": 1, "paymentTimeout": 120}
        code, answer, call = await asked(operator, peer, "notify-web-payment", body, {})

    assert (code, answer["success"]) == (200, True)
    assert call[2:] == ["NotifyWebPaymentStarted", {"evseId": 1, "timeout": 120}]
    (row,) = records.commands(peer.identity)
    assert (row["action"], row["state"]) == ("NotifyWebPaymentStarted", "accepted")

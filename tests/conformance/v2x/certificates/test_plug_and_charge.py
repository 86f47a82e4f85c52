"""Authorize with a contract certificate or its hash data (2.x C07), with a responder over real HTTP."""

from __future__ import annotations

from cryptography.x509 import ocsp

from ocpp_server.pki import parsing
from tests.conformance.contracts import fresh_emaid
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import Operator, station
from tests.responders import UNKNOWN, Answer
from tests.unit.pki.made import make


def authorize(contract_id, **certificate):
    return {"idToken": token(contract_id, "eMAID"), **certificate}


def verdict(answer):
    return answer.get("certificateStatus"), answer["idTokenInfo"]["status"]


def refusals(records, identity):
    rows = records.of("transactions_refusal", identity)
    assert {row["purpose"] for row in rows} <= {"contract"}
    return [(row["status"], row["reason"]) for row in rows]


async def test_TC_C_50_a_contract_by_its_hash_data_is_asked_about_and_charges(
    server, records, operators, version, contract_id
):
    contract = operators.contract(contract_id)
    transaction = new_transaction()
    async with station(server, version) as peer:
        answer = await peer.call(
            "Authorize", authorize(contract_id, iso15118CertificateHashData=operators.hash_data(contract))
        )
        started = await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(contract_id, "eMAID"))
        )

    assert verdict(answer) == ("Accepted", "Accepted")
    assert started["idTokenInfo"]["status"] == "Accepted"
    asked = [ocsp.load_der_ocsp_request(body).serial_number for _, body in operators.responder.requests]
    assert contract.certificate.serial_number in asked
    # The responses about the CAs may be those of another session.
    for one in (contract, operators.second, operators.first):
        (stored,) = records.rows(
            "SELECT status, url FROM certificates_ocspresponse WHERE serial = ?",
            format(one.certificate.serial_number, "x"),
        )
        assert stored == {"status": "good", "url": operators.responder.url}
    assert records.transaction(peer.identity)["id_token"] == contract_id
    assert refusals(records, peer.identity) == []


async def test_TC_C_51_a_revoked_contract_is_refused(server, records, operators, version, contract_id):
    contract = operators.contract(contract_id)
    operators.says.revoke(contract.certificate)
    async with station(server, version) as peer:
        by_hash = await peer.call(
            "Authorize", authorize(contract_id, iso15118CertificateHashData=operators.hash_data(contract))
        )
        by_chain = await peer.call("Authorize", authorize(contract_id, certificate=operators.chain(contract)))

    assert by_hash["certificateStatus"] == by_chain["certificateStatus"] == "CertificateRevoked"
    assert by_hash["idTokenInfo"]["status"] == by_chain["idTokenInfo"]["status"] == "Invalid"
    path = f"/api/v1/refused-tokens?purpose=contract&clientId={peer.identity}"
    _, answer = await Operator(server).request("GET", path)
    shown = [(one["idTag"], one["status"]) for one in answer["data"]["refusedTokens"]]
    assert shown == [(contract_id, "Invalid")] * 2
    reason = "The contract certificate, or a CA of its chain, is revoked."
    assert refusals(records, peer.identity) == [("Invalid", reason)] * 2


async def test_TC_C_52_the_server_validates_the_chain_itself(
    server, records, operators, version, contract_id
):
    # The common name and the token may be spelled differently.
    contract = operators.contract(f"{contract_id[:2]}-{contract_id[2:5]}-{contract_id[5:14]}")
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", authorize(contract_id, certificate=operators.chain(contract)))
        transaction = new_transaction()
        started = await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(contract_id, "eMAID"))
        )

    assert verdict(answer) == ("Accepted", "Accepted")
    assert started["idTokenInfo"]["status"] == "Accepted"
    # The CAs may be known from another test.
    asked = [ocsp.load_der_ocsp_request(body).serial_number for _, body in operators.responder.requests]
    assert contract.certificate.serial_number in asked
    assert records.transaction(peer.identity)["id_token"] == contract_id


async def test_C07_a_valid_certificate_without_a_contract_is_cancelled(
    server, records, operators, operator, version
):
    cases = [
        (None, ("ContractCancelled", "Unknown")),
        ({"status": "blocked"}, ("ContractCancelled", "Blocked")),
        ({"expires_at": "2020-01-01T00:00:00Z"}, ("ContractCancelled", "Expired")),
        ({"valid": False}, ("ContractCancelled", "Invalid")),
        ({"valid_from": "2090-01-01T00:00:00Z"}, ("Accepted", "NotAtThisTime")),
    ]
    found = []
    async with station(server, version) as peer:
        for fields, _ in cases:
            contract_id = fresh_emaid()
            if fields is not None:
                await operator.add_token(contract_id, type="EMAID", **fields)
            chain = operators.chain(operators.contract(contract_id))
            found.append(verdict(await peer.call("Authorize", authorize(contract_id, certificate=chain))))

    assert found == [expected for _, expected in cases]
    assert [status for status, _ in refusals(records, peer.identity)] == [word for _, word in found]


async def test_C07_each_fault_of_a_chain_has_its_status(server, records, operators, version, contract_id):
    good = operators.contract(contract_id)
    impostor = make("MO Sub-CA 2", is_ca=True)
    unknown = make("Unknown Root", is_ca=True)
    cas = (operators.second.certificate, operators.first.certificate)
    # The chain that the station sends, and the certificateStatus.
    faults = {
        "expired": (operators.chain(operators.contract(contract_id, days=(-9, -1))), "CertificateExpired"),
        "not yet valid": (
            operators.chain(operators.contract(contract_id, days=(1, 9))),
            "CertificateExpired",
        ),
        "bad signature": (operators.chain(operators.contract(contract_id, by=impostor)), "SignatureError"),
        "unknown root": (
            parsing.pem_of(make(contract_id, by=unknown).certificate, unknown.certificate),
            "CertChainError",
        ),
        "no CAs": (parsing.pem_of(good.certificate), "CertChainError"),
        "a CA": (operators.chain(make(contract_id, by=operators.first, is_ca=True)), "CertChainError"),
        "another contract": (operators.chain(operators.contract(fresh_emaid())), "CertChainError"),
        "no certificate": ("hello", "CertChainError"),
        "empty": ("", "NoCertificateAvailable"),
        "a private key": ("-----BEGIN PRIVATE KEY-----", "CertChainError"),
        "in another order": (parsing.pem_of(good.certificate, *reversed(cas)), "Accepted"),
    }
    async with station(server, version) as peer:
        found = {
            name: verdict(await peer.call("Authorize", authorize(contract_id, certificate=pem)))
            for name, (pem, _) in faults.items()
        }

    by_certificate = {"Accepted": "Accepted", "CertificateExpired": "Expired"}
    assert found == {
        name: (status, by_certificate.get(status, "Invalid")) for name, (_, status) in faults.items()
    }
    stored = refusals(records, peer.identity)
    assert len(stored) == len(faults) - 1
    assert all(reason for _, reason in stored)


async def test_C07_a_responder_without_an_answer_refuses_the_certificate(
    server, records, operators, version, contract_id
):
    found = {}
    async with station(server, version) as peer:
        for name, answer in (
            ("down", lambda path, body: Answer(status=503)),
            ("unknown", operators.says),
            ("lying", lambda path, body: Answer(b"good")),
        ):
            contract = operators.contract(contract_id)
            operators.says.known[contract.certificate.serial_number] = UNKNOWN
            operators.responder.answer = answer
            found[name] = verdict(
                await peer.call(
                    "Authorize",
                    authorize(contract_id, iso15118CertificateHashData=operators.hash_data(contract)[:1]),
                )
            )
        private = operators.hash_data(operators.contract(contract_id))[0] | {
            "responderURL": f"http://localhost:{operators.responder.port}/"
        }
        operators.responder.requests.clear()
        found["private"] = verdict(
            await peer.call("Authorize", authorize(contract_id, iso15118CertificateHashData=[private]))
        )

    assert found == dict.fromkeys(("down", "unknown", "lying", "private"), ("CertChainError", "Invalid"))
    assert operators.responder.requests == []
    assert [status for status, _ in refusals(records, peer.identity)] == ["Invalid"] * 4


async def test_C07_an_emaid_without_a_certificate_is_an_ordinary_token(server, version, contract_id):
    spelled = f"{contract_id[:2]}*{contract_id[2:5]}*{contract_id[5:14]}".lower()
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", authorize(spelled))

    assert verdict(answer) == (None, "Accepted")

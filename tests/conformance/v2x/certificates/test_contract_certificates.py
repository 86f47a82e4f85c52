"""Get15118EVCertificate (2.x M01, M02), with pools of contract certificates over real HTTP."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import POOL_TOKEN
from tests.conformance.peer import V201, station
from tests.responders import Answer

SCHEMA_2 = "urn:iso:15118:2:2013:MsgDef"
# The path of a pool without the part that is the same for all.
_SUFFIX = "/v1/ccp/signedContractData"


def pooled(*exi: str) -> Answer:
    content = [{"messageDef": {"certificateInstallationRes": one, "emaid": "DE8AA0012345670"}} for one in exi]
    return Answer(json.dumps({"CCPResponse": {"emaidContent": content}}).encode())


@pytest.fixture
def pools(web):
    """The answers of the pools, by their names; the server asks First and then Second."""
    answers = {"first": Answer(status=404), "second": Answer(status=404)}
    web.answer = lambda path, body: answers[path.removesuffix(_SUFFIX).strip("/")]
    web.requests.clear()
    web.headers.clear()
    return answers


def asked(exi="AQIDBA==", action="Install", **more):
    return {"iso15118SchemaVersion": SCHEMA_2, "action": action, "exiRequest": exi, **more}


async def test_TC_M_26_TC_M_28_a_vehicle_gets_the_answer_of_the_pool(server, records, web, pools, version):
    pools["second"] = pooled("RVhJT0ZUSEVQT09M")
    async with station(server, version) as peer:
        answers = [
            await peer.call("Get15118EVCertificate", asked(action=action)) for action in ("Install", "Update")
        ]

    assert answers == [{"status": "Accepted", "exiResponse": "RVhJT0ZUSEVQT09M"}] * 2
    assert [path for path, _ in web.requests] == [f"/first{_SUFFIX}", f"/second{_SUFFIX}"] * 2
    body = {"certificateInstallationReq": "AQIDBA==", "xsdMsgDefNamespace": SCHEMA_2}
    assert [json.loads(body) for _, body in web.requests] == [body] * 4
    assert {headers["Authorization"] for headers in web.headers} == {f"Bearer {POOL_TOKEN}"}
    stored = [str(row) for row in records.of("chargepoints_message", peer.identity)]
    assert len([row for row in stored if "Get15118EVCertificate" in row]) == 2
    assert not any(POOL_TOKEN in text for text in (*stored, server.log.read_text("utf-8", "replace")))


async def test_M01_without_a_certificate_the_answer_is_empty(server, pools, version):
    most = 5600 if version == V201 else 17_000
    answers = {}
    async with station(server, version) as peer:
        for name, first in (
            ("no contract", Answer(status=404)),
            ("down", Answer(status=503)),
            ("refused", Answer(status=403)),
            ("too long", pooled("A" * (most + 4))),
            ("fits", pooled("A" * most)),
        ):
            pools["first"] = first
            answers[name] = await peer.call("Get15118EVCertificate", asked())
        await peer.heartbeat()

    assert len(answers.pop("fits")["exiResponse"]) == most
    assert {(answer["status"], answer["exiResponse"]) for answer in answers.values()} == {("Failed", "")}
    assert {name: answer["statusInfo"]["reasonCode"] for name, answer in answers.items()} == {
        "no contract": "NoContract",
        "down": "ProviderFailed",
        "refused": "ProviderFailed",
        "too long": "TooLargeElement",
    }

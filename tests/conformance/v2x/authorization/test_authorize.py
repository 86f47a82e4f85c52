"""Authorization of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import station


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        (ALICE, "Accepted"),
        (ALICE.lower(), "Accepted"),
        ("NOBODY99", "Unknown"),
        ("INVALID1", "Invalid"),
        ("BLOCKED1", "Blocked"),
        ("EXPIRED1", "Expired"),
    ],
)
async def test_TC_C_02_TC_C_06_TC_C_07_authorization_is_exact(server, version, uid, expected):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token(uid)})

    assert answer["idTokenInfo"]["status"] == expected


@pytest.mark.parametrize(
    "kind", ["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
)
async def test_C_every_kind_of_token_is_answered(server, version, kind):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token("", kind)})

    assert answer["idTokenInfo"]["status"] in ("Unknown", "Invalid", "Accepted")


async def test_TC_C_08_TC_C_20_a_cached_token_is_checked_again_with_the_event(server, version):
    async with station(server, version) as peer:
        good = await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        bad = await peer.call(
            "TransactionEvent", event("Started", new_transaction(), 0, evse=2, idToken=token("NOBODY99"))
        )

    assert good["idTokenInfo"]["status"] == "Accepted"
    assert bad["idTokenInfo"]["status"] == "Unknown"


async def test_TC_C_39_the_group_is_in_every_answer(server, version):
    async with station(server, version) as peer:
        authorized = await peer.call("Authorize", {"idToken": token("BOB00002")})
        started = await peer.call(
            "TransactionEvent", event("Started", new_transaction(), 0, idToken=token("BOB00002"))
        )

    for answer in (authorized, started):
        assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == "FAMILY"

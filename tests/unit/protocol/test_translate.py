"""Each dialect spells a verdict; 1.6 has words for five of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate import (
    IdToken,
    Verdict,
    id_tag,
    id_tag_info,
    id_token,
    id_token_info,
    status_2x,
    status_16,
    verdict,
)
from ocpp_server.protocol.versions import V2X, V16


@pytest.mark.parametrize(
    ("decided", "spelled_16", "spelled_2x"),
    [
        (Verdict.ACCEPTED, "Accepted", "Accepted"),
        (Verdict.BLOCKED, "Blocked", "Blocked"),
        (Verdict.EXPIRED, "Expired", "Expired"),
        (Verdict.INVALID, "Invalid", "Invalid"),
        (Verdict.UNKNOWN, "Invalid", "Unknown"),
        (Verdict.CONCURRENT, "ConcurrentTx", "ConcurrentTx"),
        (Verdict.WRONG_TIME, "Invalid", "NotAtThisTime"),
        (Verdict.WRONG_PLACE, "Invalid", "NotAtThisLocation"),
        (Verdict.NO_CREDIT, "Invalid", "NoCredit"),
    ],
)
def test_each_dialect_spells_a_verdict(decided: Verdict, spelled_16: str, spelled_2x: str) -> None:
    assert (status_16(decided), status_2x(decided)) == (spelled_16, spelled_2x)
    schemas.outgoing(V16, "Authorize", "response", {"idTagInfo": {"status": spelled_16}})
    for version in V2X:
        schemas.outgoing(version, "Authorize", "response", {"idTokenInfo": {"status": spelled_2x}})


@pytest.mark.parametrize("decided", Verdict)
def test_every_verdict_has_a_spelling_and_the_stored_spelling_restores_it(decided: Verdict) -> None:
    assert status_2x(decided)
    assert status_16(verdict(status_16(decided))) == status_16(decided)


# --- tokens


@pytest.mark.parametrize("value", ["", None])
def test_a_missing_id_tag_is_an_empty_token(value: str | None) -> None:
    assert id_tag(value) == IdToken("", "")


def test_an_id_tag_has_no_type() -> None:
    assert id_tag("AB12") == IdToken("AB12", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({}, None),
        ({"idToken": "AB12", "type": "ISO14443"}, IdToken("AB12", "ISO14443")),
        ({"type": "NoAuthorization"}, IdToken("", "NoAuthorization")),
        ({"idToken": "AB12"}, IdToken("AB12", "")),
        ({"idToken": "aa:bb:cc:dd:ee:0f", "type": "MacAddress"}, IdToken("VID:AABBCCDDEE0F", "MacAddress")),
        ({"idToken": "AA-BB.CC DDEE0F", "type": "MacAddress"}, IdToken("VID:AABBCCDDEE0F", "MacAddress")),
        ({"idToken": "aabbccddee", "type": "MacAddress"}, IdToken("aabbccddee", "MacAddress")),
        ({"idToken": "aa:bb:cc:dd:ee:0f", "type": "Local"}, IdToken("aa:bb:cc:dd:ee:0f", "Local")),
    ],
)
def test_a_token_of_2x_keeps_its_type_and_a_vehicle_its_1_6_spelling(
    value: dict[str, str] | None, expected: IdToken | None
) -> None:
    assert id_token(value) == expected


class Decided(NamedTuple):
    verdict: Verdict
    group_id: str = ""
    expires_at: datetime | None = None


def test_an_answer_about_a_token_holds_its_status_alone() -> None:
    assert id_tag_info(Decided(Verdict.BLOCKED)) == {"status": "Blocked"}
    assert id_token_info(Decided(Verdict.UNKNOWN)) == {"status": "Unknown"}


def test_the_group_and_the_expiry_of_a_token_are_sent_as_the_schemas_want_them() -> None:
    decided = Decided(Verdict.ACCEPTED, "g" * 40, datetime(2026, 6, 1, tzinfo=UTC))

    in_16, in_2x = id_tag_info(decided), id_token_info(decided)

    assert in_16 == {
        "status": "Accepted",
        "parentIdTag": "g" * 20,
        "expiryDate": "2026-06-01T00:00:00.000Z",
    }
    assert in_2x == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "g" * 36, "type": "Central"},
        "cacheExpiryDateTime": "2026-06-01T00:00:00.000Z",
    }
    schemas.outgoing(V16, "Authorize", "response", {"idTagInfo": in_16})
    for version in V2X:
        schemas.outgoing(version, "Authorize", "response", {"idTokenInfo": in_2x})

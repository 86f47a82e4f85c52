"""The answer about a token: its status, its group, and until when a station may keep it in its cache."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate import IdToken, Verdict, id_tag, id_tag_info, id_token, id_token_info
from ocpp_server.protocol.versions import V2X, V16

EXPIRES = datetime(2027, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


class Decided(NamedTuple):
    verdict: Verdict = Verdict.ACCEPTED
    group_id: str = ""
    expires_at: datetime | None = None


def checked(decision: Decided) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers of both dialects, valid by the schemas of every version."""
    old, new = id_tag_info(decision), id_token_info(decision)
    schemas.outgoing(V16, "Authorize", "response", {"idTagInfo": old})
    for version in V2X:
        schemas.outgoing(version, "Authorize", "response", {"idTokenInfo": new})
    return old, new


def test_an_answer_says_nothing_about_a_group_or_an_end_that_a_token_does_not_have() -> None:
    assert checked(Decided()) == ({"status": "Accepted"}, {"status": "Accepted"})


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.EXPIRED, Verdict.BLOCKED])
def test_the_end_of_a_token_is_sent_with_every_status(verdict: Verdict) -> None:
    old, new = checked(Decided(verdict, expires_at=EXPIRES))

    assert old["expiryDate"] == new["cacheExpiryDateTime"] == "2027-01-02T03:04:05.678Z"


def test_a_group_is_sent_as_far_as_the_field_of_the_version_holds_it() -> None:
    old, new = checked(Decided(group_id="G" * 40))

    assert old["parentIdTag"] == "G" * 20
    assert new["groupIdToken"] == {"idToken": "G" * 36, "type": "Central"}


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        (None, None),
        ({}, None),
        ({"idToken": "04A2", "type": "ISO14443"}, IdToken("04A2", "ISO14443")),
        ({"idToken": "aa:bb-cc.00 11:22", "type": "MacAddress"}, IdToken("VID:AABBCC001122", "MacAddress")),
        ({"idToken": "AABBCC001122", "type": "ISO14443"}, IdToken("AABBCC001122", "ISO14443")),
        ({"idToken": "no address", "type": "MacAddress"}, IdToken("no address", "MacAddress")),
        ({"idToken": "AABBCC0011223", "type": "MacAddress"}, IdToken("AABBCC0011223", "MacAddress")),
        ({}, None),
    ],
)
def test_a_vehicle_of_2_x_has_the_uid_that_1_6_stations_send(sent: Any, token: IdToken | None) -> None:
    assert id_token(sent) == token


def test_a_tag_of_1_6_has_no_type() -> None:
    assert (id_tag("A"), id_tag(None)) == (IdToken("A", ""), IdToken("", ""))

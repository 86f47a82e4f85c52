"""Texts of a station outside its messages: the URL and the credentials.

PostgreSQL refuses NUL in a text and texts that are too long. The server refuses such a handshake with a
reason of its own, and lists it for the operator.
"""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import eventually, fresh, station
from tests.distributed.cluster import Cluster

IDENTITIES = {
    "NUL": "%00",
    "only NUL": "%00%00",
    "bytes that are no text": "%ff%fe",
    "a lone surrogate": "%ed%a0%80",
    "controls": "%01%1b%7f",
    "very long": "x" * 3000,
    "quotes": "'%22%5c",
}


@pytest.mark.parametrize("odd", IDENTITIES.values(), ids=IDENTITIES)
async def test_an_odd_identity_is_refused_with_a_reason_and_listed(shared: Cluster, odd: str) -> None:
    name = fresh()

    with pytest.raises(InvalidStatus) as refused:
        async with station(shared.servers[0], path=f"/ocpp/{name}{odd}"):
            raise AssertionError("the station was accepted")

    assert refused.value.response.status_code == 404
    (row,) = await eventually(
        lambda: shared.rows("SELECT * FROM chargepoints_refusedconnection WHERE identity LIKE %s", f"{name}%")
    )
    assert row["reason"].startswith("The identity")
    assert len(row["identity"]) <= 255
    assert "\0" not in unquote(row["identity"])


@pytest.mark.parametrize("user", ["a\0b", "x" * 2000, "\ud7ff😀"], ids=["NUL", "very long", "odd"])
async def test_odd_credentials_are_refused_like_wrong_ones(shared: Cluster, user: str) -> None:
    identity = fresh()
    status, _ = shared.servers[0].request(
        "POST",
        "/api/v1/chargepoints",
        {"clientId": identity, "password": "correct-horse-battery", "securityProfile": 1},
    )
    assert status == 201

    with pytest.raises(InvalidStatus) as refused:
        async with station(shared.servers[1], identity=identity, user=user, password=user):
            raise AssertionError("the station was accepted")

    assert refused.value.response.status_code == 401

"""Each dialect spells a verdict; 1.6 has words for five of them."""

from __future__ import annotations

import pytest

from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate import Verdict, status_2x, status_16, verdict
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

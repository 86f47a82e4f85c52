"""A step of a change over the API fails: it is stored as a whole or not at all, and never twice.

The n-th statement or commit of the request fails, for n = 1, 2, ... until none is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from tests.api.conftest import Caller
from tests.unit.live.unit_of_work.comparing import stored
from tests.unit.live.unit_of_work.failing import differences
from tests.unit.live.unit_of_work.injecting import Database, Failure
from tests.unit.live.unit_of_work.snapshots import Snapshot
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

# Rows that describe the request itself, and the time of a key's last use.
NOT_ITS_EFFECT = ("IdempotentRequest", "ApiKey", "AuditEntry")
GARAGE = "/api/v1/chargepoints/GARAGE%201"
REQUESTS: dict[str, tuple[str, str, Any]] = {
    "token": ("POST", "/api/v1/tokens", {"uid": "BOB", "name": "Bob"}),
    "station": ("POST", "/api/v1/chargepoints", {"clientId": "CP 2"}),
    "user": ("POST", "/api/v1/users", {"name": "Ann", "email": "ann@example.com"}),
    "station changed": ("PATCH", GARAGE, {"name": "North", "registrationStatus": "Rejected"}),
    "session settled": (
        "POST",
        "/api/v1/transactions/1000/settle",
        {"reason": "The meter was replaced.", "fix": "ignore"},
    ),
}


class Change:
    """A request that is sent again and again on the same rows."""

    def __init__(self, caller: Caller, name: str) -> None:
        self.method, self.path, self.body = REQUESTS[name]
        self.caller = caller
        self.snapshot = Snapshot()
        self.began = datetime.now(UTC)
        self.snapshot.take()
        self.before = self.rows()
        self.status = self.send().status_code
        assert self.status in (200, 201)
        self.after = self.rows()

    def send(self, **headers: str) -> Any:
        return self.caller.request(self.method, self.path, self.body, **headers)

    def rows(self) -> dict[str, list[str]]:
        found = stored(since=self.began)
        return {table: rows for table, rows in found.items() if table not in NOT_ITS_EFFECT}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database(thread="")
    made.install(monkeypatch)
    connection.close()  # the next statement opens one that is counted
    return made


@pytest.fixture
def change(
    database: Database, administrator: Caller, session: Transaction, request: pytest.FixtureRequest
) -> Iterator[Change]:
    Transaction.objects.update(suspect=True, suspect_reasons=["silent"], status="ended", ended_by="station")
    made = Change(administrator, request.param)
    yield made
    made.snapshot.close()


@pytest.mark.parametrize("failure", [Failure.AWAY, Failure.ONCE, Failure.LOST_ONCE])
@pytest.mark.parametrize("change", REQUESTS, indirect=True)
def test_a_failing_step_stores_all_or_nothing_and_the_request_sent_again_has_its_effect_once(
    database: Database, change: Change, failure: Failure
) -> None:
    # Without a database the key can't be freed either: then the request is sent again without one.
    headers = {} if failure is Failure.AWAY else {"Idempotency-Key": "k1"}
    for number in range(1, 200):
        change.snapshot.restore()
        with database.failing(number, failure):
            first = change.send(**headers)
        place = f"{failure.value} at call {number}: {database.place}"
        if not database.place:
            break
        rows = change.rows()
        if first.status_code != change.status:
            assert (first.status_code, first.info["code"]) == (503, "database-away"), place
        # A step may also fail after the commit, where the answer is made.
        is_stored = rows == change.after
        assert is_stored or first.status_code == 503, place
        assert is_stored or differences(rows, change.before) == [], place

        again = change.send(**headers)

        if failure is Failure.LOST_ONCE and again.status_code == 409 and not is_stored:
            # The key was stored, and the request did not learn it. It is free again after five minutes.
            assert again.info["code"] == "idempotency-in-progress", place
            continue
        # A PATCH that is sent again after its commit reports the same change once more.
        rows, wanted = (
            {**found, "Event": []} if is_stored else found for found in (change.rows(), change.after)
        )
        assert differences(rows, wanted) == [], place
        assert again.status_code == change.status or is_stored, place
    else:
        pytest.fail("the request never got through")
    assert number > 3

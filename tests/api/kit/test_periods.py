"""`from` and `to` of lists: times, and dates that are whole days of the server's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chargepoints.models import Message
from ocpp_server.api.lists import MomentField
from tests.api.conftest import NOON, Caller
from transactions.models import Settlement, Transaction
from transactions.services.transactions import closing, settling

LIST = "/api/v1/transactions"


@pytest.fixture
def vienna(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Vienna"


def period(day: str) -> tuple[datetime, datetime]:
    return MomentField().to_internal_value(day), MomentField(ends=True).to_internal_value(day)


@pytest.mark.parametrize(
    ("day", "starts", "hours"),
    [
        ("2026-11-28", datetime(2026, 11, 27, 23, tzinfo=UTC), 24),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC), 24),
        ("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
)
def test_a_date_is_a_whole_day_of_the_servers_zone(
    vienna: None, day: str, starts: datetime, hours: int
) -> None:
    assert period(day) == (starts, starts + timedelta(hours=hours))


def test_a_day_without_a_midnight_begins_with_its_first_moment(settings: Any) -> None:
    settings.TIME_ZONE = "America/Santiago"  # 2026-09-06 begins at 01:00

    assert period("2026-09-06") == (datetime(2026, 9, 6, 4, tzinfo=UTC), datetime(2026, 9, 7, 3, tzinfo=UTC))


def test_a_time_is_a_moment_and_utc_without_a_zone(vienna: None) -> None:
    noon = datetime(2026, 11, 28, 12, tzinfo=UTC)

    for text in ("2026-11-28T12:00:00Z", "2026-11-28T12:00:00", "2026-11-28T13:00:00+01:00"):
        assert period(text) == (noon, noon), text


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "9999-12-31", "28.11.2026", "yesterday", "20261128x"]
)
@pytest.mark.parametrize("name", ["to", "updated_to"])
def test_a_wrong_date_names_its_field(viewer: Caller, name: str, text: str) -> None:
    answer = viewer.get(f"{LIST}?{name}={text}")

    assert answer.status_code == 400
    assert answer.info["errors"][0]["field"] == name
    assert "Must be a date such as 2026-11-28" in answer.info["errors"][0]["reason"]


def numbers(caller: Caller, query: str) -> list[int]:
    answer = caller.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.json()
    return [row["transactionId"] for row in answer.info["transactions"]]


def test_the_transactions_of_a_day_are_those_that_began_on_it(
    vienna: None, viewer: Caller, session: Transaction
) -> None:
    day = "from=2026-11-28&to=2026-11-28"
    for started_at, is_found in (
        (datetime(2026, 11, 27, 22, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 27, 23, tzinfo=UTC), True),
        (datetime(2026, 11, 28, 22, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 28, 23, tzinfo=UTC), False),
    ):
        Transaction.objects.update(started_at=started_at)

        assert bool(numbers(viewer, day)) is is_found, started_at


def test_other_lists_take_days_too(vienna: None, viewer: Caller, session: Transaction) -> None:
    at = datetime(2026, 11, 28, 22, 59, tzinfo=UTC)
    Message.objects.create(
        charge_point=session.charge_point, direction="in", action="Heartbeat", request="{}", size=1, at=at
    )
    path = f"/api/v1/chargepoints/{session.charge_point.identity.replace(' ', '%20')}/messages"

    assert viewer.get(f"{path}?from=2026-11-28&to=2026-11-28").info["total"] == 1
    assert viewer.get(f"{path}?from=2026-11-29").info["total"] == 0
    assert viewer.get("/api/v1/tokens?updated_to=2020-01-01").info["total"] == 0


def test_a_mirror_gets_the_transactions_that_changed(viewer: Caller, session: Transaction) -> None:
    rows = [
        Transaction(
            id=2000 + number, ocpp_id=f"t-{number}", charge_point=session.charge_point, status=status,
            started_at=NOON - timedelta(days=9), start_received_at=NOON - timedelta(days=9),
            last_message_at=last, updated_at=NOON - timedelta(days=9),
        )
        for number, (status, last) in enumerate([("active", NOON), ("ended", NOON), ("ended", NOON)])
    ]  # fmt: skip
    Transaction.objects.all().delete()
    Transaction.objects.bulk_create(rows)
    since = f"updated_from={NOON:%Y-%m-%dT%H:%M:%SZ}&ordering=transactionId"

    by_messages = numbers(viewer, since)
    Transaction.objects.filter(pk=2001).update(suspect=True, suspect_reasons=["meter-reset"])
    settling.settle(2001, fix=Settlement.Fix.IGNORE, actor="x", reason="seen", by_hand=False)
    closing.close(2000, by=Transaction.EndedBy.ABANDONED)

    assert by_messages == [2000]
    assert numbers(viewer, since) == [2000, 2001]
    assert numbers(viewer, f"updated_to={NOON:%Y-%m-%dT%H:%M:%SZ}") == [2002]


def test_the_filter_of_the_admin_takes_a_date_alone(vienna: None, session: Transaction, db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    Transaction.objects.update(started_at=datetime(2026, 11, 28, 22, 59, tzinfo=UTC))
    path = "/admin/transactions/transaction/"

    def count(day: str) -> int:
        query = {
            "started_at_from_0": day,
            "started_at_from_1": "",
            "started_at_to_0": day,
            "started_at_to_1": "",
        }
        return int(client.get(path, query).context["cl"].result_count)

    assert (count("2026-11-27"), count("2026-11-28"), count("2026-11-29")) == (0, 1, 0)

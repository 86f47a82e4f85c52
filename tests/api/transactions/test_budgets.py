"""A page of a list costs the same number of queries at any offset and any length."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Token
from chargepoints.models import ChargePoint, Command, Connector, Evse, Message
from configuration.models import StoredKey
from tests.api.conftest import NOON, Caller
from tests.direct.readings import a_reading
from transactions.models import Reading, Transaction


@pytest.fixture
def fleet(db: None) -> ChargePoint:
    """300 stations with two connectors each, and 300 rows of every other kind at the first station."""
    stations = ChargePoint.objects.bulk_create(
        ChargePoint(identity=f"CP{number:03}", identity_key=f"cp{number:03}") for number in range(300)
    )
    evses = Evse.objects.bulk_create(Evse(charge_point=one, number=n) for one in stations for n in (1, 2))
    Connector.objects.bulk_create(
        Connector(charge_point=e.charge_point, evse=e, number=e.number) for e in evses
    )
    StoredKey.objects.bulk_create(
        StoredKey(charge_point=one, key="BlinkRepeat", value="1") for one in stations
    )
    Transaction.objects.bulk_create(
        Transaction(
            id=1000 + number,
            ocpp_id=str(number),
            charge_point=one,
            id_token="A",
            started_at=NOON,
            start_received_at=NOON,
            last_message_at=NOON,
        )
        for number, one in enumerate(stations)
    )
    first = stations[0]
    numbers = range(300)
    Token.objects.bulk_create(Token(uid=f"T{n}", uid_key=f"t{n}") for n in numbers)
    Command.objects.bulk_create(
        Command(id=f"c{n}", charge_point=first, action="Reset", payload={}, created_at=NOON, deadline_at=NOON)
        for n in numbers
    )
    Message.objects.bulk_create(
        Message(
            charge_point=first, direction="in", message_id=str(n), action="A", request="{}", size=2, at=NOON
        )
        for n in numbers
    )
    Reading.objects.bulk_create(
        a_reading(
            charge_point=first,
            transaction_id=1000,
            measurand="SoC",
            raw="1",
            measured_at=NOON + timedelta(seconds=n),
            received_at=NOON,
        )
        for n in numbers
    )
    return first


LISTS = {
    "/api/v1/chargepoints": 7,  # the key, total, page, tags, stored keys, EVSEs, statuses of connectors
    "/api/v1/transactions": 4,  # the key, total, page, stations
    "/api/v1/transactions?clientId=CP000": 5,
    "/api/v1/tokens": 3,
    "/api/v1/chargepoints/CP000/commands": 4,  # also the station
    "/api/v1/chargepoints/CP000/messages": 4,
    "/api/v1/transactions/1000/meter-values": 5,  # also whether an earlier release stored samples
}


@pytest.mark.parametrize("path", LISTS)
def test_queries_do_not_grow_with_the_page(viewer: Caller, fleet: ChargePoint, path: str) -> None:
    join = "&" if "?" in path else "?"
    viewer.get(path)  # stores the last use of the key, once a minute

    counts: list[Any] = []
    for page in ("limit=1", "limit=10", "limit=100", "limit=200&offset=100"):
        with CaptureQueriesContext(connection) as queries:
            response = viewer.get(f"{path}{join}{page}")
        assert response.status_code == 200
        counts.append(len(queries))

    # A page behind the end needs no query for rows.
    expected = LISTS[path]
    assert counts[:3] == [expected] * 3
    assert counts[3] <= expected


@pytest.mark.parametrize(
    "path", ["/api/v1/chargepoints/CP000", "/api/v1/chargepoints/CP000/status", "/api/v1/transactions/1000"]
)
def test_a_detail_costs_a_handful_of_queries(viewer: Caller, fleet: ChargePoint, path: str) -> None:
    viewer.get(path)

    with CaptureQueriesContext(connection) as queries:
        viewer.get(path)

    # Two of them: whether an earlier release stored samples of the session.
    assert len(queries) <= 9


def test_an_export_costs_a_query_a_thousand_rows(
    viewer: Caller, fleet: ChargePoint, monkeypatch: Any
) -> None:
    monkeypatch.setattr("transactions.views.export.CHUNK", 100)
    path = "/api/v1/transactions/export?format=csv"
    viewer.get(path).getvalue()

    with CaptureQueriesContext(connection) as queries:
        content = viewer.get(path).getvalue()

    assert content.count(b"\r\n") == 301
    assert len(queries) == 1 + 4 + 1  # the last one is the entry of the audit log

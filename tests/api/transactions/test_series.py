"""A cursor continues a long list: each row is returned once, also when new rows are stored meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Message
from tests.api.conftest import NOON, Caller
from tests.direct.readings import stored
from transactions.models import Reading, Transaction

pytestmark = pytest.mark.django_db
ROWS, LIMIT = 25, 4

Series = tuple[str, str, Callable[[int], Any]]


def moment(number: int) -> Any:
    """The time of a row: three rows share each, as the readings of one message do."""
    return NOON + timedelta(seconds=number // 3)


@pytest.fixture
def charge_point() -> ChargePoint:
    return ChargePoint.objects.create(identity="long")


@pytest.fixture(params=["messages", "meterValues", "transactions"])
def series(request: pytest.FixtureRequest, charge_point: ChargePoint) -> Series:
    """The address of a list with rows, the name of its rows, and a function that adds a row."""

    def transaction(number: int) -> Transaction:
        at = moment(number)
        fields = {"started_at": at, "start_received_at": at, "last_message_at": at}
        return Transaction.objects.create(
            id=5000 + number, charge_point=charge_point, ocpp_id=str(number), **fields
        )

    def message(number: int) -> Message:
        fields: dict[str, Any] = {"direction": "in", "action": "Heartbeat", "request": "{}", "size": 2}
        return Message.objects.create(
            charge_point=charge_point, message_id=str(number), at=moment(number), **fields
        )

    def reading(number: int) -> Reading:
        return stored(
            charge_point=charge_point,
            transaction_id=5000,
            measurand="Voltage",
            raw=str(number),
            measured_at=moment(number),
            received_at=NOON,
        )

    address, make = {
        "messages": ("/api/v1/chargepoints/long/messages", message),
        "meterValues": ("/api/v1/transactions/5000/meter-values", reading),
        "transactions": ("/api/v1/transactions", transaction),
    }[request.param]
    if request.param == "meterValues":
        transaction(0)
    for number in range(ROWS):
        make(number)
    return address, request.param, make


def pages(caller: Caller, address: str, ordering: str) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        answer = caller.get(f"{address}?limit={LIMIT}&ordering={ordering}&cursor={cursor}")
        assert answer.status_code == 200, answer.answer
        yield answer.info
        cursor = answer.info["next"]
        if cursor is None:
            return


def order_of(name: str) -> str:
    return {"messages": "time", "meterValues": "timestamp", "transactions": "startTime"}[name]


@pytest.mark.parametrize("sign", ["", "-"], ids=["ascending", "descending"])
def test_every_row_comes_once_and_in_order(viewer: Caller, series: Series, sign: str) -> None:
    address, name, _ = series
    whole = viewer.get(f"{address}?limit=200&ordering={sign}{order_of(name)}").info

    read = list(pages(viewer, address, sign + order_of(name)))

    assert [row for page in read for row in page[name]] == whole[name]
    assert {page["total"] for page in read} == {whole["total"]}
    assert [page["count"] for page in read] == [LIMIT] * (ROWS // LIMIT) + [ROWS % LIMIT]


def test_new_rows_between_two_pages_shift_nothing(viewer: Caller, series: Series) -> None:
    address, name, make = series
    reading = pages(viewer, address, f"-{order_of(name)}")
    first = next(reading)
    make(ROWS + 100)

    rest = [row for page in reading for row in page[name]]

    assert len(first[name]) + len(rest) == ROWS
    assert not any(row in first[name] for row in rest)


def test_a_page_of_a_cursor_has_no_count_query(viewer: Caller, series: Series) -> None:
    address, name, _ = series
    following = viewer.get(f"{address}?limit={LIMIT}").info["next"]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = viewer.get(f"{address}?limit={LIMIT}&cursor={following}")

    assert answer.info["total"] == ROWS
    assert not [query for query in queries.captured_queries if "COUNT(" in query["sql"]]


@pytest.mark.parametrize("change", ["&ordering=-{order}", "&offset=5"], ids=["another order", "an offset"])
def test_a_cursor_belongs_to_its_list_and_order(viewer: Caller, series: Series, change: str) -> None:
    address, name, _ = series
    order = order_of(name)
    following = viewer.get(f"{address}?limit={LIMIT}&ordering={order}").info["next"]

    plain = "" if "ordering" in change else f"&ordering={order}"
    answer = viewer.get(f"{address}?limit={LIMIT}&cursor={following}{plain}{change.format(order=order)}")

    assert answer.status_code == 400
    assert answer.info["errors"][0]["field"] in ("cursor", "offset")


@pytest.mark.parametrize("word", ["x", "eyJhIjoxfQ:1abc:forged", "%00", "a" * 1001])
def test_an_invalid_cursor_is_refused(viewer: Caller, series: Series, word: str) -> None:
    answer = viewer.get(f"{series[0]}?cursor={word}")

    assert answer.status_code == 400
    assert answer.info["errors"][0]["field"] == "cursor"

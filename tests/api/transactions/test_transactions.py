"""Transactions, their readings and their exports over REST."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.test import AsyncClient

from chargepoints.models import ChargePoint
from tests.api.conftest import NOON, Caller
from tests.direct.readings import a_sample, stored
from transactions.models import Reading, Transaction, TransactionEvent

LIST = "/api/v1/transactions"


@pytest.fixture
def past(session: Transaction) -> list[Transaction]:
    """Three ended sessions of earlier days, one of them at another station."""
    other = ChargePoint.objects.create(identity="STREET", ocpp_version="ocpp2.0.1")
    rows = [
        Transaction(
            id=1001 + index,
            ocpp_id=f"tx-{index}",
            charge_point=other if index == 2 else session.charge_point,
            evse_number=1,
            id_token=token,
            status="ended",
            ended_by="station",
            stop_reason="Local",
            suspect=index == 1,
            suspect_reasons=["meter-reset"] if index == 1 else [],
            energy_wh=1234.5,
            meter_start_wh=0,
            meter_stop_wh=1234.5,
            started_at=NOON - timedelta(days=index + 1),
            stopped_at=NOON - timedelta(days=index + 1) + timedelta(hours=1),
            start_received_at=NOON,
            last_message_at=NOON,
        )
        for index, token in enumerate(["BOB", "=HYPERLINK(1)", "alice-card"])
    ]
    return Transaction.objects.bulk_create(rows)


def numbers(response: Any) -> list[int]:
    return [row["transactionId"] for row in response.info["transactions"]]


def test_a_transaction_is_shown_in_wh_and_utc(viewer: Caller, session: Transaction) -> None:
    row = viewer.get(LIST).info["transactions"][0]

    assert row["transactionId"] == 1000
    assert row["clientId"] == "GARAGE 1"
    assert (row["evseId"], row["connectorId"]) == (1, 1)
    assert row["idTag"] == "ALICE-CARD"
    assert row["status"] == "active"
    assert row["startTime"] == "2026-05-04T12:00:00.000Z"
    assert row["stopTime"] is None
    assert (row["meterStart"], row["meterStop"], row["energyWh"]) == (100, None, 900)
    assert isinstance(row["energyWh"], int)
    assert row["powerW"] == 7200.5
    assert row["suspect"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1003, 1002, 1001, 1000]),
        ("status=all", [1003, 1002, 1001, 1000]),
        ("status=active", [1000]),
        ("status=ended", [1003, 1002, 1001]),
        ("clientId=garage%201", [1002, 1001, 1000]),
        ("clientId=NOBODY", []),
        ("idTag=ALICE-CARD", [1003, 1000]),
        ("idTag=alice-card", [1003, 1000]),
        ("idTag=%3DHYPERLINK(1)", [1002]),
        ("suspect=true", [1002]),
        ("from=2026-05-04T00:00:00Z", [1000]),
        ("to=2026-05-04T12:00:00Z", [1003, 1002, 1001]),
        ("from=2026-05-03T14:00:00%2B02:00&to=2026-05-04T12:00:00Z", [1001]),
        ("from=2026-05-03T14:00:00+02:00&to=2026-05-04T12:00:00Z", [1001]),
        ("ordering=startTime", [1003, 1002, 1001, 1000]),
        ("ordering=transactionId&limit=2", [1000, 1001]),
        ("search=1002", [1002]),
        ("search=bo", [1001]),
        ("search=street", [1003]),
        ("search=alice", [1003, 1000]),
    ],
)
def test_transactions_are_filtered_searched_and_sorted(
    viewer: Caller, past: list[Transaction], query: str, found: list[int]
) -> None:
    response = viewer.get(f"{LIST}?{query}")

    assert response.status_code == 200
    assert numbers(response) == found
    assert response.info["count"] == len(found)


@pytest.mark.parametrize(
    "query",
    ["status=open", "from=yesterday", "to=2026-13-01", "ordering=token", "suspect=2", "from=", "idTag="],
)
def test_an_invalid_filter_is_400(viewer: Caller, session: Transaction, query: str) -> None:
    assert viewer.get(f"{LIST}?{query}").status_code == 400


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-05-04"])
def test_times_at_the_edge_of_the_calendar_are_no_server_error(
    viewer: Caller, session: Transaction, moment: str
) -> None:
    assert viewer.get(f"{LIST}?from={quote(moment)}").status_code in (200, 400)


def test_the_detail_of_a_16_session_has_readings_and_its_start_and_stop(
    viewer: Caller, session: Transaction
) -> None:
    response = viewer.get(f"{LIST}/1000")

    assert [event["type"] for event in response.info["events"]] == ["Started"]
    assert len(response.info["meterValues"]) == response.info["meterValuesTotal"] == 10
    assert response.info["meterValues"][0]["value"] == 100
    assert response.info["cost"] is None


def test_the_detail_of_a_2x_session_has_its_events_in_order(viewer: Caller, session: Transaction) -> None:
    for seq_no, kind in ((1, "Updated"), (0, "Started"), (2, "Ended")):
        TransactionEvent.objects.create(
            transaction=session,
            seq_no=seq_no,
            type=kind,
            fingerprint=seq_no,
            payload="{}",
            at=NOON,
            received_at=NOON,
        )

    events = viewer.get(f"{LIST}/1000").info["events"]

    assert [(event["seqNo"], event["type"]) for event in events] == [
        (0, "Started"),
        (1, "Updated"),
        (2, "Ended"),
    ]


@pytest.mark.parametrize("suffix", ["", "/meter-values"])
@pytest.mark.parametrize(
    ("number", "status"),
    [("abc", 400), ("0", 400), ("-5", 400), ("1e3", 400), ("9" * 25, 400), ("4711", 404)],
)
def test_a_bad_number_is_400_and_an_unknown_one_404(
    viewer: Caller, session: Transaction, number: str, status: int, suffix: str
) -> None:
    assert viewer.get(f"{LIST}/{number}{suffix}").status_code == status


def test_meter_values_come_raw_and_normalised_in_pages(viewer: Caller, session: Transaction) -> None:
    response = viewer.get(f"{LIST}/1000/meter-values?limit=3&offset=2")

    assert (response.info["count"], response.info["total"]) == (3, 10)
    first = response.info["meterValues"][0]
    assert (first["value"], first["unit"], first["raw"], first["rawUnit"]) == (300, "Wh", "0.3", "kWh")
    assert first["measurand"] == "Energy.Active.Import.Register"


def test_meter_values_are_filtered(viewer: Caller, session: Transaction) -> None:
    rows = list(Reading.objects.order_by("id")[:4])
    for number, row in enumerate(rows, 1):
        row.delete()
        voltage = a_sample(str(100 * number), measurand="Voltage", phase="L1")
        others = (a_sample("9", measurand="Voltage", phase="L2"), a_sample("9", phase="L1"))
        shared = {"charge_point": session.charge_point, "transaction": session, "received_at": NOON}
        stored(others[0], voltage, others[1], measured_at=row.measured_at, **shared)

    response = viewer.get(f"{LIST}/1000/meter-values?measurand=Voltage&phase=L1&ordering=-timestamp")

    assert [row["value"] for row in response.info["meterValues"]] == [400, 300, 200, 100]


def test_hostile_texts_of_stations_are_returned_unchanged(viewer: Caller, session: Transaction) -> None:
    Transaction.objects.update(stop_reason='"><script>\u0001\u202e{{7*7}}')

    assert viewer.get(LIST).info["transactions"][0]["stopReason"] == '"><script>\u0001\u202e{{7*7}}'


# -- exports -------------------------------------------------------------------------------------------------


def test_csv_has_a_header_all_rows_and_no_formulas(viewer: Caller, past: list[Transaction]) -> None:
    response = viewer.get(f"{LIST}/export?format=csv")

    assert response["Content-Type"].startswith("text/csv")
    assert 'filename="transactions.csv"' in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["transactionId"] for row in rows] == ["1000", "1001", "1002", "1003"]
    assert rows[1]["energyWh"] == "1234.5"
    assert rows[2]["idTag"] == "'=HYPERLINK(1)"
    assert rows[2]["suspectReasons"] == "meter-reset"
    assert rows[0]["stopTime"] == ""


def test_json_export_is_the_envelope(viewer: Caller, past: list[Transaction]) -> None:
    response = viewer.get(f"{LIST}/export?format=json&status=ended")

    answer = json.loads(response.getvalue())
    assert answer["success"] is True
    assert answer["data"]["count"] == 3
    assert [row["transactionId"] for row in answer["data"]["transactions"]] == [1001, 1002, 1003]


def test_an_empty_export_is_still_a_file_of_its_kind(viewer: Caller, db: None) -> None:
    empty = {form: viewer.get(f"{LIST}/export?format={form}").getvalue() for form in ("csv", "json", "xlsx")}

    assert empty["csv"].decode("utf-8-sig").startswith("transactionId,")
    assert json.loads(empty["json"])["data"] == {"transactions": [], "count": 0}
    assert len(sheet(empty["xlsx"], 1)) == 1


def sheet(content: bytes, number: int) -> list[list[str]]:
    """The texts of the cells of a sheet, read by a strict XML parser."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        tree = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [["".join(cell.itertext()) for cell in row.iter(f"{space}c")] for row in tree.iter(f"{space}row")]


def test_xlsx_has_texts_that_xml_cannot_contain(viewer: Caller, past: list[Transaction]) -> None:
    Transaction.objects.filter(pk=1000).update(id_token="<a>&\u0001]]>")

    rows = sheet(viewer.get(f"{LIST}/export?format=xlsx").getvalue(), 1)

    assert len(rows) == 5
    assert rows[1][5] == "<a>&\ufffd]]>"
    assert rows[3][5] == "'=HYPERLINK(1)"


def test_a_long_xlsx_continues_in_another_sheet(
    viewer: Caller, past: list[Transaction], monkeypatch: Any
) -> None:
    monkeypatch.setattr("ocpp_server.api.exports.SHEET_ROWS", 3)

    content = viewer.get(f"{LIST}/export?format=xlsx").getvalue()

    assert [row[0] for row in sheet(content, 1)] == ["transactionId", "1000", "1001", "1002"]
    assert [row[0] for row in sheet(content, 2)] == ["transactionId", "1003"]


@pytest.mark.parametrize("query", ["format=pdf", "format=", "limit=5", "ordering=startTime"])
def test_an_export_that_is_not_offered_is_400(viewer: Caller, query: str) -> None:
    assert viewer.get(f"{LIST}/export?{query}").status_code == 400


@pytest.mark.django_db(transaction=True)
async def test_an_export_is_streamed_under_asgi(
    viewer: Caller, past: list[Transaction], monkeypatch: Any
) -> None:
    monkeypatch.setattr("transactions.views.export.CHUNK", 1)

    response = await AsyncClient().get(
        f"{LIST}/export?format=csv", headers={"Authorization": f"Api-Key {viewer.key}"}
    )

    assert response.is_async
    pieces = [piece async for piece in response]
    assert len(pieces) == 5

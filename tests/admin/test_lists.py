"""Lists of large tables: they are filtered by time and never sorted by a column without an index."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Message, SecurityEvent
from tests.admin.rows import a_session
from transactions.models import Refusal, TransactionEvent

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EVENTS = "/admin/chargepoints/securityevent/"


@pytest.fixture
def three(db: None) -> ChargePoint:
    station = ChargePoint.objects.create(identity="CP1")
    for hour in (9, 12, 15):
        at = NOON.replace(hour=hour)
        SecurityEvent.objects.create(charge_point=station, type=f"At{hour}", at=at, received_at=at)
    return station


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"At9", "At12", "At15"}),
        ("received_at_from_0=2026-05-04&received_at_from_1=12:00:00", {"At12", "At15"}),
        ("received_at_to_0=2026-05-04&received_at_to_1=12:00:00", {"At9", "At12"}),
        (
            "received_at_from_0=2026-05-04&received_at_from_1=10:00:00"
            "&received_at_to_0=2026-05-04&received_at_to_1=13:00:00",
            {"At12"},
        ),
        ("received_at_from_0=yesterday&received_at_from_1=noon", {"At9", "At12", "At15"}),
        ("received_at_from_0=2026-05-04", {"At9", "At12", "At15"}),
    ],
)
def test_a_list_is_filtered_by_time(viewer: Client, three: ChargePoint, query: str, found: set[str]) -> None:
    page = viewer.get(f"{EVENTS}?{query}")

    assert page.status_code == 200
    assert {name for name in ("At9", "At12", "At15") if f">{name}<" in page.content.decode()} == found


def test_filters_are_headed_by_the_plain_names_of_their_columns(viewer: Client, db: None) -> None:
    page = viewer.get("/admin/transactions/transaction/").content.decode()
    headings = {
        " ".join(text.split()) for text in re.findall(r"<(?:h3|label)[^>]*>([^<]*)</(?:h3|label)>", page)
    }

    assert {"Station", "Status", "Suspect", "Started"} <= headings
    assert not [heading for heading in headings if heading.startswith("By ")]


def test_the_filter_by_time_uses_the_time_zone_of_the_pages(
    viewer: Client, three: ChargePoint, settings: pytest.FixtureRequest
) -> None:
    settings.TIME_ZONE = "Europe/Vienna"  # type: ignore[attr-defined]

    page = viewer.get(f"{EVENTS}?received_at_from_0=2026-05-04&received_at_from_1=14:30:00")

    assert ">At12<" not in page.content.decode()
    assert ">At15<" in page.content.decode()


@pytest.mark.parametrize("number", range(1, 8))
def test_an_address_sorts_only_by_columns_that_the_page_offers(
    viewer: Client, three: ChargePoint, number: int
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert viewer.get(f"{EVENTS}?o={number}").status_code == 200

    orders = [row["sql"].rpartition("ORDER BY ")[2] for row in queries if " ORDER BY " in row["sql"]]
    orders = [order for order in orders if "securityevent" in order]
    assert orders
    indexed = tuple(f'"chargepoints_securityevent"."{name}"' for name in ("received_at", "id"))
    assert all(order.startswith(indexed) for order in orders)


def test_refusals_are_filtered_by_status(viewer: Client, three: ChargePoint) -> None:
    for status in ("Blocked", "Expired"):
        Refusal.objects.create(
            charge_point=three, id_token=f"T-{status}", purpose="start", status=status, reason="R", at=NOON
        )

    page = viewer.get("/admin/transactions/refusal/?status=Expired").content.decode()

    assert "T-Expired" in page
    assert "T-Blocked" not in page


def test_a_station_that_has_connected_and_never_booted_is_shown_and_found(viewer: Client, db: None) -> None:
    silent = ChargePoint.objects.create(identity="SILENT", is_online=True, connected_at=NOON)
    ChargePoint.objects.create(identity="BOOTED", connected_at=NOON, last_boot_at=NOON)
    ChargePoint.objects.create(identity="NEW")

    page = viewer.get("/admin/chargepoints/chargepoint/?boot=never").content.decode()
    live = viewer.get(f"/admin/chargepoints/chargepoint/{silent.pk}/station/live/").json()

    assert {name for name in ("SILENT", "BOOTED", "NEW") if f">{name}<" in page} == {"SILENT"}
    assert "No BootNotification yet" in page
    assert live["values"]["boot"]["text"] == "Never"


def test_a_message_without_a_readable_action_has_a_title(viewer: Client, db: None) -> None:
    station = ChargePoint.objects.create(identity="CP1")
    Message.objects.create(
        charge_point=station, direction="in", message_id="", action="", request="hello?", size=6, at=NOON
    )

    page = viewer.get("/admin/chargepoints/message/").content.decode()

    assert "No readable action" in page


@pytest.mark.parametrize("columns", [("request", "response"), ("request_text", "response_text")])
def test_the_page_of_a_message_shows_its_texts_once(
    viewer: Client, db: None, columns: tuple[str, str]
) -> None:
    station = ChargePoint.objects.create(identity="CP1")
    texts = dict(zip(columns, ('{"vendorId":"Asked"}', '{"status":"Answered"}'), strict=True))
    message = Message.objects.create(
        charge_point=station, direction="in", message_id="1", action="DataTransfer", size=6, at=NOON, **texts
    )

    page = viewer.get(f"/admin/chargepoints/message/{message.pk}/change/").content.decode()

    assert (page.count("Asked"), page.count("Answered")) == (1, 1)
    assert "packed" not in page and "_text" not in page


@pytest.mark.parametrize("column", ["payload", "payload_text"])
def test_the_page_of_an_event_shows_its_payload_once(viewer: Client, db: None, column: str) -> None:
    station = ChargePoint.objects.create(identity="CP1")
    values = {column: '{"customData":{"vendorId":"Asked"}}', "at": NOON, "received_at": NOON}
    event = TransactionEvent.objects.create(
        transaction=a_session(station, 1000), seq_no=0, type="Started", fingerprint=1, **values
    )

    page = viewer.get(f"/admin/transactions/transactionevent/{event.pk}/change/").content.decode()

    assert page.count("Asked") == 1
    assert "payload_packed" not in page and "payload_text" not in page


@pytest.mark.parametrize(
    ("address", "title"),
    [
        (EVENTS, "Security events"),
        ("/admin/transactions/transaction/", "Sessions"),
        ("/admin/transactions/refusal/", "Refused tokens"),
    ],
)
def test_a_list_has_the_title_of_its_menu_entry(viewer: Client, address: str, title: str) -> None:
    page = viewer.get(address)

    assert page.context["title"] == title

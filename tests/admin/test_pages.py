"""Every page opens with any text of a station, and more rows cost no more queries."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chargepoints.models import ChargePoint
from chargepoints.services.connections import show_duplicate
from tests.admin.announced import announced
from tests.admin.rows import a_session

OURS = [model for model in admin.site._registry if model.__module__.split(".")[0] in
        {"accounts", "alerts", "chargepoints", "configuration", "events", "transactions"}]  # fmt: skip


def is_harmless(page: str) -> bool:
    """Return whether the page escaped every tag of the hostile text and rendered no template in it."""
    return "<script>alert" not in page and "<img src=x" not in page and "49'" not in html.unescape(page)


def address(model: type, view: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_and_every_row_opens_with_hostile_words(
    superuser: Client, hostile_rows: dict[type, Any], model: type
) -> None:
    row = hostile_rows[model]

    pages = [superuser.get(address(model, "changelist")), superuser.get(address(model, "change", row.pk))]

    for page in pages:
        assert page.status_code == 200
        assert is_harmless(page.content.decode())
        announced(page.content.decode(), page.request["PATH_INFO"])


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_search_takes_any_words(superuser: Client, hostile_rows: dict[type, Any], model: type) -> None:
    for words in ("x", "99999999999999999999999", "²", "'; --", "CP-1", "\x00"):
        page = superuser.get(address(model, "changelist"), {"q": words})

        assert page.status_code == 200, words


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_empty_list_shows_the_next_step(superuser: Client, model: type) -> None:
    if model.__name__ in {"User", "AlertRule"}:
        return  # the user of this test and the rules that `migrate` creates are in their lists

    page = superuser.get(address(model, "changelist")).content.decode()

    assert "Nothing here yet" in page
    assert html.escape(admin.site._registry[model].empty_sentence) in page  # type: ignore[attr-defined]


def test_the_live_pages_are_harmless_with_hostile_words(
    superuser: Client, hostile_rows: dict[type, Any]
) -> None:
    station = hostile_rows[ChargePoint]

    pages = [superuser.get("/admin/"), superuser.get(reverse("admin:station", args=[station.pk]))]

    for page in pages:
        assert page.status_code == 200
        assert is_harmless(page.content.decode())


def test_no_page_loads_anything_from_elsewhere(superuser: Client, hostile_rows: dict[type, Any]) -> None:
    station = hostile_rows[ChargePoint]

    for path in ("/admin/", reverse("admin:station", args=[station.pk]), "/admin/chargepoints/chargepoint/"):
        page = superuser.get(path).content.decode()

        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)


def test_admin_pages_forbid_inline_scripts_and_frames(superuser: Client) -> None:
    answer = superuser.get("/admin/")

    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/live/",
        "/admin/chargepoints/chargepoint/",
        "/admin/chargepoints/connector/",
        "/admin/chargepoints/command/",
        "/admin/chargepoints/followup/",
        "/admin/chargepoints/message/",
        "/admin/chargepoints/reportassembly/",
        "/admin/chargepoints/refusedconnection/",
        "/admin/chargepoints/securityevent/",
        "/admin/transactions/transaction/",
        "/admin/transactions/reading/",
        "/admin/transactions/quarantinedmessage/",
        "/admin/accounts/unknowntoken/",
    ],
)
def test_more_rows_cost_no_more_queries(superuser: Client, many: Any, path: str) -> None:
    many(2)
    superuser.get(path)  # caches rows that are read once, such as content types
    with CaptureQueriesContext(
        connection,
    ) as few:
        superuser.get(path)
    many(10)

    with CaptureQueriesContext(connection) as more:
        superuser.get(path)

    assert len(more) == len(few)


def test_a_long_station_page_costs_no_more_queries(superuser: Client, station: ChargePoint) -> None:
    path = reverse("admin:station-live", args=[station.pk])
    a_session(station, 1000)
    superuser.get(path)
    with CaptureQueriesContext(connection) as few:
        superuser.get(path)
    for number in range(1001, 1020):
        a_session(station, number)

    with CaptureQueriesContext(connection) as more:
        superuser.get(path)

    assert len(more) == len(few)


@pytest.mark.parametrize(
    ("path", "per_page"), [("/admin/chargepoints/message/", 2), ("/admin/chargepoints/command/", 2)]
)
def test_a_long_list_has_a_total_and_a_way_to_every_row(
    superuser: Client, many: Any, monkeypatch: pytest.MonkeyPatch, path: str, per_page: int
) -> None:
    monkeypatch.setattr("ocpp_server.admin.totals.CappedPaginator.limit", 4)
    monkeypatch.setattr("ocpp_server.admin.base.OperatorAdmin.list_per_page", per_page)
    many(9)
    found: set[str] = set()
    query = "?"

    while query:
        for number in (1, 2):
            page = superuser.get(f"{path}{query}&p={number}").content.decode()
            found |= set(re.findall(rf'href="{path}([^/"]+)/change/', page))
        following = re.search(r'href="([^"]+)">Show the next ones', page)
        query = html.unescape(following[1]) if following else ""

    assert len(found) == 9
    first = superuser.get(path).content.decode()
    assert re.search(r"Showing the first 4 (messages|commands) of (about )?\d+\.", first)
    assert "Show the next ones" not in first  # the second page has the rows before it


def test_a_list_is_filtered_by_station(superuser: Client, many: Any) -> None:
    many(2)

    page = superuser.get("/admin/transactions/transaction/", {"station": "cp-1"}).content.decode()

    assert "1 session" in page
    assert superuser.get("/admin/transactions/transaction/", {"station": "nobody"}).status_code == 200


@pytest.mark.parametrize("number", ["999", "0", "x", "99999999999999999999", "-1", "²"])
def test_an_unknown_session_is_not_found(superuser: Client, number: str) -> None:
    assert superuser.get(f"/admin/transactions/transaction/{number}/change/").status_code == 404


def test_a_station_page_warns_while_two_devices_use_the_identity(
    operator: Client, station: ChargePoint
) -> None:
    live = reverse("admin:station-live", args=[station.pk])
    before = operator.get(live).json()["values"]["duplicate"]["text"]
    show_duplicate(station.pk, ("192.0.2.1", "192.0.2.2"), datetime.now(UTC))

    warning = operator.get(live).json()["values"]["duplicate"]["text"]

    assert before == ""
    assert "Two devices have used this identity since" in warning
    assert "one at 192.0.2.1 and one at 192.0.2.2" in warning

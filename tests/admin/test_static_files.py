"""The files that a browser loads: compressed, kept for a year, and nothing that the page does not use."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files as package
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint, Site
from ocpp_server.bounds import compression
from tests.admin.rows import a_session

GZIP = {"Accept-Encoding": "gzip"}


def assets(page: str) -> list[str]:
    """The addresses of the style sheets, scripts and icons of a page."""
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', page)


def test_every_file_of_a_page_may_be_kept_for_a_year_and_texts_are_compressed(operator: Client) -> None:
    addresses = assets(operator.get("/admin/chargepoints/chargepoint/").content.decode())

    assert len(addresses) > 15
    for address in addresses:
        file = operator.get(address, headers=GZIP)
        assert file["Cache-Control"] == "max-age=31536000, public, immutable", address
        assert file.get("Content-Encoding") == "gzip" or len(file.content) < 200, address


def test_fonts_named_by_a_style_sheet_may_be_kept_for_a_year(client: Client) -> None:
    folder = "/static/unfold/fonts/inter/"
    sheet = client.get(f"{folder}styles.css").content.decode()

    for name in re.findall(r"url\(['\"]?([^'\")]+)", sheet):
        assert client.get(folder + name)["Cache-Control"].endswith("immutable"), name


def test_a_kept_file_is_not_sent_again(client: Client) -> None:
    address = "/static/operator/operator.css"
    plain, small = client.get(address), client.get(address, headers=GZIP)

    assert gzip.decompress(small.content) == plain.content
    assert plain["ETag"] != small["ETag"]
    again = client.get(address, headers=GZIP | {"If-None-Match": small["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert plain["Cache-Control"] == "max-age=60, public"  # the address has no hash


@pytest.mark.parametrize("path", ["/static/", "/static/nothing.js", "/static/../manage.py"])
def test_an_address_without_a_file_is_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_chart_js_is_loaded_only_by_pages_with_a_chart(operator: Client, station: ChargePoint) -> None:
    session = a_session(station, 1000)
    paths = [
        "/admin/",
        reverse("admin:transactions_transaction_change", args=[session.pk]),
        reverse("admin:station", args=[station.pk]),
        reverse("admin:chargepoints_chargepoint_changelist"),
        "/admin/login/",
    ]

    for path in paths:
        page = operator.get(path, follow=True).content.decode()
        assert ("/js/chart/chart." in page) == ("data-chart=" in page), path


def test_the_frame_of_all_pages_is_that_of_unfold_without_chart_js() -> None:
    """A new release of Unfold may change the template that is copied here."""
    theirs = package("unfold").joinpath("templates/unfold/layouts/skeleton.html").read_text()
    ours = Path(settings.BASE_DIR, "templates/unfold/layouts/skeleton.html").read_text()

    script = """        <script src="{% static 'unfold/js/chart/chart.js' %}"></script>\n"""
    assert ours == theirs.replace(script, "") != theirs


def test_a_list_is_compressed_and_its_search_results_are_not(operator: Client, station: ChargePoint) -> None:
    path = reverse("admin:chargepoints_chargepoint_changelist")

    assert operator.get(path, headers=GZIP).get("Content-Encoding") == "gzip"
    assert "Content-Encoding" not in operator.get(f"{path}?q=CP", headers=GZIP)


def test_a_page_is_not_compressed_while_it_shows_a_message_about_an_earlier_address(
    superuser: Client,
) -> None:
    missing = reverse("admin:chargepoints_site_change", args=["GUESS"])

    page = superuser.get(missing, headers=GZIP, follow=True)

    assert "GUESS" in page.content.decode()
    assert "Content-Encoding" not in page
    assert superuser.get("/admin/", headers=GZIP).get("Content-Encoding") == "gzip"


def test_a_list_of_the_api_is_compressed(operator: Client, station: ChargePoint) -> None:
    for number in range(1000, 1010):
        a_session(station, number)

    answer = operator.get("/api/v1/transactions", headers=GZIP)

    assert answer["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.content))["data"]["total"] == 10


def test_a_row_keeps_the_tag_that_if_match_needs(
    administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "LEAST_BYTES", 1)
    path = f"/api/v1/sites/{Site.objects.create(name='Yard').pk}"
    row = administrator.get(path, headers=GZIP)

    changed = administrator.patch(
        path,
        {"name": "Depot"},
        content_type="application/json",
        headers=GZIP | {"If-Match": row["ETag"]},
    )

    assert "Content-Encoding" not in row
    assert changed.status_code == 200


def test_an_export_is_a_stream_and_is_not_compressed(operator: Client, station: ChargePoint) -> None:
    for number in range(1000, 1020):
        a_session(station, number)

    export = operator.get("/api/v1/transactions/export?format=csv", headers=GZIP)

    assert export.streaming
    assert "Content-Encoding" not in export

"""Diagnostics and logs of stations in the admin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint, LogUpload
from chargepoints.services.diagnostics import files, log_uploads
from chargepoints.services.diagnostics.addresses import Secrets

LIST = "admin:chargepoints_logupload_changelist"
ONE = "admin:chargepoints_logupload_change"


@pytest.fixture
def received(station: ChargePoint, settings: Any, tmp_path: Path) -> LogUpload:
    """A log whose file is a page with a script."""
    settings.UPLOAD_DIR, settings.UPLOAD_MIN_FREE = tmp_path, 1
    upload = log_uploads.create(station, kind="SecurityLog", actor="operator", secrets=Secrets("k" * 32))
    draft = files.LOGS.draft(upload.pk, stored_bytes=log_uploads.stored_bytes)
    draft.write(b"<script>alert(1)</script>")
    log_uploads.store(upload.pk, kept=draft.keep(), file_name='a".html')
    upload.refresh_from_db()
    return upload


def test_the_station_page_shows_the_log_and_an_operator_downloads_it(
    operator: Client, station: ChargePoint, received: LogUpload
) -> None:
    (row,) = operator.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["logs"]
    answer = operator.get(row[3]["href"])

    assert [cell["text"] for cell in row[:5]] == [
        "Security log", "Received", "25\xa0bytes", "Download", "operator"
    ]  # fmt: skip
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="{received.pk}-a\\".html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Content-Length"] == "25"
    assert row[3]["href"] in operator.get(reverse(LIST)).content.decode()
    assert row[3]["href"] in operator.get(reverse(ONE, args=[received.pk])).content.decode()


def test_a_viewer_sees_the_log_and_gets_no_file(
    viewer: Client, station: ChargePoint, received: LogUpload
) -> None:
    (row,) = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["logs"]
    pages = [viewer.get(reverse(LIST)), viewer.get(reverse(ONE, args=[received.pk]))]
    answer = viewer.get(f"/api/v1/chargepoints/{station.identity}/logs/{received.pk}/file")

    assert (row[1]["text"], row[3]["text"]) == ("Received", "–")
    assert [page.status_code for page in pages] == [200, 200]
    assert not any("/file" in page.content.decode() for page in pages)
    assert answer.status_code == 403


def test_a_file_that_this_process_does_not_have_is_explained(
    operator: Client, station: ChargePoint, received: LogUpload
) -> None:
    files.LOGS.delete([received.stored_as])

    answer = operator.get(f"/api/v1/chargepoints/{station.identity}/logs/{received.pk}/file")

    assert answer.status_code == 404
    assert "UPLOAD_DIR" in answer.json()["message"]

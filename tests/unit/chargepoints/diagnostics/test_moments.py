"""Logs at the very moment at which they expire, and files that a power cut must not take."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargepoints.commands.diagnostics import GET_DIAGNOSTICS, GET_LOG
from chargepoints.models import ChargePoint
from chargepoints.services.diagnostics import files, log_uploads
from chargepoints.services.diagnostics.addresses import Secrets
from ocpp_server.bounds import folders

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Noon(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return NOON


@pytest.mark.django_db
def test_an_address_may_be_used_until_the_moment_at_which_it_expires(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(log_uploads, "datetime", Noon)
    settings.UPLOAD_EXPIRY = 0
    row = log_uploads.create(
        ChargePoint.objects.create(identity="CP-1"), kind="SecurityLog", actor="ann", secrets=Secrets("k")
    )

    log_uploads.refresh(row.pk)
    row.refresh_from_db()
    assert (row.state, row.expires_at) == ("requested", NOON)
    assert log_uploads.find(row.pk, "k") == row

    row.expires_at -= timedelta(microseconds=1)
    row.save()
    log_uploads.refresh(row.pk)
    row.refresh_from_db()
    assert row.state == "expired"
    assert log_uploads.find(row.pk, "k") is None


def test_a_whole_file_and_its_name_are_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_DIR = tmp_path
    settings.UPLOAD_MAX_FILE, settings.UPLOAD_QUOTA, settings.UPLOAD_MIN_FREE = 100, 250, 1
    synced: list[str] = []
    draft = files.LOGS.draft(7, stored_bytes=lambda: 0)
    draft.write(b"log")

    monkeypatch.setattr(
        folders.os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}"))
    )
    draft.keep()

    assert synced == [str(tmp_path / f"{draft.name}.part"), str(tmp_path)]


def test_both_commands_answer_with_the_number_of_the_log() -> None:
    assert GET_LOG.rest.answer == GET_DIAGNOSTICS.rest.answer == "chargepoints.views.logs.RequestedSerializer"

"""The files of logs on the disk: drafts, limits, and what the jobs delete."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargepoints.services.diagnostics import files
from ocpp_server.bounds import folders
from ocpp_server.bounds.folders import Draft, NoRoom, TooLarge


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_MAX_FILE, settings.UPLOAD_QUOTA, settings.UPLOAD_MIN_FREE = 100, 250, 1
    return Path(settings.UPLOAD_DIR)


def a_draft(number: int = 7, stored: int = 0) -> Draft:
    return files.LOGS.draft(number, stored_bytes=lambda: stored)


def test_a_file_gets_its_name_when_it_is_whole(folder: Path) -> None:
    draft = a_draft()
    draft.write(b"boot ")
    assert [path.name for path in folder.iterdir()] == [f"{draft.name}.part"]
    draft.write(b"ok")

    kept = draft.keep()

    assert kept == (draft.name, 7, hashlib.sha256(b"boot ok").hexdigest())
    assert [path.name for path in folder.iterdir()] == [kept.name]
    assert b"".join(files.LOGS.parts(kept.name)) == b"boot ok"
    assert (folder.stat().st_mode & 0o777, (folder / kept.name).stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_file_larger_than_the_limit_is_refused(folder: Path) -> None:
    draft = a_draft()
    draft.write(b"x" * 100)

    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        draft.write(b"x")
    draft.discard()

    assert list(folder.iterdir()) == []


def test_the_quota_counts_stored_files_and_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "CHECKED_EACH", 1)
    one, other = a_draft(1, stored=100), a_draft(2, stored=100)
    one.write(b"x" * 90)

    with pytest.raises(NoRoom, match="250 bytes"):
        other.write(b"x" * 61)
    one.discard()
    other.write(b"x" * 61)
    other.discard()

    with pytest.raises(NoRoom):
        a_draft(3, stored=251)


def test_a_full_disk_is_refused_in_time(settings: Any, folder: Path) -> None:
    settings.UPLOAD_MIN_FREE = 1 << 60

    with pytest.raises(NoRoom, match="free on the disk"):
        a_draft()

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, NoRoom), (errno.EDQUOT, NoRoom), (errno.EIO, OSError)]
)
def test_a_disk_that_is_full_after_all_is_told_apart_from_a_broken_one(
    number: int, error: type[Exception]
) -> None:
    assert isinstance(folders._no_room(OSError(number, "x")), error)


def test_a_discarded_draft_takes_no_late_part(folder: Path) -> None:
    draft = a_draft()
    draft.write(b"x")
    draft.discard()

    draft.write(b"late")

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../7-0123456789abcdef", "7-0123456789abcdef.part", "/etc/passwd"]
)
def test_a_name_that_is_not_ours_is_never_opened(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        files.LOGS.parts(name)
    files.LOGS.delete([name])


def test_the_jobs_find_old_files_and_delete_old_drafts_alone(folder: Path) -> None:
    folder.mkdir()
    old, new = "1-0123456789abcdef", "2-0123456789abcdef"
    for name, hours in {old: 2, new: 0, f"{old}.part": 25, f"{new}.part": 2, "notes.txt": 99}.items():
        (folder / name).write_bytes(b"x")
        at = time.time() - hours * 3600
        os.utime(folder / name, (at, at))
    (folder / "3-0123456789abcdef").mkdir()

    assert files.LOGS.aged() == [old]
    files.LOGS.delete_drafts()

    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert left == {old, new, f"{new}.part", "notes.txt"}


def test_without_a_folder_there_is_nothing_to_delete() -> None:
    steps: tuple[Callable[[], object], ...] = (files.LOGS.aged, files.LOGS.delete_drafts)

    assert [step() for step in steps] == [[], None]

"""The files of logs: at and beside each limit, and what is left on the disk."""

from __future__ import annotations

import errno
import os
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chargepoints.services.diagnostics import files
from ocpp_server.bounds import folders
from ocpp_server.bounds.folders import Draft, NoRoom, TooLarge

NAME = "7-0123456789abcdef"
Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil.disk_usage returns it


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path / "of" / "uploads"
    settings.UPLOAD_MAX_FILE, settings.UPLOAD_QUOTA, settings.UPLOAD_MIN_FREE = 100, 250, 1
    return Path(settings.UPLOAD_DIR)


def a_draft(number: int = 7, stored: int = 0) -> Draft:
    return files.LOGS.draft(number, stored_bytes=lambda: stored)


def test_the_numbers_of_this_module() -> None:
    assert (folders.CHECKED_EACH, files.MOST_DISCARDED) == (8 * 1024 * 1024, 1024 * 1024)
    assert (folders.YOUNG_S, folders.DRAFT_S) == (3600, 24 * 3600)


def test_the_quota_may_be_reached_exactly() -> None:
    draft = a_draft(stored=150)
    draft.require(100)
    draft.discard()

    draft = a_draft(stored=151)
    with pytest.raises(NoRoom, match="The files of all stations have reached 250 bytes"):
        draft.require(100)
    draft.discard()


def test_the_bytes_that_have_arrived_count_for_the_largest_file() -> None:
    draft = a_draft()
    draft.write(b"x" * 40)

    draft.require(60)
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        draft.require(61)
    draft.discard()


def test_some_of_the_disk_stays_free(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPLOAD_MIN_FREE = 1000
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: Usage(5000, 3950, 1050))
    draft = a_draft()

    draft.require(50)
    with pytest.raises(NoRoom, match="Less than 1,000 bytes would stay free"):
        draft.require(51)
    draft.discard()


def test_the_quota_is_checked_again_each_time_so_much_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "CHECKED_EACH", 10)
    sizes: list[int] = []
    draft = files.LOGS.draft(7, stored_bytes=lambda: sizes.append(draft.size if sizes else 0) or 0)  # type: ignore[func-returns-value]

    for _ in range(5):
        draft.write(b"x" * 5)
    draft.discard()

    # At the start, and then before 10 and before 20 bytes are reached.
    assert sizes == [0, 5, 15]


def test_a_whole_file_does_not_count_as_a_draft_any_more() -> None:
    before = files.LOGS.drafts.total()
    one, other = a_draft(), a_draft()
    one.write(b"x" * 30)
    other.write(b"x" * 20)
    other.write(b"x" * 20)
    assert files.LOGS.drafts.total() == before + 70

    one.keep()
    assert files.LOGS.drafts.total() == before + 40
    other.discard()
    assert files.LOGS.drafts.total() == before


def test_a_draft_has_the_number_of_its_request_and_a_random_name(folder: Path) -> None:
    one, other = a_draft(), a_draft()

    assert one.name != other.name
    assert folders._NAME.fullmatch(one.name) and one.name.startswith("7-")
    assert (folder / f"{one.name}.part").stat().st_mode & 0o777 == 0o600
    one.discard()
    other.discard()
    other.discard()  # once more does nothing


class _Full:
    """A file on a disk without room."""

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    flush = fileno = close = lambda self: self.write(b"")


def test_a_disk_that_gets_full_is_no_room(folder: Path) -> None:
    draft = a_draft()
    draft._file.close()
    draft._file = _Full()  # type: ignore[assignment]

    with pytest.raises(NoRoom, match=r"The disk is full\."):
        draft.write(b"x")
    assert draft.size == 0
    with pytest.raises(NoRoom, match=r"The disk is full\."):
        draft.keep()
    draft.discard()

    assert list(folder.iterdir()) == []


def test_a_file_is_here_under_its_own_name_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"x")
    (folder / "notes").write_bytes(b"x")
    (folder / "8-0123456789abcdef").mkdir()

    assert files.LOGS.is_here(NAME)
    assert not any(map(files.LOGS.is_here, ["notes", "8-0123456789abcdef", "9-0123456789abcdef", ""]))


def test_a_missing_file_is_missed_before_its_first_part() -> None:
    with pytest.raises(FileNotFoundError):
        files.LOGS.parts(NAME)


def test_a_large_file_is_read_in_parts(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"x" * (256 * 1024 + 1))

    assert [len(part) for part in files.LOGS.parts(NAME)] == [256 * 1024, 1]


def test_a_file_that_can_not_be_deleted_is_logged_and_the_others_are_deleted(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "8-0123456789abcdef").mkdir()
    (folder / NAME).write_bytes(b"x")

    with capture_logs() as logged:
        files.LOGS.delete(["8-0123456789abcdef", "9-0123456789abcdef", NAME])

    assert not (folder / NAME).exists()
    ((event, file),) = [(entry["event"], entry["file"]) for entry in logged]
    assert (event, file) == ("folder.not_deleted", "8-0123456789abcdef")
    assert logged[0]["reason"]


def test_a_name_of_another_kind_is_not_deleted(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes").write_bytes(b"x")

    files.LOGS.delete(["notes"])

    assert (folder / "notes").exists()


def test_the_age_of_a_file_decides_beyond_an_hour_and_of_a_draft_beyond_a_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    now = float(int(time.time()))
    monkeypatch.setattr(folders.time, "time", lambda: now)
    ages = {
        "1-0123456789abcdef": 3600,
        "2-0123456789abcdef": 3601,
        "3-0123456789abcdef.part": 86_400,
        "4-0123456789abcdef.part": 86_401,
        "4-0123456789abcdef": 0,
        "notes.part": 99_999,
    }
    for name, age in ages.items():
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (now - age, now - age))
    link = folder / "5-0123456789abcdef"
    link.symlink_to(folder / "2-0123456789abcdef")
    os.utime(link, (now - 99_999, now - 99_999), follow_symlinks=False)

    assert files.LOGS.aged() == ["2-0123456789abcdef"]
    files.LOGS.delete_drafts()

    assert {path.name for path in folder.iterdir()} == {*ages, "5-0123456789abcdef"} - {
        "4-0123456789abcdef.part"
    }

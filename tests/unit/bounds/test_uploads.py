"""The paths that accept files, and the sizes of files in words."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.bounds import uploads


@pytest.fixture(autouse=True)
def _own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_paths", set())
    uploads.register("/files", "/more/", "/DOCX")


@pytest.mark.parametrize(
    ("path", "is_upload"),
    [
        ("/files", True),
        ("/files/", True),
        ("/more", True),
        ("/more/", True),
        ("/DOCX", True),
        ("/DOC", False),
        ("/filesX", False),
        ("/files/1", False),
        ("/other", False),
        ("files", False),
    ],
)
def test_a_registered_path_accepts_files_with_or_without_a_slash(path: str, is_upload: bool) -> None:
    assert uploads.is_upload({"path": path}) is is_upload


def test_the_path_of_the_server_in_front_does_not_count() -> None:
    assert uploads.is_upload({"path": "/csms/files", "root_path": "/csms"})
    assert not uploads.is_upload({"path": "/csms/files"})


def test_the_form_around_a_file_may_have_64_kib(settings: Any) -> None:
    settings.HTTP_MAX_UPLOAD = 1000

    assert (uploads.max_file(), uploads.max_body()) == (1000, 1000 + 65536)
    assert uploads.too_large() == "The file is larger than 1,000 bytes."


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1000, "1,000 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (1536, "1,536 bytes"),
        (300 * 1024, "300 KiB"),
        (1024 * 1024, "1 MiB"),
        (1024 * 1024 + 1, "1,048,577 bytes"),
        (1025 * 1024, "1,025 KiB"),
        (2000 << 20, "2,000 MiB"),
        (3 << 30, "3 GiB"),
    ],
)
def test_a_size_is_written_in_the_largest_unit_that_fits(size: int, words: str) -> None:
    assert uploads.in_words(size) == words

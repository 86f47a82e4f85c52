"""The paths that accept files, and the sizes of files in words."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.bounds import uploads
from ocpp_server.credentials import Role


@pytest.fixture(autouse=True)
def _own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_uploads", {})
    uploads.register("/files", "/more/", "/DOCX")
    uploads.register("/large", setting="FIRMWARE_MAX_FILE", role=Role.ADMINISTRATOR)


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
    assert (uploads.upload_of({"path": path}) is not None) is is_upload


def test_the_path_of_the_server_in_front_does_not_count() -> None:
    assert uploads.upload_of({"path": "/csms/files", "root_path": "/csms"})
    assert not uploads.upload_of({"path": "/csms/files"})


def test_the_form_around_a_file_may_have_64_kib(settings: Any) -> None:
    settings.HTTP_MAX_UPLOAD = 1000

    found = uploads.upload_of({"path": "/files"})

    assert found is not None
    assert (found.max_file, found.max_body, found.role) == (1000, 1000 + 65536, Role.VIEWER)
    assert uploads.max_file() == 1000
    assert uploads.too_large() == "The file is larger than 1,000 bytes."


def test_a_path_may_have_a_limit_and_a_role_of_its_own(settings: Any) -> None:
    settings.FIRMWARE_MAX_FILE = 5000

    found = uploads.upload_of({"path": "/large"})

    assert found is not None
    assert (found.max_file, found.role) == (5000, Role.ADMINISTRATOR)


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

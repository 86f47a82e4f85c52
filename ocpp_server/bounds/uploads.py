"""The paths that accept files, and their larger limit. Each app registers its paths."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

# The size of the form around a file: boundaries, names, other fields.
FORM_BYTES: Final = 64 * 1024

_paths: set[str] = set()


def register(*paths: str) -> None:
    """Accept files of up to HTTP_MAX_UPLOAD bytes at these paths, from callers with valid credentials."""
    _paths.update(path.rstrip("/") for path in paths)


def is_upload(scope: dict[str, Any]) -> bool:
    """Whether the path of the request is registered, with or without a trailing slash."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.rstrip("/") in _paths


def max_file() -> int:
    """The largest file, in bytes."""
    return int(settings.HTTP_MAX_UPLOAD)


def max_body() -> int:
    """The largest body with a file in it, in bytes."""
    return max_file() + FORM_BYTES


def too_large() -> str:
    """The sentence for a file of more than `max_file` bytes."""
    return f"The file is larger than {in_words(max_file())}."


def in_words(size: int) -> str:
    """A size as people write it: 1 MiB, 300 KiB, 1,000 bytes."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit:,} {name}"
    return f"{size:,} bytes"

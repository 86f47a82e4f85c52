"""The paths that accept files, and their larger limits. Each app registers its paths."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.conf import settings

from ocpp_server.credentials import Role

# The size of the form around a file: boundaries, names, other fields.
FORM_BYTES: Final = 64 * 1024


class Upload(NamedTuple):
    """A path that accepts files: the setting with the largest file, and the lowest role that may send one."""

    setting: str = "HTTP_MAX_UPLOAD"
    role: Role = Role.VIEWER

    @property
    def max_file(self) -> int:
        """The largest file, in bytes."""
        return int(getattr(settings, self.setting))

    @property
    def max_body(self) -> int:
        """The largest body with a file in it, in bytes."""
        return self.max_file + FORM_BYTES


_uploads: dict[str, Upload] = {}


def register(*paths: str, setting: str = "HTTP_MAX_UPLOAD", role: Role = Role.VIEWER) -> None:
    """Accept files of up to the bytes in this setting at these paths, from callers with this role."""
    _uploads.update({path.rstrip("/"): Upload(setting, role) for path in paths})


def upload_of(scope: dict[str, Any]) -> Upload | None:
    """The registered path of the request, with or without a trailing slash; None for all other paths."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return _uploads.get(path.rstrip("/"))


def max_file() -> int:
    """The largest file of an upload that has no limit of its own, in bytes."""
    return Upload().max_file


def too_large() -> str:
    """The sentence for a file of more than `max_file` bytes."""
    return f"The file is larger than {in_words(max_file())}."


def in_words(size: int) -> str:
    """A size as people write it: 1 MiB, 300 KiB, 1,000 bytes."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit:,} {name}"
    return f"{size:,} bytes"

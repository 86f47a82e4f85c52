"""The files of uploaded logs in UPLOAD_DIR.

Their names are made here, of nothing that a station sends. A file is written as `<name>.part`, and renamed
when it is whole. A job deletes the files without a row, so a row may be deleted without its file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

import structlog
from django.conf import settings

from ocpp_server.bounds.uploads import in_words

log = structlog.get_logger(__name__)

# The disk and the quota are checked again each time so much has been written.
CHECKED_EACH: Final = 8 << 20
# A form may have so many bytes beside its file.
MOST_DISCARDED: Final = 1 << 20
# A file without a row may be one that is just being stored; a draft may belong to a slow station.
YOUNG_S: Final = 3600.0
DRAFT_S: Final = 86_400.0
_READ_AT_ONCE: Final = 256 * 1024
_NAME: Final = re.compile(r"[0-9]{1,20}-[0-9a-f]{16}")
_DRAFT: Final = ".part"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class TooLarge(Exception):  # noqa: N818 - named for what the file is
    """The file is larger than UPLOAD_MAX_FILE. `str(error)` is a sentence."""


class NoRoom(Exception):  # noqa: N818 - named for what is missing
    """The quota or the disk is full. `str(error)` is a sentence."""


class Kept(NamedTuple):
    """A whole file: its name in UPLOAD_DIR, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


class _Drafts:
    """The bytes of the drafts of this process, which count for the quota."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._lock = Lock()

    def note(self, name: str, size: int | None) -> None:
        with self._lock:
            if size is None:
                self._sizes.pop(name, None)
            else:
                self._sizes[name] = size

    def total(self) -> int:
        with self._lock:
            return sum(self._sizes.values())


_drafts = _Drafts()


class Draft:
    """A file that is being received. Its methods block: call them in threads.

    `stored_bytes` is called now and then: the size of all stored files.
    """

    def __init__(self, number: int, *, stored_bytes: Callable[[], int]) -> None:
        """Create the file. Raises OSError, NoRoom."""
        self.name = f"{number}-{secrets.token_hex(8)}"
        self.size = 0
        self._stored_bytes = stored_bytes
        self._checked_at = 0
        # A cancelled upload is discarded while its last part may still be written.
        self._lock = Lock()
        self._is_over = False
        self._hash = hashlib.sha256()
        self._path = folder() / f"{self.name}{_DRAFT}"
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")
        try:
            self.require(0)
        except BaseException:
            self.discard()
            raise

    def require(self, more: int) -> None:
        """Check that a file of so many more bytes may be stored. Raises TooLarge, NoRoom."""
        if self.size + more > settings.UPLOAD_MAX_FILE:
            raise TooLarge(f"The file is larger than {in_words(settings.UPLOAD_MAX_FILE)}.")
        # A process that has just begun to receive has not counted the bytes that are still to come.
        if self._stored_bytes() + _drafts.total() + more > settings.UPLOAD_QUOTA:
            raise NoRoom(f"The files of all stations have reached {in_words(settings.UPLOAD_QUOTA)}.")
        if shutil.disk_usage(folder()).free - more < settings.UPLOAD_MIN_FREE:
            raise NoRoom(f"Less than {in_words(settings.UPLOAD_MIN_FREE)} would stay free on the disk.")

    def write(self, data: bytes) -> None:
        """Append. Raises TooLarge, NoRoom, OSError."""
        with self._lock:
            if not self._is_over:
                self._write(data)

    def _write(self, data: bytes) -> None:
        size = self.size + len(data)
        if size > settings.UPLOAD_MAX_FILE or size - self._checked_at >= CHECKED_EACH:
            self.require(len(data))
            self._checked_at = size
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room(error) from None
        self._hash.update(data)
        self.size = size
        _drafts.note(self.name, size)

    def keep(self) -> Kept:
        """Store the whole file under its name; it survives a power cut. Raises NoRoom, OSError."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _no_room(error) from None
        self._path.rename(folder() / self.name)
        handle = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        _drafts.note(self.name, None)
        return Kept(self.name, self.size, self._hash.hexdigest())

    def discard(self) -> None:
        """Delete what was received."""
        with self._lock:
            self._is_over = True
            _drafts.note(self.name, None)
            with contextlib.suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)


def _no_room(error: OSError) -> Exception:
    return NoRoom("The disk is full.") if error.errno in _FULL else error


def folder() -> Path:
    return Path(settings.UPLOAD_DIR)


def is_here(name: str) -> bool:
    """Whether the file is in the folder of this process."""
    return bool(_NAME.fullmatch(name)) and (folder() / name).is_file()


def parts(name: str) -> Iterator[bytes]:
    """The content of a stored file. Raises FileNotFoundError before the first part."""
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(name)
    file = (folder() / name).open("rb")

    def read() -> Iterator[bytes]:
        with file:
            while part := file.read(_READ_AT_ONCE):
                yield part

    return read()


def delete(names: Iterable[str]) -> None:
    """Delete stored files. A job deletes one that can't be deleted now."""
    for name in names:
        if _NAME.fullmatch(name):
            try:
                (folder() / name).unlink(missing_ok=True)
            except OSError as error:
                log.warning("log_upload.not_deleted", file=name, reason=error.strerror)


def aged() -> list[str]:
    """The stored files that are old enough to have a row."""
    return [name for name, age in _ages() if _NAME.fullmatch(name) and age > YOUNG_S]


def delete_drafts() -> None:
    """Delete the drafts of processes that died."""
    for name, age in _ages():
        if name.endswith(_DRAFT) and _NAME.fullmatch(name.removesuffix(_DRAFT)) and age > DRAFT_S:
            (folder() / name).unlink(missing_ok=True)


def _ages() -> list[tuple[str, float]]:
    """The names in the folder, with the seconds since each was written last."""
    now, found = time.time(), []
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder()):
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    found.append((entry.name, now - entry.stat(follow_symlinks=False).st_mtime))
    return found

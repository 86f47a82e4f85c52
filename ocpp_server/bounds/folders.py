"""Folders of files that come in over HTTP: drafts, limits, and what jobs delete.

The names of the files are made here, of nothing that a client sends. A file is written as `<name>.part`, and
renamed when it is whole. A job deletes the files without a row, so a row may be deleted without its file.
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
from typing import BinaryIO, Final, NamedTuple

import structlog
from django.conf import settings

from ocpp_server.bounds.uploads import in_words

log = structlog.get_logger(__name__)

# The disk and the quota are checked again each time so much has been written.
CHECKED_EACH: Final = 8 << 20
# A file without a row may be one that is just being stored; a draft may belong to a slow sender.
YOUNG_S: Final = 3600.0
DRAFT_S: Final = 86_400.0
_READ_AT_ONCE: Final = 256 * 1024
_NAME: Final = re.compile(r"[0-9]{1,20}-[0-9a-f]{16}")
_DRAFT: Final = ".part"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class TooLarge(Exception):  # noqa: N818 - named for what the file is
    """The file is larger than the folder allows. `str(error)` is a sentence."""


class NoRoom(Exception):  # noqa: N818 - named for what is missing
    """The quota or the disk is full. `str(error)` is a sentence."""


class Kept(NamedTuple):
    """A whole file: its name in the folder, its size in bytes and its SHA-256."""

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


class Folder:
    """A folder with its limits, by the names of their settings.

    `owner` begins the sentence of a full quota.
    """

    def __init__(self, *, path: str, max_file: str, quota: str, owner: str, has_md5: bool = False) -> None:
        self._settings = (path, max_file, quota)
        self.owner, self.has_md5 = owner, has_md5
        self.drafts = _Drafts()

    @property
    def path(self) -> Path:
        return Path(getattr(settings, self._settings[0]))

    @property
    def max_file(self) -> int:
        return int(getattr(settings, self._settings[1]))

    @property
    def quota(self) -> int:
        return int(getattr(settings, self._settings[2]))

    def draft(self, number: int, *, stored_bytes: Callable[[], int]) -> Draft:
        """Create a file. `stored_bytes` is called now and then: the size of all stored files. Raises OSError,
        NoRoom.
        """
        return Draft(self, number, stored_bytes=stored_bytes)

    def is_here(self, name: str) -> bool:
        """Whether the file is in the folder of this process."""
        return bool(_NAME.fullmatch(name)) and (self.path / name).is_file()

    def handle(self, name: str) -> BinaryIO:
        """A stored file, open for reading. Raises FileNotFoundError."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        return (self.path / name).open("rb")

    def parts(self, name: str) -> Iterator[bytes]:
        """The content of a stored file. Raises FileNotFoundError before the first part."""
        file = self.handle(name)

        def read() -> Iterator[bytes]:
            with file:
                while part := file.read(_READ_AT_ONCE):
                    yield part

        return read()

    def delete(self, names: Iterable[str]) -> None:
        """Delete stored files. A job deletes one that can't be deleted now."""
        for name in names:
            if _NAME.fullmatch(name):
                try:
                    (self.path / name).unlink(missing_ok=True)
                except OSError as error:
                    log.warning("folder.not_deleted", file=name, reason=error.strerror)

    def aged(self) -> list[str]:
        """The stored files that are old enough to have a row."""
        return [name for name, age in self._ages() if _NAME.fullmatch(name) and age > YOUNG_S]

    def delete_drafts(self) -> None:
        """Delete the drafts of processes that died."""
        for name, age in self._ages():
            if name.endswith(_DRAFT) and _NAME.fullmatch(name.removesuffix(_DRAFT)) and age > DRAFT_S:
                (self.path / name).unlink(missing_ok=True)

    def _ages(self) -> list[tuple[str, float]]:
        """The names in the folder, with the seconds since each was written last."""
        now, found = time.time(), []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self.path):
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        found.append((entry.name, now - entry.stat(follow_symlinks=False).st_mtime))
        return found


class Draft:
    """A file that is being received. Its methods block: call them in threads."""

    def __init__(self, folder: Folder, number: int, *, stored_bytes: Callable[[], int]) -> None:
        self._folder = folder
        self.name = f"{number}-{secrets.token_hex(8)}"
        self.size = 0
        self._stored_bytes = stored_bytes
        self._checked_at = 0
        # A cancelled upload is discarded while its last part may still be written.
        self._lock = Lock()
        self._is_over = False
        self._hash = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if folder.has_md5 else None
        self._path = folder.path / f"{self.name}{_DRAFT}"
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")
        try:
            self.require(0)
        except BaseException:
            self.discard()
            raise

    def require(self, more: int) -> None:
        """Check that a file of so many more bytes may be stored. Raises TooLarge, NoRoom."""
        folder = self._folder
        if self.size + more > folder.max_file:
            raise TooLarge(f"The file is larger than {in_words(folder.max_file)}.")
        # A process that has just begun to receive has not counted the bytes that are still to come.
        if self._stored_bytes() + folder.drafts.total() + more > folder.quota:
            raise NoRoom(f"{folder.owner} have reached {in_words(folder.quota)}.")
        if shutil.disk_usage(folder.path).free - more < settings.UPLOAD_MIN_FREE:
            raise NoRoom(f"Less than {in_words(settings.UPLOAD_MIN_FREE)} would stay free on the disk.")

    def write(self, data: bytes) -> None:
        """Append. Raises TooLarge, NoRoom, OSError."""
        with self._lock:
            if not self._is_over:
                self._write(data)

    def _write(self, data: bytes) -> None:
        size = self.size + len(data)
        if size > self._folder.max_file or size - self._checked_at >= CHECKED_EACH:
            self.require(len(data))
            self._checked_at = size
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room(error) from None
        self._hash.update(data)
        if self._md5 is not None:
            self._md5.update(data)
        self.size = size
        self._folder.drafts.note(self.name, size)

    def keep(self) -> Kept:
        """Store the whole file under its name; it survives a power cut. Raises NoRoom, OSError."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _no_room(error) from None
        self._path.rename(self._folder.path / self.name)
        handle = os.open(self._folder.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        self._folder.drafts.note(self.name, None)
        return Kept(self.name, self.size, self._hash.hexdigest())

    @property
    def md5(self) -> str:
        """The MD5 of what was written, if the folder asks for it."""
        return "" if self._md5 is None else self._md5.hexdigest()

    def discard(self) -> None:
        """Delete what was received."""
        with self._lock:
            self._is_over = True
            self._folder.drafts.note(self.name, None)
            with contextlib.suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)


def _no_room(error: OSError) -> Exception:
    return NoRoom("The disk is full.") if error.errno in _FULL else error

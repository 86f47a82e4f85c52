"""Static files at addresses with a hash of their content, which browsers may keep for a year.

The files are read from the installed packages, hashed when a page names them, and compressed when a browser
requests them. Each process does so in memory: there is no copy of the files that could be out of date, and
no step before the start (docs/decisions/0072-compression-and-hashed-files.md).
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage

_HASHED: Final = re.compile(r"(?P<stem>.+)\.(?P<digest>[0-9a-f]{12})(?P<ending>\.[^./]+)?")
# References in a style sheet: url(...), with or without quotes, and @import "...".
_REFERENCE: Final = re.compile(r"""(?P<before>url\(\s*["']?|@import\s+["'])(?P<address>[^"')\s]+)""")
_TEXTS: Final = re.compile(r"text/|application/(javascript|json|xml)|image/svg")
_TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".map": "application/json",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as browsers get it."""

    name: str
    body: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:12]

    @cached_property
    def hashed_name(self) -> str:
        stem, ending = posixpath.splitext(self.name)
        return f"{stem}.{self.digest}{ending}"

    @cached_property
    def content_type(self) -> str:
        ending = posixpath.splitext(self.name)[1]
        kind = _TYPES.get(ending) or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    @cached_property
    def compressed(self) -> bytes | None:
        """The body with gzip; None when that saves nothing, as for fonts and pictures."""
        if not _TEXTS.match(self.content_type):
            return None
        small = gzip.compress(self.body, mtime=0)
        return small if len(small) < len(self.body) else None


class StaticFiles:
    """The static files of the installed packages. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, StaticFile] = {}
        self._lock = RLock()

    @cached_property
    def paths(self) -> dict[str, Path]:
        """The path of each file, by its name in templates. The first of several with one name counts."""
        paths: dict[str, Path] = {}
        for finder in finders.get_finders():
            for name, storage in finder.list(None):
                paths.setdefault(name.replace("\\", "/"), Path(storage.path(name)))
        return paths

    def file(self, name: str) -> StaticFile | None:
        """The file with this name, without a hash; None for an unknown one."""
        with self._lock:
            return self._load(name, frozenset())

    def requested(self, name: str) -> tuple[StaticFile, bool] | None:
        """The file at this address, and whether the address has the hash of its content.

        During a deployment, a page of the other release may name another hash. It gets the file of this
        release.
        """
        if (file := self.file(name)) is not None:
            return file, False
        hashed = _HASHED.fullmatch(name)
        if hashed is None or (file := self.file(f"{hashed['stem']}{hashed['ending'] or ''}")) is None:
            return None
        return file, hashed["digest"] == file.digest

    def _load(self, name: str, readers: frozenset[str]) -> StaticFile | None:
        """Read a file. `readers` are the style sheets that name it, by which circles are noticed."""
        known = self._known.get(name)
        if known is not None or name not in self.paths or name in readers:
            return known
        body = self.paths[name].read_bytes()
        if name.endswith(".css"):
            body = self._with_hashed_references(name, body, readers | {name})
        file = StaticFile(name, body)
        # With DEBUG a changed file is read again.
        return file if settings.DEBUG else self._known.setdefault(name, file)

    def _with_hashed_references(self, name: str, body: bytes, readers: frozenset[str]) -> bytes:
        """A style sheet whose fonts, pictures and style sheets have hashed names too."""

        def replaced(found: re.Match[str]) -> str:
            address, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", found["address"]).groups()  # type: ignore[union-attr]
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
            file = self._load(target, readers)
            if file is None or not address or settings.DEBUG:
                return found[0]
            folder = posixpath.dirname(address)
            return (
                found["before"] + posixpath.join(folder, posixpath.basename(file.hashed_name)) + mark + rest
            )

        return _REFERENCE.sub(replaced, body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )


files: Final = StaticFiles()


class HashedFilesStorage(StaticFilesStorage):
    """The storage that `{% static %}` asks for the address of a file."""

    def url(self, name: str | None) -> str:
        file = None if settings.DEBUG or name is None else files.file(name)
        address: str = super().url(name if file is None else file.hashed_name)
        return address

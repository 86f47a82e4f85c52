"""Ranges of bytes: which part of a file a request asks for (RFC 9110, 14), and which parts were sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

# So many separate parts are remembered for a download; a station fetches one after the other.
MOST_PARTS: Final = 200

_RANGE: Final = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})", re.IGNORECASE)


class Part(NamedTuple):
    """The bytes from `first` up to but without `end`."""

    first: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.first


class Unsatisfiable(Exception):  # noqa: N818 - named for the range
    """No byte of the file is in the range (416)."""


def asked(header: str, *, size: int) -> Part | None:
    """The part of a file that a Range asks for; None for the whole file.

    A header with several ranges or with mistakes is ignored, as the RFC allows. Raises Unsatisfiable.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, end = size - min(int(found[2]), size), size
    else:
        first, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < first:
            return None
    if first >= end:
        raise Unsatisfiable
    return Part(first, end)


def merged(parts: Iterable[Sequence[int]], new: Part) -> list[list[int]]:
    """The sent parts with another one: in order, and without overlaps.

    Beyond MOST_PARTS the smallest ones are forgotten: they count as not sent.
    """
    found: list[list[int]] = []
    for first, end in sorted([*((part[0], part[1]) for part in parts), (new.first, new.end)]):
        if first >= end:
            continue
        if found and first <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([first, end])
    while len(found) > MOST_PARTS:
        found.remove(min(found, key=lambda part: part[1] - part[0]))
    return found


def is_whole(parts: Sequence[Sequence[int]], *, size: int) -> bool:
    """Whether the sent parts are the whole file."""
    return list(map(list, parts)) == [[0, size]]

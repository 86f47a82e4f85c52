"""The updates that bring a station's list to the wanted one (1.6 5.15, 2.0.1 D01). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from configuration.services.local_list import contents
from configuration.services.local_list.contents import Contents, Stamp
from configuration.services.local_list.selection import Listed
from ocpp_server.protocol.translate.local_list import LARGEST_VERSION, list_entry, listed_token


class Entry(NamedTuple):
    """An entry as it is sent. `stamp` is None for the removal of a token."""

    pk: int
    wire: dict[str, Any]
    stamp: Stamp | None


class Known(NamedTuple):
    """The list at a station as the server knows it: its version, and its contents or None."""

    version: int
    contents: Contents | None


class Update(NamedTuple):
    """One SendLocalList. `after` is the list at the station once it has accepted this."""

    is_full: bool
    version: int
    entries: list[dict[str, Any]]
    after: Contents


# Splits the entries of one update by the limits of the station.
Split = Callable[[Sequence[Entry]], list[list[Entry]]]


def entries(tokens: Iterable[Listed], version: str) -> list[Entry]:
    """The entries of the wanted list as a station of this version gets them."""
    found = []
    for one in tokens:
        token = listed_token(version, one.uid, one.type)
        wire = list_entry(version, token, one)
        found.append(Entry(one.pk, wire, contents.stamp(token, wire)))
    return found


def contents_of(listed: Iterable[Entry]) -> Contents:
    return {entry.pk: entry.stamp for entry in listed if entry.stamp is not None}


def gone(known: Contents, wanted: Contents) -> set[int]:
    """The tokens that the list has and should not have."""
    return known.keys() - wanted.keys()


def removals(of: Iterable[int], uids: Mapping[int, str], known: Contents, version: str) -> list[Entry] | None:
    """The entries that take tokens off the list by their present uids; None if one has another uid now."""
    found = []
    for pk in sorted(of):
        token = listed_token(version, uids.get(pk, ""), known[pk].type)
        if contents.name_digest(token) != known[pk].name:
            return None
        found.append(Entry(pk, list_entry(version, token, None), None))
    return found


def plan(
    known: Known | None,
    *,
    reported: int,
    wanted: Sequence[Entry],
    removed: Sequence[Entry] | None,
    split: Split,
    is_full: bool = False,
) -> list[Update]:
    """The updates in their order; none if the station has the wanted list.

    `reported` is the version that the station has reported just now, 0 for an empty list. A Differential
    update needs a list whose contents are known, no token that can't be named any more, and fewer entries
    than a Full list. A list in parts begins with a Full one and goes on with Differential updates, and each
    part has the next version: an equal or lower one is a VersionMismatch.
    """
    at_station = _at_station(known, reported)
    aim = contents_of(wanted)
    if not is_full and at_station is not None:
        if at_station == aim:
            return []
        changes = None if removed is None or reported == 0 else _changes(at_station, wanted, removed)
        if changes is not None and len(changes) < len(wanted):
            parts = split(changes)
            if reported + len(parts) <= LARGEST_VERSION:
                return _updates(parts, reported + 1, at_station, is_full=False)
    parts = split(wanted)
    first = max(reported, known.version if known is not None else 0, 0) + 1
    if first + len(parts) - 1 > LARGEST_VERSION:
        first = 1
    return _updates(parts, first, {}, is_full=True)


def _at_station(known: Known | None, reported: int) -> Contents | None:
    """The contents of the list of the reported version, None if they are not known."""
    if reported == 0:
        return {}
    return known.contents if known is not None and known.version == reported else None


def _changes(known: Contents, wanted: Sequence[Entry], removed: Sequence[Entry]) -> list[Entry] | None:
    """The removals, then the new and the changed entries: so the list is never longer than the station takes.

    None if a token has got another name: its old one is not known any more.
    """
    changed = [entry for entry in wanted if known.get(entry.pk) != entry.stamp]
    for entry in changed:
        before = known.get(entry.pk)
        if before is not None and entry.stamp is not None and before.name != entry.stamp.name:
            return None
    # A token that follows another one under the same uid overwrites its entry.
    names = {entry.stamp.name for entry in changed if entry.stamp is not None}
    return [entry for entry in removed if known[entry.pk].name not in names] + changed


def _updates(
    parts: Sequence[Sequence[Entry]], first: int, before: Contents, *, is_full: bool
) -> list[Update]:
    updates: list[Update] = []
    after = dict(before)
    for number, part in enumerate(parts or [[]]):
        names = {entry.stamp.name for entry in part if entry.stamp is not None}
        after = {pk: stamp for pk, stamp in after.items() if stamp.name not in names}
        for entry in part:
            if entry.stamp is None:
                after.pop(entry.pk, None)
            else:
                after[entry.pk] = entry.stamp
        wires = [entry.wire for entry in part]
        updates.append(Update(is_full and number == 0, first + number, wires, dict(after)))
    return updates

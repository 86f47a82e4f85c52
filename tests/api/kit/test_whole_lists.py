"""The pages of a list are together the whole, whatever is added, changed and deleted between two pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.db.models import Model
from hypothesis import given, note
from hypothesis import strategies as st

from accounts.models import ApiKey
from ocpp_server.api.pages import document
from tests.api.conftest import Caller
from tests.api.kit.lists import LISTS, Parents, Rows
from tests.direct.properties import searched, searched_for_long

pytestmark = pytest.mark.django_db

V1 = "/api/v1/"
_numbers = itertools.count(1)
# Not lists of rows in pages: a file, and events, which are never deleted between two pages (see `gap`).
OTHERS = {"tokens/export", "events", "events/stream"}


@cache
def lists_of_the_api() -> dict[str, list[str]]:
    """The paths of all lists that have pages, with their orderings."""
    found = {}
    for path, item in document()["paths"].items():
        parameters = {one["name"]: one for one in item.get("get", {}).get("parameters", ())}
        if parameters.keys() & {"limit", "offset", "cursor", "after"}:
            orderings = parameters.get("ordering", {}).get("schema", {}).get("enum", [])
            found[path.removeprefix(V1)] = ["", *orderings]
    return found


def test_every_list_of_the_api_is_here() -> None:
    assert set(lists_of_the_api()) - OTHERS == set(LISTS)


class Change(NamedTuple):
    """A change of the rows before the next page: `add`, `change` or `delete` the n-th of them."""

    kind: str
    number: int


changes = st.builds(Change, st.sampled_from(["add", "change", "delete", "delete"]), st.integers(0, 30))


class Walk:
    """A client that reads all pages of a list, while the rows change."""

    def __init__(self, caller: Caller, path: str, rows: Rows, parents: Parents) -> None:
        self.caller, self.rows, self.parents = caller, rows, parents
        parent = rows.parent(self.parents) if rows.parent else ""
        start, _, rest = path.partition("{")
        self.path = V1 + start + (f"{parent}{rest.partition('}')[2]}" if rest else "")
        self.known: list[Model] = []

    def add(self) -> None:
        self.known.append(self.rows.add(self.parents, next(_numbers)))

    def happen(self, change: Change) -> set[str]:
        """Change the rows; the keys of those that were added or deleted."""
        if change.kind == "add":
            self.add()
            return {self.key(self.known[-1])}
        if not self.known:
            return set()
        row = self.known[change.number % len(self.known)]
        if change.kind == "delete":
            self.known.remove(row)
            key = self.key(row)
            row.delete()
            return {key}
        if self.rows.change is None:
            return set()
        if self.rows.change:
            field: Any = row._meta.get_field(self.rows.change)
            changed = "changed"[: field.max_length] if field.max_length is not None else "1"
            setattr(row, self.rows.change, changed)
        row.save()
        return set()

    def key(self, row: Model) -> str:
        column = self.rows.column
        return column(row) if callable(column) else str(getattr(row, column))

    def pages(self, limit: int, ordering: str) -> Iterator[list[str]]:
        """The keys of each page. Before the next one is read, the caller may change the rows."""
        sort, cursor = f"&ordering={ordering}" if ordering else "", ""
        while True:
            answer = self.caller.get(f"{self.path}?limit={limit}{sort}&cursor={cursor}")
            assert answer.status_code == 200, answer.answer
            (items,) = [value for value in answer.info.values() if isinstance(value, list)]
            yield [str(item[self.rows.field]) for item in items]
            cursor = answer.info["next"]
            if cursor is None:
                return


@pytest.fixture
def parents(db: None) -> Parents:
    return Parents()


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back all changes: deleting a station with everything that refers to it takes longer."""
    savepoint = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(savepoint)


def are_whole(caller: Caller, parents: Parents, path: str, drawn: dict[str, Any], ordering: str) -> None:
    note(f"{ordering=} {drawn}")
    walk = Walk(caller, path, LISTS[path], parents)
    others = {str(one.pk) for one in (walk.parents.person, walk.parents.contract, walk.parents.session)}
    others |= {walk.parents.station.identity, str(walk.parents.site.pk), str(walk.parents.campaign.pk)}
    others.add(str(walk.parents.firmware.pk))
    others.add(str(walk.parents.alert.pk))
    others.add(str(walk.parents.template.pk))
    others |= {str(walk.parents.root.pk), str(walk.parents.root_set.pk)}
    others.add(str(walk.parents.webhook.pk))
    # The keys of the callers are on the page too.
    others |= {str(pk) for pk in ApiKey.objects.values_list("pk", flat=True)}
    for _ in range(drawn["rows"]):
        walk.add()
    # A row whose place in the order changes may move to a page that was read, or come twice.
    is_moving = "updated" in ordering.lower()
    touched: set[str] = set()
    read: list[str] = []
    between = iter(drawn["changes"])

    for page in walk.pages(drawn["limit"], ordering):
        read += page
        for change in next(between, ()):
            if not (is_moving and change.kind == "change"):
                touched |= walk.happen(change)

    assert len(read) == len(set(read)), read
    stayed = {walk.key(row) for row in walk.known} - touched
    assert stayed <= set(read), sorted(stayed - set(read))
    assert set(read) - stayed <= touched | others


drawings = st.fixed_dictionaries(
    {
        "rows": st.integers(0, 9),
        "limit": st.integers(1, 4),
        "changes": st.lists(st.lists(changes, max_size=3), max_size=5),
    }
)


@pytest.mark.parametrize("path", LISTS)
@searched(8)
@given(drawings, st.data())
def test_the_pages_of_every_list_are_the_whole(
    administrator: Caller, parents: Parents, path: str, drawn: dict[str, Any], data: st.DataObject
) -> None:
    ordering = data.draw(st.sampled_from(lists_of_the_api()[path]))
    with rolled_back():
        are_whole(administrator, parents, path, drawn, ordering)


@pytest.mark.parametrize("path", LISTS)
@searched_for_long(100)
@given(drawings, st.data())
def test_the_pages_of_every_list_are_the_whole_for_long(
    administrator: Caller, parents: Parents, path: str, drawn: dict[str, Any], data: st.DataObject
) -> None:
    ordering = data.draw(st.sampled_from(lists_of_the_api()[path]))
    with rolled_back():
        are_whole(administrator, parents, path, drawn, ordering)

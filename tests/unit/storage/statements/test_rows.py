"""Rows of tables, units, and keys in addresses."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.storage import row_numbers
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Rows, Unit
from tests.unit.storage.statements.samples import Sample, Sent
from transactions.models import Counter, TransactionEvent


def test_a_row_has_the_default_of_every_column_that_is_not_named() -> None:
    table = Table(Sample)

    assert table.row({"number": 8}) == ["none", None, {}, None, 8, 0, 0, None, False]
    assert table.row({}) == ["none", None, {}, None, 7, 0, 0, None, False]


def test_a_row_has_the_order_of_its_table() -> None:
    names = ("value", "name")

    assert Table(Counter, order=names).names == ["value", "name"]
    assert Table(Counter).names == ["name", "value"]
    assert "id" not in Table(TransactionEvent).names


@pytest.mark.parametrize("order", [("value",), ("name", "value", "colour"), ("value", "colour")])
def test_an_order_names_every_column_and_no_other(order: tuple[str, ...]) -> None:
    with pytest.raises(TypeError):
        Table(Counter, order=order)


def test_all_unknown_columns_are_named() -> None:
    with pytest.raises(TypeError, match=r"column colour, size$"):
        Table(Counter).row({"size": 1, "name": "a", "colour": "red"})


def test_rows_of_several_units_are_inserted_before_they_are_updated(sent: Sent) -> None:
    table, rows = Table(Counter), Rows()
    first, second = Unit(), Unit()
    first.update(table, "a", value=3)
    first.insert(table, name="a", value=1)
    second.append(table, ["b", 2])
    second.set(table, "b", {"value": 4})

    rows.add(first)
    rows.add(second)
    rows.write()
    rows.write()

    # Two rows of one form need one statement each on SQLite, the second write none.
    assert [sql.split()[0] for sql, _ in sent] == ["INSERT", "INSERT", "UPDATE", "UPDATE"]
    assert [values for _, values in sent] == [["a", 1], ["b", 2], [3, "a"], [4, "b"]]


def test_updates_of_one_row_are_merged_without_changing_their_units(sent: Sent) -> None:
    table, rows = Table(Sample), Rows()
    first, second = Unit(), Unit()
    first.update(table, 1, name="a", number=1)
    second.update(table, 1, number=2)
    second.update(table, 2, number=3)

    rows.add(first)
    rows.add(second)
    rows.write()

    assert [values for _, values in sent] == [["a", 2, 1], [3, 2]]
    assert first.updates == [(table, 1, {"name": "a", "number": 1})]
    assert second.updates == [(table, 1, {"number": 2}), (table, 2, {"number": 3})]


def test_inserts_without_updates_are_written(sent: Sent) -> None:
    rows, unit = Rows(), counter_unit()

    rows.add(unit)
    rows.write()

    assert len(sent) == 1


def counter_unit() -> Unit:
    unit = Unit()
    unit.insert(Table(Counter), name="a", value=1)
    return unit


async def test_the_end_of_a_commit_is_announced_to_the_unit_that_asked() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    unit, told = counter_unit(), []
    assert unit.announced(future) is future
    unit.when_stored = told.append
    assert unit.announced(future) is future

    future.set_result(None)
    await asyncio.sleep(0)

    assert told == [future]


def test_updates_without_inserts_are_written(sent: Sent) -> None:
    table, rows, unit = Table(Counter), Rows(), Unit()
    unit.update(table, "a", value=3)

    rows.add(unit)
    rows.write()

    assert len(sent) == 1


def test_a_unit_that_was_taken_is_empty_and_the_taken_one_keeps_its_rows() -> None:
    table, unit, told = Table(Counter), Unit(), print
    unit.insert(table, name="a", value=1)
    unit.update(table, "a", value=2)
    unit.when_stored = told

    taken = unit.take()

    assert (unit.inserts, unit.updates, unit.when_stored) == ([], [], None)
    assert (taken.inserts, taken.updates) == ([(table, ["a", 1])], [(table, "a", {"value": 2})])
    assert taken.when_stored is told
    assert (bool(unit), bool(taken)) == (False, True)


def test_a_cleared_unit_has_nothing_to_store() -> None:
    table, unit = Table(Counter), Unit()
    unit.insert(table, name="a", value=1)
    unit.update(table, "a", value=2)
    unit.when_stored = print

    unit.clear()

    assert (unit.inserts, unit.updates, unit.when_stored) == ([], [], None)


def test_a_unit_with_updates_alone_has_something_to_store() -> None:
    unit = Unit()
    unit.update(Table(Counter), "a", value=2)

    assert unit


def test_a_new_unit_has_nothing_to_store_and_nothing_to_announce() -> None:
    unit = Unit()

    assert (bool(unit), unit.when_stored) == (False, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("007", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("0" * 18 + "7", 7),
        ("0" * 19 + "7", None),
        ("0", None),
        ("-1", None),
        ("", None),
        ("1.0", None),
        (" 1", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_a_key_is_a_number_of_ascii_digits_from_1_to_63_bits(text: str, number: int | None) -> None:
    assert row_numbers.row_number(text) == number

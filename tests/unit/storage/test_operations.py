"""Migration steps of PostgreSQL: their SQL, and their words in a migration file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps

from ocpp_server.storage.operations import DropForeignKey, SetFillfactor

STATE = SimpleNamespace(apps=apps)


class Editor:
    """Keeps the statements of a schema editor of this database."""

    def __init__(self, vendor: str) -> None:
        self.connection = SimpleNamespace(vendor=vendor)
        self.statements: list[str] = []

    def quote_name(self, name: str) -> str:
        return f'"{name}"'

    def execute(self, sql: str) -> None:
        self.statements.append(sql)


def run(step: Any, vendor: str) -> list[str]:
    """Run a step forwards and backwards."""
    editor = Editor(vendor)
    step.database_forwards("transactions", editor, STATE, STATE)
    step.database_backwards("transactions", editor, STATE, STATE)
    return editor.statements


def test_the_room_on_pages_is_set_and_taken_back() -> None:
    assert run(SetFillfactor("transaction", percent=50), "postgresql") == [
        'ALTER TABLE "transactions_transaction" SET (fillfactor = 50)',
        'ALTER TABLE "transactions_transaction" RESET (fillfactor)',
    ]


@pytest.mark.parametrize(
    "step", [SetFillfactor("transaction", percent=50), DropForeignKey("transaction", "charge_point")]
)
def test_another_database_is_not_changed(step: Any) -> None:
    assert run(step, "sqlite") == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (SetFillfactor("transaction", percent=50), {"model_name": "transaction", "percent": 50}),
        (DropForeignKey("reading", "transaction"), {"model_name": "reading", "field": "transaction"}),
    ],
)
def test_a_step_is_written_with_its_arguments(step: Any, words: dict[str, Any]) -> None:
    assert step.deconstruct() == (type(step).__name__, [], words)
    assert words["model_name"] in step.describe()

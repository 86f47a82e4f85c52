"""Migration operations for PostgreSQL alone. On SQLite they do nothing.

They take a lock on the table for a moment, wait for it a second at most, and are tried again by
`manage.py migrate`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation


class _OnPostgreSQL(Operation, ABC):
    reduces_to_sql = False
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the columns stay the same."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            self.forwards(schema_editor, to_state.apps.get_model(app_label, self.model_name))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            self.backwards(schema_editor, to_state.apps.get_model(app_label, self.model_name))

    @abstractmethod
    def forwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        """Change the table of the model."""

    @abstractmethod
    def backwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        """Take the change back."""


class SetFillfactor(_OnPostgreSQL):
    """Leave room on new pages of a table whose rows are updated often.

    With room on its page, an update that changes no indexed column writes no index (HOT). Readers and writers
    go on meanwhile. Pages that are full stay full.
    """

    def __init__(self, model_name: str, percent: int) -> None:
        super().__init__(model_name)
        self.percent = percent

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [], {"model_name": self.model_name, "percent": self.percent})

    def forwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {self.percent:d})")

    def backwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        schema_editor.execute(
            f"ALTER TABLE {schema_editor.quote_name(model._meta.db_table)} RESET (fillfactor)"
        )

    def describe(self) -> str:
        return f"Fill pages of {self.model_name} to {self.percent} % on PostgreSQL"


class DropForeignKey(_OnPostgreSQL):
    """Drop the constraint of a foreign key whose field has become `db_constraint=False`.

    Checking it takes a query for each inserted row. SQLite keeps it, where it costs next to nothing and
    dropping it would copy the table. The reverse changes nothing: earlier releases work without the
    constraint, and adding it would read the whole table while all stations wait.
    """

    def __init__(self, model_name: str, field: str) -> None:
        super().__init__(model_name)
        self.field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [], {"model_name": self.model_name, "field": self.field})

    def forwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        column = model._meta.get_field(self.field).column  # type: ignore[union-attr] # a concrete field
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT conname FROM pg_constraint"
                " JOIN pg_attribute ON attrelid = conrelid AND conkey = ARRAY[attnum]"
                " WHERE conrelid = %s::regclass AND contype = 'f' AND attname = %s",
                [table, column],
            )
            names = [name for (name,) in cursor.fetchall()]
        for name in names:
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {schema_editor.quote_name(name)}")

    def backwards(self, schema_editor: Any, model: type[models.Model]) -> None:
        """Change nothing: see the class."""

    def describe(self) -> str:
        return f"Drop the constraint of {self.model_name}.{self.field} on PostgreSQL"

"""Migrations add in one version and remove in the next: servers of the version before still work (F34)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

# The last migrations of the first version: no server is older.
FIRST = {"accounts": 5, "chargepoints": 5, "configuration": 1, "transactions": 3}
# These operations remove a table or column that a server of the version before still reads and writes.
REMOVING = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
)
# "app.name" of a migration, and the reason why no server of the version before needs the table or column that
# it removes. The changelog has the reason too.
REMOVED_A_VERSION_LATER: dict[str, str] = {}


def later() -> Iterator[Migration]:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in FIRST and int(name[:4]) > FIRST[app]:
            yield migration


def trouble(operation: operations.base.Operation) -> str:
    """The error that a server of the version before would have; empty when it still works."""
    if isinstance(operation, REMOVING):
        return f"{operation.describe()}: a server of before still uses it; remove it a version later"
    if isinstance(operation, operations.AddField):
        field = operation.field
        is_left_out = isinstance(field, models.ManyToManyField) or field.null or field.primary_key
        if not is_left_out and not (field.has_db_default() and field.has_default()):
            return (
                f"{operation.describe()}: give it `default` and `db_default`, or let it be null; a server of "
                "before writes rows without it"
            )
    return ""


def test_F34_servers_of_the_version_before_work_after_every_migration() -> None:
    found = [
        f"{migration.app_label}.{migration.name}: {words}"
        for migration in later()
        if f"{migration.app_label}.{migration.name}" not in REMOVED_A_VERSION_LATER
        for operation in migration.operations
        if (words := trouble(operation))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (operations.AddField("m", "f", models.CharField(default="", db_default="")), ""),
        (operations.AddField("m", "f", models.CharField(null=True)), ""),
        (operations.AddField("m", "f", models.CharField(default="")), "db_default"),
        (operations.AddField("m", "f", models.CharField(db_default="")), "`default`"),
        (operations.RemoveField("m", "f"), "a version later"),
        (operations.RenameField("m", "f", "g"), "a version later"),
    ],
)
def test_F34_an_operation_that_breaks_the_version_before_is_found(
    operation: operations.base.Operation, words: str
) -> None:
    assert words in trouble(operation) if words else trouble(operation) == ""

"""Migrations add first and remove a version later: servers of the version before go on meanwhile (F34)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

# The last ones of the first version: no server is older.
FIRST = {"accounts": 5, "chargepoints": 5, "configuration": 1, "transactions": 3}
# A server of before still reads and writes what these take away.
REMOVING = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
)
# "app.name": why no server of the version before misses what this migration removes. It stands in the
# changelog too.
REMOVED_A_VERSION_LATER: dict[str, str] = {}


def later() -> Iterator[Migration]:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in FIRST and int(name[:4]) > FIRST[app]:
            yield migration


def trouble(operation: operations.base.Operation) -> str:
    """What a server of the version before would run into; empty when nothing."""
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


def test_F34_every_migration_leaves_the_version_before_able_to_work() -> None:
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
def test_F34_what_the_version_before_would_run_into(operation: operations.base.Operation, words: str) -> None:
    assert words in trouble(operation) if words else trouble(operation) == ""

"""The way back from compressed columns: texts that servers of the release before can read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import connections, models, transaction
from django.db.models import Q

# Few rows a transaction, because messages of stations wait for the database meanwhile.
AT_ONCE: Final = 500
PAUSE_S: Final = 0.01


def way_back(app_label: str, model_name: str, columns: Mapping[str, str]) -> Callable[[Any, Any], None]:
    """The reverse code of a RunPython: `unpack` the columns of a model, by name of the compressed column.

    The migration must not be atomic: each step is a transaction of its own, and after an interruption the
    next run continues.
    """

    def run(apps: Any, schema_editor: Any) -> None:
        unpack(apps.get_model(app_label, model_name), columns, schema_editor.connection.alias)

    return run


def unpack(model: type[models.Model], columns: Mapping[str, str], alias: str) -> int:
    """Move the compressed values into the text columns. Returns the number of changed rows.

    The text of a value that is NULL stays: it is a row of the release before.
    """
    rows = model._default_manager.using(alias).filter(_any_packed(columns)).order_by("pk")
    names = ["pk", *columns, *columns.values()]
    changed = 0
    while found := list(rows.values(*names)[:AT_ONCE]):
        with transaction.atomic(using=alias):
            _write(model, columns, alias, found)
        changed += len(found)
        # A changed row does not come again: without this, the search would pass all of them each time.
        rows = rows.filter(pk__gt=found[-1]["pk"])  # equivalent: only quicker
        time.sleep(PAUSE_S)
    return changed


def _any_packed(columns: Mapping[str, str]) -> Q:
    condition = Q()
    for packed in columns:
        condition |= Q(**{f"{packed}__isnull": False})
    return condition


def _write(
    model: type[models.Model], columns: Mapping[str, str], alias: str, found: list[dict[str, Any]]
) -> None:
    connection, meta = connections[alias], model._meta
    quote: Callable[[Any], str] = connection.ops.quote_name
    field: Callable[[str], Any] = meta.get_field
    key: Any = meta.pk
    packed = [quote(field(name).column) for name in columns]
    texts = [quote(field(name).column) for name in columns.values()]
    sets = ", ".join([*(f"{name} = %s" for name in texts), *(f"{name} = NULL" for name in packed)])
    sql = f"UPDATE {quote(meta.db_table)} SET {sets} WHERE {quote(key.column)} = %s"  # noqa: S608 - names of the model
    values = [
        [*(row[text] if row[name] is None else row[name] for name, text in columns.items()), row["pk"]]
        for row in found
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)

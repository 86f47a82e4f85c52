"""Deletions of rows are noted, so that a system which mirrors a list learns of them.

`keep` declares a model in `AppConfig.ready`. From then on each deletion of a row is noted in its transaction,
whether the REST API, the admin or a cascade deletes it. Rows that are deleted by raw SQL are not noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete

from ocpp_server.ports import Port

MOST_CHARACTERS: Final = 255


@dataclass(frozen=True, slots=True)
class Kept:
    """`key`: the attribute that names a row in its URL. `parent`: the column with the key of the row above,
    for a list below another resource. `sites`: the paths to the number of the row's site, such as
    `charge_point.site_id`, of which the first that leads to one counts; none for a model whose rows belong
    to no site.
    """

    key: str = "pk"
    parent: str = ""
    sites: tuple[str, ...] = ()


class DeletionStore(Protocol):
    """The storage of deletions. A module with these functions can fill the port."""

    def add(self, resource: str, row: str, *, parent: str, site: int | None) -> None:
        """Note the deletion of a row, in the transaction that deletes it."""

    def rows(self, resource: str, *, parent: str | None, since: datetime) -> QuerySet[Any]:
        """The deletions since then, in order; below one parent only, if there is one. Each has `row` and
        `deleted_at`.
        """

    def oldest_kept(self) -> datetime:
        """Deletions before this time are no longer kept."""


port = Port[DeletionStore]("DeletionStore")
_kept: dict[type[Model], Kept] = {}


def keep(model: type[Model], *, key: str = "pk", parent: str = "", sites: tuple[str, ...] = ()) -> None:
    """Note the deletions of this model from now on."""
    _kept[model] = Kept(key, parent, sites)
    post_delete.connect(_note, sender=model, dispatch_uid=f"deletions.{model._meta.label_lower}")


def kept() -> Mapping[type[Model], Kept]:
    """The models whose deletions are noted."""
    return _kept


def resource_of(model: type[Model]) -> str:
    """The name of a model in the notes."""
    return model._meta.label_lower


def _note(sender: type[Model], instance: Model, **_: Any) -> None:
    how = _kept[sender]
    parent = getattr(instance, how.parent) if how.parent else ""
    port.app.add(
        resource_of(sender),
        str(getattr(instance, how.key))[:MOST_CHARACTERS],
        parent="" if parent is None else str(parent),
        site=next((site for path in how.sites if (site := _followed(instance, path)) is not None), None),
    )


def _followed(row: Any, path: str) -> int | None:
    for name in path.split("."):
        try:
            row = None if row is None else getattr(row, name)
        except ObjectDoesNotExist:  # the cascade that deletes this row has deleted the other one before
            return None
    return row if isinstance(row, int) else None

"""Sites: which rows belong to a caller that is limited to some sites. One rule for every way to a row.

A login or an API key may be limited to sites. It then sees and changes the sites, their stations, and the
rows of these stations; an object without a site does not exist for it. The views of the REST API and of the
admin state who their caller is (`limited_to`); from there on the managers of the models apply the rule, so
that a list, a look-up, an export and a choice of a form can't forget it. Without a caller, as for a message
of a station or a job, all rows are found.

A model belongs to sites by its foreign keys `site` and `charge_point` (one of them is enough), by the foreign
keys that its attribute `site_through` names, or by a method `of_sites(ids)` that returns the condition. Its
manager is a `SiteManager`. `tests/unit/house/test_sites.py` demands one of these, or a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import models, transaction
from django.db.models import Q, QuerySet

from ocpp_server.domain import Invalid
from ocpp_server.ports import Port

Row = TypeVar("Row", bound=models.Model)
Ids = frozenset[int]

BY_FOREIGN_KEY: Final = ("site", "charge_point")
# In the place of a site: what belongs to an unknown station, which will get one. Not for test keys: such a
# station is a real charger.
UNKNOWN: Final = 0
# At the test site identities that test keys choose and tokens that may charge begin with it. A test key must
# neither take the identity of a real charger nor use a driver's card.
TEST_PREFIX: Final = "TEST-"
_limit: ContextVar[Ids | None] = ContextVar("sites", default=None)


class Sites(Protocol):
    """The sites and their stations. The app `chargepoints` fills the port."""

    def names(self) -> Mapping[int, str]:
        """The sites of the present caller by their numbers, in the order of their names."""

    def test_site(self) -> int:
        """The number of the site of test keys, which is created when it is first needed."""

    def identities(self) -> set[str]:
        """The identities of the present caller's stations."""


port = Port[Sites]("Sites")


# -- the caller ----------------------------------------------------------------------------------------------


def of(caller: Any) -> Ids | None:
    """The sites that an API key or a login is limited to, UNKNOWN among them; None if it is not limited."""
    ids = None if caller.is_superuser else caller.site_ids
    if ids is None:
        return None
    return frozenset(ids) if getattr(caller, "is_test", False) else frozenset(ids) | {UNKNOWN}


def current() -> Ids | None:
    """The sites that the present caller is limited to; None for all."""
    return _limit.get()


def is_limited() -> bool:
    return _limit.get() is not None


def only() -> int | None:
    """The site of a caller that is limited to one; None for any other."""
    ids = (_limit.get() or frozenset()) - {UNKNOWN}
    return next(iter(ids)) if len(ids) == 1 else None


def limit(ids: Ids | None) -> None:
    """Limit the rest of the present context; `limited_to` ends it."""
    _limit.set(ids)


@contextmanager
def limited_to(ids: Ids | None) -> Iterator[None]:
    """Find only rows of these sites inside the context; None finds all."""
    token = _limit.set(ids)
    try:
        yield
    finally:
        _limit.reset(token)


def is_for_tests(name: str) -> bool:
    """Whether an identity or a token is one of the test site by its name."""
    return name.strip().casefold().startswith(TEST_PREFIX.casefold())


# -- the rule ------------------------------------------------------------------------------------------------


@cache
def ways(model: type[models.Model]) -> tuple[str, ...]:
    """The foreign keys that lead from a model to a site."""
    named = (*BY_FOREIGN_KEY, *getattr(model, "site_through", ()))
    return tuple(name for name in named if _is_foreign_key(model, name))


def _is_foreign_key(model: type[models.Model], name: str) -> bool:
    try:
        return bool(model._meta.get_field(name).many_to_one or model._meta.get_field(name).one_to_one)
    except FieldDoesNotExist:
        return False


def has_sites(model: type[models.Model]) -> bool:
    """Whether rows of this model can belong to a site."""
    return hasattr(model, "of_sites") or bool(ways(model))


def condition(model: type[models.Model], ids: Ids) -> Q:
    """The rows that belong to these sites; none of a model that has no sites."""
    if hasattr(model, "of_sites"):
        own: Q = model.of_sites(ids)
        return own
    found = Q(pk__in=())
    for name in ways(model):
        if name == "site":
            found |= Q(site_id__in=ids)
        else:
            target: Any = model._meta.get_field(name).related_model
            theirs = target._base_manager.filter(condition(target, ids))
            found |= Q(**{f"{name}__in": theirs.values("pk")})
    return found


def limited(rows: QuerySet[Row]) -> QuerySet[Row]:
    """The rows that belong to the present caller: all, if it is not limited."""
    ids = _limit.get()
    return rows if ids is None else rows.filter(condition(rows.model, ids))


class SiteManager(models.Manager[Row]):
    """The manager of a model that belongs to sites: it finds the rows of the present caller."""

    def get_queryset(self) -> QuerySet[Row]:
        return limited(super().get_queryset())


def is_theirs(row: models.Model) -> bool:
    """Whether a stored row belongs to the present caller."""
    ids = _limit.get()
    if ids is None:
        return True
    model = type(row)
    return model._base_manager.filter(condition(model, ids), pk=row.pk).exists()


@contextmanager
def kept() -> Iterator[None]:
    """Around a change by a caller: a transaction if the caller is limited, so that `require` undoes it."""
    if not is_limited():
        yield
        return
    with transaction.atomic():
        yield


def require(row: Any) -> None:
    """Refuse a new or changed row that the caller could not see afterwards. Raises Invalid."""
    if isinstance(row, models.Model) and has_sites(type(row)) and not is_theirs(row):
        raise Invalid("You are limited to some sites: name one of them.", field="site")
